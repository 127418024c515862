"""Finds the columns of texts and labels of a table, once for the whole file."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, NoReturn

from ...scripts import has_unspaced
from ..reading.column_names import MIN_ROWS, find_kind, find_name, is_known, is_other, parse_literal
from ..reading.rows import Cells, Layout
from ..reading.session import ReadSession, shorten
from .columns import is_tag

# Kinds of columns that are never a text, or never labels.
NO_TEXTS = (
    "flags",
    "truths",
    "whole numbers",
    "numbers",
    "dates",
    "links",
    "ids",
    "literals",
    "tags",
    "empty",
)
NUMBERS = ("flags", "whole numbers", "numbers")
NO_LABELS = ("numbers", "dates", "links", "ids", "tags", "sentences", "empty")
# Keys of the option `fields`, and what they name.
ROLES = {
    **{"text": "text", "label": "labels", "labels": "labels", "spans": "labels"},
    **{"tokens": "tokens", "tags": "tags", "sentence": "sentence", "start": "start", "end": "end"},
}
ID = re.compile(r"(?=.*\d)\S+")
MIN_ID = 5
ADVICE = (
    "Rename one of them, add a header, or set --format table --fields by name, text=body,labels=kind, or, "
    "without a header, by number, text=1,labels=2."
)


class Columns(NamedTuple):
    """Where texts and labels are.

    Attributes:
        text: Index of the text's column.
        labels: Indices of the labels' columns.
        kind: ``flags`` (their names are the labels, and their cells 0 and 1), ``labels``, or ``literals``.
        unread: Indices of other texts.
        literals: Indices of columns of lists or objects that are named as entities.
    """

    text: int
    labels: tuple[int, ...]
    kind: str
    unread: tuple[int, ...] = ()
    literals: tuple[int, ...] = ()


def find_fields(session: ReadSession, names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Find the columns that the option `fields` gives by name or by number, counted from 1.

    Raises:
        CorpusError: If there is no such column.
    """
    numbers = {
        **{str(i): i - 1 for i in range(1, len(names) + 1)},
        **{name: i for i, name in enumerate(names)},
    }
    fields = {}
    for role, value in session.options.field_names.items():
        if role not in ROLES:
            continue
        columns = [value] if value in numbers else value.split("|")
        if unknown := [column for column in columns if column not in numbers]:
            session.fail(
                1,
                f"--fields {role}={value} must name a column, found no {shorten(unknown[0])} among "
                f"{', '.join(map(shorten, names)):.200}.",
                "Use a name of the header, or a number from 1.",
            )
        fields[ROLES[role]] = tuple(numbers[column] for column in columns)
    return fields


def find_columns(session: ReadSession, layout: Layout, rows: Sequence[Cells]) -> Columns:
    """Find the columns of texts and labels by all rows of a sample.

    Raises:
        CorpusError: If there are none.
    """
    kinds = [find_kind(column, _holds_tags) for column in zip(*rows, strict=True)]
    return _Finder(session, layout, rows, kinds).find(find_fields(session, layout.names))


def _holds_tags(cell: str) -> bool:
    """Return whether a cell is a tag, or several, separated by blanks or in a list."""
    parts = parse_literal(cell) or cell.split()
    return all(isinstance(part, str) and is_tag(part) for part in parts)


class _Finder(NamedTuple):
    """The columns of a table, and what their cells are."""

    session: ReadSession
    layout: Layout
    rows: Sequence[Cells]
    kinds: Sequence[str]

    def find(self, fields: Mapping[str, tuple[int, ...]]) -> Columns:
        given = fields.get("text", (None,))[0]
        labels = fields.get("labels") or self.labels(given)
        text = self.text(labels) if given is None else given
        labels = labels or self.flags(text) or self.unnamed(text)
        if not labels or text in labels or self.layout.has_header is None:
            self.refuse()
        for column in labels:
            self.check_labels(column)
        if given is None:
            self.check_single(text)
        others = [i for i in range(len(self.kinds)) if i not in (text, *labels)]
        unread = tuple(i for i in others if self.kinds[i] == "sentences")
        spans = find_name(self.layout.names, "spans")
        literals = tuple(i for i in spans if i in others and self.kinds[i] == "literals")
        return Columns(text, labels, self.how(labels, is_given="labels" in fields), unread, literals)

    def check_single(self, text: int) -> None:
        """Refuse pairs of texts, such as ``text_a`` and ``text_b``."""
        name = self.layout.names[text]
        for i, other in enumerate(self.layout.names):
            ends = {name[-1:].lower(), other[-1:].lower()}
            if self.layout.has_header and name[:-1] == other[:-1] and ends in ({"a", "b"}, {"1", "2"}):
                self.session.fail(
                    1,
                    f"a table must have one text in a row, found {shorten(name)} and {shorten(other)} in "
                    f"columns {text + 1} and {i + 1}.",
                    f"Choose one with --format table --fields text={name}.",
                )

    def how(self, labels: Sequence[int], *, is_given: bool) -> str:
        """Return how labels are written."""
        kinds = {self.kinds[i] for i in labels}
        if kinds == {"literals"}:
            return "literals"
        is_named = is_given or labels[0] in find_name(self.layout.names, "labels")
        is_flags = kinds <= {"flags"} or kinds <= {"truths"}
        return (
            "flags"
            if is_flags and self.layout.has_header and not (is_named and len(labels) == 1)
            else "labels"
        )

    def labels(self, text: int | None) -> tuple[int, ...]:
        """Find the column of labels by its name, or by the lists in it."""
        named = [i for i in find_name(self.layout.names, "labels") if i != text]
        good = [i for i in named if not self.problem(i)]
        spans = find_name(self.layout.names, "spans")
        literals = [i for i in [*spans, *range(len(self.kinds))] if self.kinds[i] == "literals" and i != text]
        labels = (good or literals or named)[:1]
        return tuple(self.named(labels[0]) if labels and self.kinds[labels[0]] in NUMBERS else labels)

    def named(self, number: int) -> list[int]:
        """Return the column of the names of labels, such as ``label_text``; without one, that of numbers."""
        start = self.layout.names[number].lower() + "_"
        for i, name in enumerate(self.layout.names):
            if name.lower().startswith(start) and self.are_same(i, number) and not self.problem(i):
                return [i]
        return [number]

    def text(self, labels: Sequence[int]) -> int:
        """Find the column of texts by its name, else that with the longest cells, of words if any are."""
        named = [i for i in find_name(self.layout.names, "text") if i not in labels]
        free = [i for i, kind in enumerate(self.kinds) if i not in labels and kind not in NO_TEXTS]
        if not named and self.layout.has_header and {*find_name(self.layout.names, "tokens")} & {*free}:
            # Words with a label each are no texts.
            self.refuse()
        # A text may be a number, if it is named so and there is no other.
        free = free or [i for i in named if self.kinds[i] in NUMBERS]
        if not free:
            self.refuse()
        return next((i for i in named if i in free), max(free, key=self.length))

    def length(self, column: int) -> tuple[bool, int]:
        cells = [row[column].strip() for row in self.rows]
        is_text = any(" " in cell or has_unspaced(cell) for cell in cells)
        return is_text, sum(map(len, cells))

    def flags(self, text: int) -> tuple[int, ...]:
        """Find columns of 0 and 1, or else of true and false."""
        free = [i for i, name in enumerate(self.layout.names) if i != text and not is_other(name)]
        if not self.layout.has_header:
            return ()
        for kind in ("flags", "truths"):
            if flags := tuple(i for i in free if self.kinds[i] == kind):
                return flags
        return ()

    def unnamed(self, text: int) -> tuple[int, ...]:
        """Find the only column of classes, beside their numbers, without a header or of two columns."""
        if self.layout.has_header and len(self.kinds) > 2:
            return ()
        classes = [
            i for i in range(len(self.kinds)) if i != text and self.is_repeated(i) and not self.problem(i)
        ]
        named = [i for i in classes if self.kinds[i] not in NUMBERS]
        if len(named) == 1 and all(self.are_same(named[0], i) for i in classes):
            return tuple(named)
        return tuple(classes) if len(classes) == 1 else ()

    def are_same(self, name: int, number: int) -> bool:
        """Return whether each value of a column always stands beside the same one of another."""
        pairs = {(row[name], row[number]) for row in self.rows}
        return len(pairs) == len({row[name] for row in self.rows}) == len({row[number] for row in self.rows})

    def values(self, column: int) -> list[str]:
        return [value for row in self.rows if (value := row[column].strip())]

    def is_repeated(self, column: int) -> bool:
        values = self.values(column)
        return 1 < len({*values}) < len(values) and not is_known(self.layout.names[column])

    def problem(self, column: int) -> str:
        """Return what a column of labels holds instead; empty if it looks like classes."""
        kind, values = self.kinds[column], self.values(column)
        if kind in NO_LABELS:
            return kind
        if kind == "literals":
            return ""
        n_classes = len({*values})
        is_distinct = n_classes == len(values) > 1
        if is_distinct and all(len(value) >= MIN_ID and ID.fullmatch(value) for value in values):
            return "a different number or code in each row"
        looks_free = any(c.isdigit() or c.isspace() for c in "".join(values[:MIN_ROWS]))
        if len(values) >= MIN_ROWS and 2 * n_classes > len(values) and looks_free and kind != "number lists":
            return f"{n_classes} different values in {len(values)} rows"
        return ""

    def check_labels(self, column: int) -> None:
        problem = self.problem(column)
        if problem:
            value = next(iter(self.values(column)), "")
            self.session.fail(
                1,
                f"the column {shorten(self.layout.names[column])} must hold classes, found {problem}, such "
                f"as {shorten(value)}.",
                "Name another column with --format table --fields, such as text=1,labels=2.",
            )

    def refuse(self) -> NoReturn:
        names = self.layout.names if self.layout.has_header is not False else self.rows[0]
        self.session.fail(
            1,
            "a table must have a column named label, labels, category, class, sentiment, intent, target or "
            f"topic, or columns of 0 and 1, beside its texts, found {', '.join(map(shorten, names)):.200}.",
            ADVICE,
        )
