"""What somebody probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches

LONGEST_NAME_SHOWN = 40
"""A longer name than this is not repeated: it may be a secret in the wrong place."""

SHORTEST_PART = 4
"""A part of a name that is shorter than this says too little about the whole."""


def near_miss(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None."""
    if len(word) > LONGEST_NAME_SHOWN:
        return None
    plain = _plain(word)
    names = {_plain(name): name for name in known}
    if close := get_close_matches(plain, names, n=1, cutoff=0.65):
        return names[close[0]]
    if len(plain) < SHORTEST_PART:
        return None
    return next((name for key, name in names.items() if plain in key or key in plain), None)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a sentence that names the near miss; nothing where there is none."""
    meant = near_miss(word, known)
    return f'; did you mean "{meant}"?' if meant else ""


def shown(name: str) -> str:
    """A name from the file, fit to be printed."""
    if len(name) <= LONGEST_NAME_SHOWN:
        return name
    return f"a name of {len(name)} characters"


def _plain(word: str) -> str:
    return word.strip().casefold().replace("-", "_")
