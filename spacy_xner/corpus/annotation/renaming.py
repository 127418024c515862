"""Renames labels while a corpus is read."""

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace

from ...errors import XnerWarning
from ...types import Record
from ..reading.options import ReadOptions


def rename_labels(options: ReadOptions, records: Iterable[Record]) -> Iterator[Record]:
    """Rename labels of entities and of texts, and warn at the end of those to be renamed that never occur.

    Entities that become equal are one. A text has a label if it had one of those that became it.
    """
    if not options.map and not options.upper:
        yield from records
        return
    names: dict[str, str] = {}
    for record in records:
        for label in (*(span.label for span in record.spans or ()), *(record.cats or ())):
            if label not in names:
                names[label] = _rename(options, label)
        yield _rename_record(record, names)
    absent = [old for old in options.map or {} if old not in names]
    if absent:
        warnings.warn(
            f"--map must rename labels of the corpus ({', '.join(sorted(names)) or 'none':.200}), found no "
            f"{', '.join(absent)}. Check the names.",
            XnerWarning,
            stacklevel=2,
        )


def _rename(options: ReadOptions, label: str) -> str:
    new = (options.map or {}).get(label, label)
    return new.upper() if options.upper else new


def _rename_record(record: Record, names: dict[str, str]) -> Record:
    spans, cats = record.spans, record.cats
    if spans:
        spans = tuple(dict.fromkeys(sorted(span._replace(label=names[span.label]) for span in spans)))
    if cats:
        new: dict[str, float] = {}
        for label, value in cats.items():
            new[names[label]] = max(value, new.get(names[label], 0.0))
        cats = new
    return replace(record, spans=spans, cats=cats)
