"""What supervisor and liquidator say to each other, over sockets that keep messages whole.

Small messages, few of them, and nobody waits for the other: who does not read is as good as dead.
"""

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import TypeAlias, get_args

MESSAGE_BYTES_MAX = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """Liquidator: this is who I am."""

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Armed:
    """Liquidator: everything is opened and tried; I would act now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Liquidator: I could not act, and this is why. I end."""

    reasons: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Liquidator: all that I can do is done. `state` is the name of a LiquidationState."""

    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Supervisor: are you there?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """Liquidator: I am, and my loop runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """Supervisor: from now on the command may be there. If I die, act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Supervisor: this is the command."""

    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """Supervisor: act now, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hurry:
    """Supervisor: leave out what is done for more certainty only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandDown:
    """Supervisor: it is over, and nothing is to be done."""


Message: TypeAlias = (
    Here | Armed | Refused | Ended | Ping | Pong | Starting | Started | Flatten | Hurry | StandDown
)

_KINDS: Mapping[str, type[Message]] = MappingProxyType(
    {kind.__name__: kind for kind in get_args(Message)}
)


class Gone(Exception):
    """Nobody is at the other end any more, or nobody who listens."""


class Link:
    """One end of the pair."""

    def __init__(self, end: socket.socket) -> None:
        end.settimeout(0)
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()

    def tell(self, message: Message) -> None:
        """Send a message at once.

        Raises:
            Gone: it cannot be sent.
        """
        content = {"is": type(message).__name__, **asdict(message)}
        try:
            self._end.send(json.dumps(content).encode()[:MESSAGE_BYTES_MAX])
        except OSError as error:
            raise Gone(str(error)) from None

    def hear(self) -> Message | None:
        """The next message. None: none has come yet.

        Raises:
            Gone: the other end is closed, or speaks no language of ours.
        """
        try:
            content = self._end.recv(MESSAGE_BYTES_MAX)
        except BlockingIOError:
            return None
        except OSError as error:
            raise Gone(str(error)) from None
        if not content:
            raise Gone("closed")
        try:
            said = json.loads(content)
            return _KINDS[said.pop("is")](**said)
        except (ValueError, KeyError, TypeError) as error:
            raise Gone(f"not understood: {type(error).__name__}") from None

    def close(self) -> None:
        self._end.close()


def linked() -> tuple[Link, Link]:
    """Two ends that talk to each other. Nothing that is executed inherits them."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Link(one), Link(other)
