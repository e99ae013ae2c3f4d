from collections.abc import Callable
from pathlib import Path

import pytest

PAYLOADS = Path(__file__).parent / "payloads"


@pytest.fixture
def payload() -> Callable[[str], bytes]:
    """The bytes of one recorded payload; payloads/SOURCES.md says where they come from."""

    def read(name: str) -> bytes:
        return (PAYLOADS / name).read_bytes()

    return read
