"""Three words with the kernel that Python has no name for."""

import ctypes

_SET_DUMPABLE = 4
_SET_CHILD_SUBREAPER = 36


def adopt_orphans(wanted: bool) -> bool:  # noqa: FBT001 - the one thing it is about
    """Whether descendants that lose their parent become our children, and not those of process 1.

    Returns whether the kernel agreed.
    """
    return _prctl(_SET_CHILD_SUBREAPER, int(wanted))


def hide_from_others() -> bool:
    """Let nobody of the same user look into our memory or our first environment, core dumps
    included.

    Undone by the kernel for what we execute. Returns whether the kernel agreed.
    """
    return _prctl(_SET_DUMPABLE, 0)


def _prctl(option: int, argument: int) -> bool:
    library = ctypes.CDLL(None, use_errno=True)
    return int(library.prctl(option, ctypes.c_ulong(argument), 0, 0, 0)) == 0
