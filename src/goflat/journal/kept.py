"""A list that stays short however much goes into it."""

from collections.abc import Iterator
from typing import Generic, TypeVar

MAX_KEPT = 200

Item = TypeVar("Item")


class Kept(Generic[Item]):
    """The first `MAX_KEPT` things, and how many more there were."""

    def __init__(self) -> None:
        self._items: list[Item] = []
        self.left_out = 0

    def add(self, item: Item) -> None:
        if len(self._items) < MAX_KEPT:
            self._items.append(item)
        else:
            self.left_out += 1

    @property
    def count(self) -> int:
        return len(self._items) + self.left_out

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)
