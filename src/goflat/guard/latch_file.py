"""The latch on disk: once tripped, an account stays latched through every crash and restart.

One file an account. No file means not latched; a file that is damaged, unreadable or somebody
else's means latched, because whoever doubts has to act as if. It is written before the first close
and waited for no longer than 50 ms: the run goes on, and the evidence says so.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Self

from goflat.core.guarding.latch import Latch
from goflat.core.guarding.severity import Severity
from goflat.guard.processes import read_process
from goflat.guard.state_directory import (
    Unusable,
    make_directory,
    open_directory,
    refuse_foreign,
    state_directory,
)

SET_SECONDS = 0.05
"""How long a trip waits for its latch to be durable. Then it goes on all the same."""

DAMAGED = "damaged"
"""By this name a latch is cleared that cannot be read, so that nobody clears it by accident."""

_VERSION = 1
_BYTES_MAX = 65_536
_LOCK_TRIES, _LOCK_PAUSE_SECONDS = 10, 0.001
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How a latch was kept. `durable` false: it is not known to survive a crash, and `reason`."""

    durable: bool
    reason: str | None = None


def is_latched(account: str = "main") -> bool:
    """Whether an account is latched, so that a bot must not send its first order.

    Never raises, and answers True where it cannot be told.
    """
    try:
        return read_latch(account) is not None
    except Exception:  # noqa: BLE001 - whoever doubts acts as if it were latched
        return True


def read_latch(account: str, directory: Path | None = None) -> Latch | None:
    """Why an account is latched; None: it is not.

    What cannot be read or believed is a latch as well: without a run, and with what is wrong as its
    reason. `directory` None: where this user keeps them.
    """
    try:
        path = state_directory() if directory is None else directory
        descriptor = open_directory(path)
        if descriptor is None:
            return None
        try:
            return _read(descriptor, path, account)
        finally:
            os.close(descriptor)
    except (Unusable, OSError) as error:
        return _doubtful(str(error))


def name_of(latch: Latch) -> str:
    """By which name it is cleared: that of its run."""
    return latch.run_id or DAMAGED


def clear_latch(account: str, name: str, directory: Path | None = None) -> None:
    """Take off the latch of that name, and no other that came meanwhile.

    Raises:
        Unusable: the account is not latched, or by another run, or the file cannot be removed.
    """
    path = state_directory() if directory is None else directory
    descriptor = open_directory(path)
    if descriptor is None:
        raise Unusable(f"account {account} is not latched")
    try:
        with _locked(descriptor) as is_alone:
            found = _read(descriptor, path, account)
            if not is_alone:
                raise Unusable(f"the latch of account {account} is being set; look again")
            if found is None:
                raise Unusable(f"account {account} is not latched")
            if name != name_of(found):
                raise Unusable(f"account {account} is latched as {name_of(found)}, not as {name}")
            os.unlink(_file(account), dir_fd=descriptor)
            os.fsync(descriptor)
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror or error}") from None
    finally:
        os.close(descriptor)


class LatchFile:
    """The latch of one account, with everything opened that setting it will need.

    The directory, the file to be renamed and the thread that waits for the disk are there before
    it matters; `set` opens nothing.

    Raises:
        Unusable: there is no directory for it, or none that is ours alone.
    """

    def __init__(self, account: str, directory: Path | None = None) -> None:
        self._account = account
        self.path = (state_directory() if directory is None else directory) / _file(account)
        self._directory = make_directory(self.path.parent)
        self._draft = _draft(account)
        try:
            _sweep(self._directory, account)
            self._descriptor = os.open(self._draft, _CREATE, 0o600, dir_fd=self._directory)
        except OSError as error:
            os.close(self._directory)
            raise Unusable(f"{self.path}: {error.strerror or error}") from None
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="goflat-latch", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_about: object) -> None:
        self.close()

    def read(self) -> Latch | None:
        """As `read_latch`."""
        return read_latch(self._account, self.path.parent)

    async def set(self, latch: Latch, *, seconds: float = SET_SECONDS) -> Kept:
        """Set the latch, and wait for the disk at most so long. Never raises.

        An account that is latched already stays so as it is: its first reason is the one that
        somebody has to clear.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Kept] = loop.create_future()

        def job() -> None:
            kept = self._set(latch)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, answer, kept)

        self._jobs.put(job)
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            return Kept(durable=False, reason=f"the disk did not answer within {seconds:g} s")

    def clear(self, name: str) -> None:
        """As `clear_latch`."""
        clear_latch(self._account, name, self.path.parent)

    def close(self) -> None:
        """Let go of it. The latch stays as it is."""
        self._jobs.put(None)
        with contextlib.suppress(OSError):
            os.unlink(self._draft, dir_fd=self._directory)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        os.close(self._descriptor)
        os.close(self._directory)

    def _set(self, latch: Latch) -> Kept:
        try:
            with _locked(self._directory):
                return self._put(latch)
        except (Unusable, OSError) as error:
            return Kept(durable=False, reason=f"{self.path}: {error}")

    def _put(self, latch: Latch) -> Kept:
        standing = self.read()
        if standing is not None:
            return Kept(durable=True, reason=f"it was latched already: {standing.reason}")
        content = _as_bytes(self._account, latch)
        try:
            return _written(self._descriptor, content, self._directory, self._account)
        except FileNotFoundError:
            # Used once already, or somebody took the directory away: open what is needed again.
            return self._put_anew(content)

    def _put_anew(self, content: bytes) -> Kept:
        directory = make_directory(self.path.parent)
        try:
            draft = os.open(self._draft, _CREATE, 0o600, dir_fd=directory)
            try:
                return _written(draft, content, directory, self._account)
            finally:
                os.close(draft)
        finally:
            os.close(directory)


# --- one file -----------------------------------------------------------------------------------


def _file(account: str) -> str:
    if not _ACCOUNT.fullmatch(account):
        raise Unusable("no account has such a name")
    return f"latch.{account}.json"


def _draft(account: str) -> str:
    return f".latch.{account}.{os.getpid()}.draft"


def _sweep(directory: int, account: str) -> None:
    """Take away the drafts of processes that are gone."""
    wanted = re.compile(rf"\.latch\.{re.escape(account)}\.(\d+)\.draft")
    for name in os.listdir(directory):
        if (found := wanted.fullmatch(name)) and read_process(int(found[1])) is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=directory)


def _read(directory: int, path: Path, account: str) -> Latch | None:
    """The latch in an open directory, whatever state it is in."""
    try:
        descriptor = os.open(_file(account), _READ, dir_fd=directory)
    except FileNotFoundError:
        return None
    except OSError as error:
        return _doubtful(f"{path / _file(account)}: {error.strerror or error}")
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            return _doubtful(f"{path / _file(account)}: it is no regular file of one name")
        refuse_foreign(found, path / _file(account))
        return _parsed(account, os.read(descriptor, _BYTES_MAX))
    except (Unusable, OSError) as error:
        return _doubtful(str(error))
    finally:
        os.close(descriptor)


def _doubtful(reason: str) -> Latch:
    return Latch(run_id="", severity=Severity.HALT, reason=reason, by="goflat", since="")


def _written(draft: int, content: bytes, directory: int, account: str) -> Kept:
    """Give the draft its content and its name, and have the disk keep both.

    The name comes before the disk has answered: others see the latch at once, and one whose content
    a crash has lost is a damaged one, which is a latch as well.
    """
    os.ftruncate(draft, 0)
    if os.pwrite(draft, content, 0) != len(content):
        return Kept(durable=False, reason="it was not written whole")
    os.rename(_draft(account), _file(account), src_dir_fd=directory, dst_dir_fd=directory)
    os.fsync(draft)
    os.fsync(directory)
    return Kept(durable=True)


def _as_bytes(account: str, latch: Latch) -> bytes:
    content = {
        "version": _VERSION,
        "account": account,
        "run_id": latch.run_id,
        "severity": latch.severity.value,
        "reason": latch.reason[:1000],
        "by": latch.by[:200],
        "since": latch.since,
    }
    return (json.dumps(content, indent=1) + "\n").encode()


def _parsed(account: str, content: bytes) -> Latch:
    """What a file says. One that makes no sense is a latch all the same."""
    try:
        said = json.loads(content)
        if said["version"] != _VERSION or said["account"] != account:
            return _doubtful("the latch file is of another version or account")
        texts = {key: said[key] for key in ("run_id", "reason", "by", "since")}
        if not all(isinstance(text, str) for text in texts.values()) or not texts["run_id"]:
            return _doubtful("the latch file is damaged")
        return Latch(severity=Severity(said["severity"]), **texts)
    except (ValueError, KeyError, TypeError, RecursionError):
        return _doubtful("the latch file is damaged")


@contextmanager
def _locked(directory: int) -> Iterator[bool]:
    """Keep others from setting or clearing meanwhile. Gives whether that could be had in time.

    Setting goes on without: a lock that somebody holds must not keep an account from being latched.
    """
    is_alone = any(_tries_to_lock(directory) for _ in range(_LOCK_TRIES))
    try:
        yield is_alone
    finally:
        if is_alone:
            fcntl.flock(directory, fcntl.LOCK_UN)


def _tries_to_lock(directory: int) -> bool:
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        time.sleep(_LOCK_PAUSE_SECONDS)
        return False
    return True


def _settle(answer: "asyncio.Future[Kept]", kept: Kept) -> None:
    if not answer.done():
        answer.set_result(kept)
