"""Texts one after the other, without those that are bad, if they may be left out."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ...errors import CorpusError
from ...types import Record
from .options import ReadCounts, ReadOptions

Item = TypeVar("Item")


def read_each(
    items: Iterable[Item],
    read: Callable[[Item], Record | None],
    telling: tuple[ReadOptions, ReadCounts],
) -> Iterator[Record]:
    """Read items one by one.

    Args:
        items: What a file has.
        read: Reads one of them; None for what is no text.
        telling: Whether bad ones are left out, and where they are counted.

    Raises:
        CorpusError: If an item is bad and may not be left out.
    """
    options, counts = telling
    for item in items:
        try:
            record = read(item)
        except CorpusError as err:
            if not options.skip_bad:
                raise
            counts.skipped.append(str(err))
            continue
        if record is not None:
            yield record
