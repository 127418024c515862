"""Reads the labels in a cell of a table: how several are separated is decided once for the file."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

from ..reading.column_names import parse_literal
from ..reading.label_names import (
    Names,
    are_multi_hot,
    choose_hot,
    find_hot_names,
    find_label_names,
    refuse_number,
)
from ..reading.session import ReadSession, shorten

# Always between labels.
JOINERS = "|;"
# Between labels if the sample shows it: doccano's, then those of lists.
CANDIDATES = "#,、，"
# Separators that the option `fields` cannot hold.
NAMES = {",": "comma", "": "none"}
NUMBERS = re.compile(r"\d{1,4}(\s*[,#、，]\s*\d{1,4})*")
# The beginning of an object, or of a list of lists, that may be cut off.
OBJECT = re.compile(r"\{|[\[(]\s*[\[({'\"]")
# As pandas and databases write a missing value.
MISSING = ("nan", "null", "<na>")
# doccano's columns.
DOCCANO = ("id", "data", "label")


class LabelCells(NamedTuple):
    """How labels are written in cells.

    Attributes:
        separators: Characters between labels.
        names: Names of labels that are numbers; None if they are what the cells hold.
        classes: All labels, where cells are lists with 0 or 1 for each.
    """

    separators: str
    names: Names | None = None
    classes: Sequence[str] = ()

    def read(self, session: ReadSession, where: str, cell: str) -> list[str]:
        """Return the labels in a cell, with their names; Label Studio writes several as a list.

        Raises:
            CorpusError: If a label has no name, or the cell holds something else.
        """
        if cell.lower() in MISSING:
            return []
        value = parse_literal(cell)
        if self.classes:
            return choose_hot(session, where, self.classes, value)
        labels = _split(cell, self.separators) if value is None else _parse_choices(value)
        if labels is None or OBJECT.match(labels[0] if labels else ""):
            session.fail(where, f"expected labels, found {shorten(cell)}.")
        if self.names is None:
            return labels
        numbers = [label.removesuffix(".0") for label in labels]
        for number in numbers:
            if not number.isdecimal() or int(number) not in self.names:
                refuse_number(session, where, number)
        return [self.names[int(number)] for number in numbers]


def _split(cell: str, separators: str) -> list[str]:
    for separator in separators:
        cell = cell.replace(separator, "\n")
    return [label for part in cell.split("\n") if (label := part.strip())]


def _parse_choices(value: Any) -> list[str] | None:
    """Return the labels of a list, or of an object with choices; None if it holds something else."""
    labels = value.get("choices") if isinstance(value, dict) else value
    if not isinstance(labels, list) or not all(type(label) in (str, int) for label in labels):
        return None
    return [str(label) for label in labels]


def find_label_cells(
    session: ReadSession, names: Sequence[str], cells: Sequence[str], *, column: int
) -> tuple[LabelCells, str]:
    """Detect what separates labels, and read the names of labels that are numbers.

    Args:
        session: The session; its option `fields` may set ``separator`` and ``names``.
        names: Names of the table's columns.
        cells: The column of labels.
        column: Its index.

    Returns:
        How cells are read, and the evidence; empty if that is the usual way.

    Raises:
        CorpusError: If nothing shows whether a character separates labels.
    """
    fields = session.options.field_names
    lists = [value for cell in cells if (value := parse_literal(cell)) is not None]
    if are_multi_hot(lists):
        return LabelCells("", classes=find_hot_names(session, names[column], len(lists[0]))), ""
    values = Counter(stripped for cell in cells if (stripped := cell.strip()) and parse_literal(cell) is None)
    separators, evidence = JOINERS, ""
    if "separator" in fields:
        given = fields["separator"]
        separators = next((separator for separator, name in NAMES.items() if name == given), given)
    elif not any(joiner in value for value in values for joiner in JOINERS):
        for candidate in CANDIDATES:
            evidence = _evidence(session, names, values, candidate)
            if evidence:
                separators = candidate
                break
    label_names = find_label_names(session, names[column]) if "names" in fields else None
    return LabelCells(separators, label_names), evidence


def _evidence(session: ReadSession, names: Sequence[str], values: Counter[str], separator: str) -> str:
    """Return why a character separates labels; empty if it does not.

    Its parts also stand alone or in other cells, or all are numbers, or the columns are doccano's.

    Raises:
        CorpusError: If it may or may not.
    """
    joined = {
        value: [part.strip() for part in value.split(separator)] for value in values if separator in value
    }
    if not joined or not all(chain.from_iterable(joined.values())):
        return ""
    parts = Counter(chain.from_iterable({*parts} for parts in joined.values()))
    n_shared = sum(part in values or n > 1 for part, n in parts.items())
    why = f"separated by {separator}: {n_shared} of {len(parts)} are also found alone or in other cells"
    if all(map(NUMBERS.fullmatch, values)):
        if len({value.count(separator) for value in values}) > 1 or n_shared == len(parts):
            return f"separated by {separator}: numbers, one or several in a cell"
    elif 2 * n_shared > len(parts):
        return why
    elif separator == "#" and tuple(name.lower() for name in names) == DOCCANO:
        return f"separated by {separator}, as doccano writes them"
    elif not n_shared and all(values[value] > 1 for value in joined):
        # The same words over and over are one label.
        return ""
    session.fail(
        1,
        f"labels must show what separates them, found {shorten(next(iter(joined)))}, which may be one or "
        f"{len(next(iter(joined.values())))}.",
        f"Set --format table --fields separator={NAMES.get(separator, separator)}, or separator=none.",
    )
