"""Ask a guard something, from another process. Imports nothing that takes long."""

import json
import socket
from pathlib import Path

from goflat.errors import GoflatError
from goflat.guard.sockets import CONTROL_SOCKET
from goflat.guard.state_directory import state_directory

VERSION = 1
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 20.0
ANSWER_BYTES_MAX = 4 * 2**20


class NoGuard(GoflatError):
    """No guard answers, and why."""


def ask(
    question: dict[str, object],
    *,
    directory: Path | None = None,
    seconds: float = ANSWER_SECONDS,
) -> dict[str, object]:
    """Send one question and bring back the answer. Blocks, at most `seconds`.

    Raises:
        NoGuard: there is none, it hung up, or it did not answer in time.
    """
    path = (state_directory() if directory is None else directory) / CONTROL_SOCKET
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(CONNECT_SECONDS)
            connection.connect(str(path))
            connection.settimeout(seconds)
            connection.sendall(json.dumps({"v": VERSION, **question}).encode() + b"\n")
            line = _line(connection)
    except OSError as error:
        raise NoGuard(f"no guard answers at {path}: {error.strerror or error}") from None
    try:
        answer = json.loads(line)
    except ValueError:
        raise NoGuard(f"what answers at {path} is no guard") from None
    if not isinstance(answer, dict):
        raise NoGuard(f"what answers at {path} is no guard")
    return answer


def _line(connection: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n") and len(received) <= ANSWER_BYTES_MAX:
        more = connection.recv(65_536)
        if not more:
            break
        received += more
    return received
