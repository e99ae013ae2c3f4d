"""The machine, in one line: figures mean nothing without it. Names neither host nor user."""

import importlib.metadata
import os
import platform
from pathlib import Path

PACKAGES = ("aiohttp", "uvloop", "ccxt", "python-binance")


def machine_line(*, is_realtime: bool = False) -> str:
    """Processor, cores, system, Python, and the versions that were measured."""
    versions = [f"{name} {_version(name)}" for name in PACKAGES]
    cores = len(os.sched_getaffinity(0))
    return ", ".join(
        [
            f"{cores} {'core' if cores == 1 else 'cores'} ({_processor()})",
            f"{platform.system()} {platform.machine()}",
            f"{platform.python_implementation()} {platform.python_version()}",
            *versions,
            *(["both processes at real-time priority"] if is_realtime else []),
        ]
    )


def load_now() -> float:
    """How many processes wanted a core in the last minute, the benchmark's own included."""
    return os.getloadavg()[0]


def _processor() -> str:
    with Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].replace("(R)", "").split())
    return "unknown processor"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"
