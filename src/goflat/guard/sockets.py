"""Where the guard is found: the names of its sockets in the state directory."""

CONTROL_SOCKET = "control.sock"
HEARTBEAT_SOCKET = "heartbeat.sock"
LOCK_FILE = "guard.lock"
