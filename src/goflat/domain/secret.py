"""A text that must not be shown."""

from typing import NoReturn


class Secret:
    """Holds one secret, and shows it to nobody who does not ask for it by name.

    Has no useful repr, str, format, comparison by value, copy or pickle. `reveal()` is called
    where a signature or a header is made, and nowhere else.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled and not copied")
