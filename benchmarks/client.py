"""A contestant's process: prepare, wait for the word, run once, say what it claims."""

import asyncio
import cProfile
import importlib
import sys
import time
from dataclasses import replace

from benchmarks.contestants import CONTESTANTS, Runner
from benchmarks.lines import Claim, Scene, say, understand

READY = "ready"


def main() -> None:
    """One scene from standard input, one claim to standard output."""
    scene = understand(sys.stdin.buffer.readline(), Scene)
    scene.place.take()
    entrant = CONTESTANTS[scene.contestant]
    runner = entrant.enter(importlib.import_module(entrant.module))
    if entrant.is_on_uvloop:
        import uvloop  # noqa: PLC0415 - only who runs on it pays for it

        uvloop.run(_contest(runner, scene))
    else:
        asyncio.run(_contest(runner, scene))


async def _contest(runner: Runner, scene: Scene) -> None:
    await runner.prepare(scene)
    say(READY)
    await asyncio.to_thread(sys.stdin.buffer.readline)
    profile = cProfile.Profile() if scene.profile else None
    if profile is not None:
        profile.enable()
    started, cpu_started = time.perf_counter(), time.process_time()
    claim = await _ran(runner)
    knows_ms = (time.perf_counter() - started) * 1000
    cpu_ms = (time.process_time() - cpu_started) * 1000
    if profile is not None:
        profile.disable()
        profile.dump_stats(str(scene.profile))
    say(replace(claim, knows_ms=knows_ms, cpu_ms=cpu_ms))
    await asyncio.to_thread(sys.stdin.buffer.readline)
    await runner.close()


async def _ran(runner: Runner) -> Claim:
    """What the contestant claims; one that raises claims nothing."""
    try:
        return await runner.run()
    except Exception as error:  # noqa: BLE001 - whatever a script raises is its answer
        return Claim(says_flat=False, proves=False, words=f"raises {type(error).__name__}")


if __name__ == "__main__":
    main()
