"""Tell the service manager that we are ready, alive and stopping, where there is one."""

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """The socket of $NOTIFY_SOCKET, opened once. Without one, nothing is told to nobody."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        if self._address:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.settimeout(0)
        microseconds = environ.get("WATCHDOG_USEC", "")
        self.watchdog_seconds = int(microseconds) / 1e6 if microseconds.isdigit() else None

    def tell(self, *lines: str) -> None:
        """Send lines such as READY=1. Never waits and never raises."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.sendto("\n".join(lines).encode(), self._address)
