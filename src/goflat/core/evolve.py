"""A changed copy of a frozen value, made quickly.

A run is some thousand small changes of values with many fields, on the way between a trigger and
the venue. `dataclasses.replace` builds each copy through its constructor; this one copies the
slots, by a function that is written for each class, as dataclasses writes its own. For values
without checks of their own: what is checked when it is built (an order, a configuration) is changed
with `dataclasses.replace`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - handed on by name

    def prepare(*kinds: type) -> None:
        """Write the copying function of these classes now, and not at the worst moment."""
else:
    from dataclasses import fields

    _COPIERS = {}

    def _copier(kind):
        """A function that makes a copy of a value of this class, slot by slot."""
        names = [field.name for field in fields(kind)]
        if hasattr(kind, "__post_init__"):
            raise TypeError(f"{kind.__name__} is changed with dataclasses.replace")
        lines = ["def copy(value):", "    new = make(kind)"]
        lines += [f"    put_{name}(new, value.{name})" for name in names]
        lines += ["    return new"]
        known = {f"put_{name}": kind.__dict__[name].__set__ for name in names}
        known |= {"make": object.__new__, "kind": kind}
        exec("\n".join(lines), known)  # noqa: S102 - of our own field names, and nothing else
        return known["copy"]

    def prepare(*kinds):
        """Write the copying function of these classes now, and not at the worst moment."""
        for kind in kinds:
            _COPIERS[kind] = _copier(kind)

    def replace(value, /, **changes):
        """A copy of `value` in which `changes` hold. An unknown name raises AttributeError."""
        kind = type(value)
        copy = _COPIERS.get(kind)
        if copy is None:
            copy = _COPIERS[kind] = _copier(kind)
        new = copy(value)
        put = object.__setattr__
        for name, after in changes.items():
            put(new, name, after)
        return new
