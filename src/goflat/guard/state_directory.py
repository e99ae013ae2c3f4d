"""The directory that outlives every process of ours, and the proof that it is only ours."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from goflat.errors import GoflatError

VARIABLE = "GOFLAT_STATE_DIR"
_SYSTEMD_VARIABLE = "STATE_DIRECTORY"
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MODE = 0o700
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class Unusable(GoflatError):
    """Something in the state directory cannot be believed or used, and why."""


def state_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """$GOFLAT_STATE_DIR, else $STATE_DIRECTORY of systemd, else what XDG says for this user.

    Raises:
        Unusable: there is none, because this user has no home directory.
    """
    if named := environ.get(VARIABLE):
        return Path(named).absolute()
    if named := environ.get(_SYSTEMD_VARIABLE, "").partition(":")[0]:
        return Path(named).absolute()
    if (named := environ.get("XDG_STATE_HOME", "")).startswith("/"):
        return Path(named) / "goflat"
    try:
        return Path.home() / ".local" / "state" / "goflat"
    except RuntimeError:
        raise Unusable(f"this user has no home directory; set ${VARIABLE}") from None


def open_directory(path: Path) -> int | None:
    """A descriptor of the directory, if it belongs to us and nobody else may write to it.

    None: there is none.

    Raises:
        Unusable: it is a link, no directory, somebody else's, or open to others.
    """
    try:
        descriptor = os.open(path, _OPEN)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror or error}") from None
    try:
        refuse_foreign(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def make_directory(path: Path) -> int:
    """As `open_directory`, and it is made, for us alone, where there is none.

    Raises:
        Unusable: as there, or it cannot be made.
    """
    try:
        path.parent.mkdir(mode=_MODE, parents=True, exist_ok=True)
        path.mkdir(mode=_MODE, exist_ok=True)
    except OSError as error:
        raise Unusable(f"{path}: cannot be made: {error.strerror or error}") from None
    descriptor = open_directory(path)
    if descriptor is None:
        raise Unusable(f"{path}: it was taken away")
    return descriptor


def refuse_foreign(found: os.stat_result, path: Path) -> None:
    """Raises Unusable where somebody else could have written it."""
    if found.st_uid != os.geteuid():
        raise Unusable(f"{path}: it belongs to another user (uid {found.st_uid})")
    if found.st_mode & _OTHERS_MAY_WRITE:
        raise Unusable(f"{path}: others may write to it (chmod go-w)")
