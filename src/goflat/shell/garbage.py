"""Hold the interpreter's garbage collector back while a liquidation runs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collections_held() -> Iterator[None]:
    """No cyclic collection inside of this block. What reference counts free is freed as ever.

    A run makes many small values in a second, and that sets off collections of everything a
    program holds: in a large bot a pause of a tenth of a second and more, between the trigger and
    the venue. A run ends by its deadline, so what piles up meanwhile is bounded.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
