"""A function's results kept by their text, never more than a fixed number of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Memo"]

T = TypeVar("T")


class Memo(dict[str, T], Generic[T]):
    """``memo[text]`` is ``function(text)``, computed once while it is kept.

    At ``entries`` results it forgets all of them and starts anew; results for texts of more than ``longest``
    characters are not kept. So memory stays bounded whatever comes in, and a hit costs one dictionary
    look-up.

    >>> lengths = Memo(len, entries=2)
    >>> lengths["abc"], lengths["de"], len(lengths)
    (3, 2, 2)
    """

    def __init__(self, function: Callable[[str], T], entries: int, longest: int = 100) -> None:
        super().__init__()
        self.function = function
        self.entries = entries
        self.longest = longest

    def __missing__(self, text: str) -> T:
        result = self.function(text)
        if len(text) <= self.longest:
            if len(self) >= self.entries:
                self.clear()
            self[text] = result
        return result
