"""Countries that a telephone number may be of, by the address and the text that it is in."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import regex

MAX_GROUPS = 12
_WORD = re.compile(r"\w+")


class RegionFinder:
    """Finds countries in texts.

    Args:
        table: Names of countries, patterns of their addresses, their scripts, and words of their languages.
        title: What messages call the table.

    Raises:
        ValueError: If the table has another shape.
    """

    def __init__(self, table: Any, title: str) -> None:
        try:
            self._names = {
                _pad(name): (region,) for region, names in table["names"].items() for name in names
            }
            self._patterns = [(regex.compile(pattern), tuple(areas)) for areas, pattern in table["patterns"]]
            self._scripts = [(regex.compile(rf"\p{{{name}}}"), areas) for name, areas in table["scripts"]]
            self._words = [(frozenset(map(_pad, words)), tuple(areas)) for areas, words in table["words"]]
        except (AttributeError, KeyError, TypeError, ValueError, regex.error) as err:
            raise ValueError(
                f"{title} must have names, patterns, scripts and words as the table of the package, found an "
                f"error at {err}. Fix the file."
            ) from err
        self.find = lru_cache(maxsize=256)(self._find)

    def _find(self, address: str, text: str) -> Sequence[tuple[str, ...]]:
        """Return countries, the most likely first; those that only agree are together.

        Args:
            address: The address that belongs to the number; empty if there is none.
            text: The whole text.
        """
        return [*dict.fromkeys([*self._find_in(address), *self._find_in(text)])][:MAX_GROUPS]

    def _find_in(self, text: str) -> Iterator[tuple[str, ...]]:
        if not text:
            return
        padded = _pad(text)
        yield from (region for name, region in self._names.items() if _is_in(name, padded))
        yield from (regions for pattern, regions in self._patterns if pattern.search(text))
        for pattern, regions in self._scripts:
            if not text.isascii() and pattern.search(text):
                yield from ((region,) for region in regions)
        counts = [(sum(word in padded for word in words), regions) for words, regions in self._words]
        yield from (regions for count, regions in sorted(counts, key=lambda each: -each[0]) if count)


def _pad(text: str) -> str:
    """Return the words of a text between single spaces."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _is_in(name: str, padded: str) -> bool:
    """Return whether a text has a name: as words, or anywhere if its script has no spaces."""
    return (name if name.isascii() or name[1] < "\u0e00" else name.strip()) in padded
