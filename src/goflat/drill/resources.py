"""What the process uses: memory, file descriptors, threads. Read from the system, not counted."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path

SETTLING_STEPS = 50
SETTLING_STEP_SECONDS = 0.02

_STATUS = Path("/proc/self/status")
_DESCRIPTORS = Path("/dev/fd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """At one moment. None where the system does not say."""

    memory_mib: float | None
    descriptors: int | None
    threads: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        return {
            "memory_mib": self.memory_mib,
            "descriptors": self.descriptors,
            "threads": list(self.threads),
        }


def measure() -> Resources:
    """What is used now."""
    return Resources(
        memory_mib=_memory_mib(),
        descriptors=_descriptors(),
        threads=tuple(sorted(thread.name for thread in threading.enumerate())),
    )


def measure_after(before: Resources) -> Resources:
    """What is used once things have ended that are about to end. Blocks for a moment at most."""
    now = measure()
    for _ in range(SETTLING_STEPS):
        if set(now.threads) <= set(before.threads):
            break
        time.sleep(SETTLING_STEP_SECONDS)
        now = measure()
    return now


def _memory_mib() -> float | None:
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    return None


def _descriptors() -> int | None:
    try:
        # Listing the directory takes one itself.
        return sum(1 for _ in _DESCRIPTORS.iterdir()) - 1
    except OSError:
        return None
