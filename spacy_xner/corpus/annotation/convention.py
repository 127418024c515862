"""What offsets count, and whether an end is inclusive."""

from collections.abc import Sequence
from itertools import islice, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..reading.options import ENDS, UNITS
from .raw import RawSpan

# A character is one unit, and one more for each of these code points that it is above.
LIMITS = {"chars": (), "utf16": (0xFFFF,), "bytes": (0x7F, 0x7FF, 0xFFFF)}
Range = tuple[int, int]


class Convention(NamedTuple):
    """What offsets count.

    Attributes:
        is_inclusive: An end is the offset of the last unit, not the one after it.
        units: What they count, a key of `UNITS`: to JavaScript's UTF-16, an emoji is two.
        is_crlf_one: They count a line end of CR and LF as one.
    """

    is_inclusive: bool = False
    units: str = "chars"
    is_crlf_one: bool = False

    @property
    def ends(self) -> str:
        """The value of --ends."""
        return ENDS[self.is_inclusive]

    @property
    def counted(self) -> str:
        """What they count, in words."""
        return UNITS[self.units] + " with CRLF as one" * self.is_crlf_one

    def __str__(self) -> str:
        return f"offsets in {self.counted}, ends {self.ends}"

    def resolve(self, text: str, ranges: Sequence[Range]) -> list[Range]:
        """Return starts and ends, exclusive, in characters; -1 where no character starts or ends."""
        if self.is_inclusive:
            ranges = [(start, end + 1) for start, end in ranges]
        places = self._count_units(text)
        if places is None:
            return list(ranges)
        starts, ends = zip(*ranges, strict=True) if ranges else ((), ())
        return list(zip(_locate(places, starts), _locate(places, ends), strict=True))

    def locate(self, text: str, spans: Sequence[RawSpan]) -> list[list[Range]]:
        """Return the characters of each entity: one range, or one for each of its fragments."""
        if not any(span.parts for span in spans):
            return [[place] for place in self.resolve(text, [span[:2] for span in spans])]
        resolved = iter(self.resolve(text, [part for span in spans for part in span.parts or (span[:2],)]))
        return [[*islice(resolved, len(span.parts) or 1)] for span in spans]

    def counts_characters(self, text: str) -> bool:
        """Return whether each character of a text is one unit."""
        has_crlf = self.is_crlf_one and "\r\n" in text
        return not has_crlf and (self.units == "chars" or text.isascii())

    def _count_units(self, text: str) -> NDArray[np.int64] | None:
        """Count the units before each character and at the end; None if each character is one.

        Between CR and LF, no offset falls: before LF there are as many as after it.
        """
        if self.counts_characters(text):
            return None
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        widths = np.ones(len(codes) + 1, np.int64)
        widths[0] = 0
        for limit in LIMITS[self.units]:
            widths[1:] += codes > limit
        if self.is_crlf_one:
            widths[2:] -= (codes[:-1] == ord("\r")) & (codes[1:] == ord("\n"))
        return np.cumsum(widths)


def _locate(places: NDArray[np.int64], offsets: Sequence[int]) -> list[int]:
    """Return the last index of each offset; -1 if it has none."""
    end = int(places[-1])
    limited = np.array([min(max(offset, -1), end + 1) for offset in offsets], np.int64)
    indices = np.searchsorted(places, limited, side="right") - 1
    located: list[int] = np.where(places[indices] == limited, indices, -1).tolist()
    return located


# The simplest first.
CONVENTIONS = [
    Convention(is_inclusive, units, is_crlf_one)
    for is_crlf_one, units, is_inclusive in product((False, True), UNITS, (False, True))
]
