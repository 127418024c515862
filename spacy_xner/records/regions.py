"""Countries that a telephone number may be of, by the address and the text that it is in."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Any

import regex

from ..scripts import has_unspaced

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
            names = {_join(name): (region,) for region, names in table["names"].items() for name in names}
            self._names = {name: region for name, region in names.items() if not has_unspaced(name)}
            self._unspaced = {name: region for name, region in names.items() if has_unspaced(name)}
            self._patterns = [(regex.compile(pattern), tuple(areas)) for areas, pattern in table["patterns"]]
            self._scripts = [(regex.compile(rf"\p{{{name}}}"), areas) for name, areas in table["scripts"]]
            self._words = [(frozenset(map(_join, words)), tuple(areas)) for areas, words in table["words"]]
            self._any_unspaced = re.compile("|".join(map(re.escape, self._unspaced)) or "(?!)")
        except (AttributeError, KeyError, TypeError, ValueError, regex.error) as err:
            raise ValueError(
                f"{title} must have names, patterns, scripts and words as the table of the package, found an "
                f"error at {err}. Fix the file."
            ) from err

    def find(self, address: str, text: str) -> Iterator[tuple[str, ...]]:
        """Yield countries, the most likely first; those that only agree are together.

        Args:
            address: The address that belongs to the number; empty if there is none.
            text: The whole text.
        """
        found: set[tuple[str, ...]] = set()
        for regions in chain(self._find_in(address), self._find_in(text)):
            if regions not in found and len(found) < MAX_GROUPS:
                found.add(regions)
                yield regions

    def _find_in(self, text: str) -> Iterator[tuple[str, ...]]:
        if not text:
            return
        phrases = _list_phrases(text)
        yield from (self._names[phrase] for phrase in phrases if phrase in self._names)
        if not text.isascii():
            yield from (self._unspaced[name] for name in self._any_unspaced.findall(text))
        yield from (regions for pattern, regions in self._patterns if pattern.search(text))
        for pattern, regions in () if text.isascii() else self._scripts:
            if pattern.search(text):
                yield from ((region,) for region in regions)
        counts = [(len(words & phrases.keys()), regions) for words, regions in self._words]
        yield from (regions for count, regions in sorted(counts, key=lambda each: -each[0]) if count)


def _join(name: str) -> str:
    """Return the words of a name between single spaces."""
    return " ".join(_WORD.findall(name.casefold()))


def _list_phrases(text: str) -> dict[str, None]:
    """Return the words of a text, and what two and three of them are together, in order."""
    words = _WORD.findall(text.casefold())
    return dict.fromkeys(
        " ".join(words[i : i + n]) for i in range(len(words)) for n in (1, 2, 3) if i + n <= len(words)
    )
