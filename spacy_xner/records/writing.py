"""Records as JSON lines, one for each text, or as CSV, one row for each record."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import StringIO
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc

from ..atomic import new_file
from .units import COURIER, PHONE
from .values import Value, values_of
from .xrecord import RecordMaker

FORMATS = ("jsonl", "csv")
# What values of a field have beside their own, each in a column.
_MORE = {PHONE: ("extension", "is_valid"), COURIER: ("code",)}


def choose_format(format: str | None, path: Path) -> str:
    """Return the format of a file: its own, or by the file's name.

    Raises:
        ValueError: If records cannot be written in it.
    """
    if format is None:
        return "csv" if path.suffix.lower() == ".csv" else "jsonl"
    if format not in FORMATS:
        raise ValueError(f"The format of records must be jsonl or csv, found {format!r}. Choose one of them.")
    return format


def add_records(nlp: Language, fields: str | None = None, region: str | None = None) -> RecordMaker:
    """Return the `xrecord` of a pipeline, which is added if it has none.

    Args:
        nlp: The pipeline.
        fields: Fields of labels, such as ``P=name,T=phone``; None for those of the pipeline, or the defaults.
        region: Country of telephone numbers without a country code; None to find it.

    Raises:
        ValueError: If the pipeline has an `xrecord` and settings are given, or no label has a field.
    """
    own = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, RecordMaker)]
    if own and (fields or region):
        raise ValueError(
            "--fields and --region are for pipelines without xrecord, found one that has it. Change its "
            "config."
        )
    if not own:
        nlp.add_pipe("xrecord", config={"fields": parse_fields(fields), "region": region})
        own = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, RecordMaker)]
    labels = sorted({label for labels in nlp.pipe_labels.values() for label in labels})
    if labels and own[0].fields.keys().isdisjoint(labels):
        raise ValueError(
            f"A label of the pipeline must have a field of records, found none for {', '.join(labels)}. "
            f"Name fields, such as --fields {labels[0]}=name, or set fields of xrecord."
        )
    return own[0]


def parse_fields(fields: str | None) -> dict[str, str]:
    """Read fields of labels.

    Raises:
        ValueError: If they are not written as ``LABEL=FIELD``, separated by commas.
    """
    pairs = [pair.strip().partition("=") for pair in fields.split(",")] if fields else []
    for label, equals, field in pairs:
        if not (label and equals and field):
            raise ValueError(
                f"--fields must be as P=name,T=phone, found {label + equals + field!r} in it. Correct it."
            )
    return {label.strip(): field.strip() for label, _, field in pairs}


def render_lines(docs: Iterable[Doc], maker: RecordMaker, format: str) -> Iterator[str]:
    """Yield lines of a format for docs, each without its line break.

    In CSV, a field with several values has them separated by semicolons; a value that could not be normalized
    is as it is in the text.
    """
    if format == "jsonl":
        for doc in docs:
            yield json.dumps({"text": doc.text, "records": doc._.records}, ensure_ascii=False)
        return
    columns = list(_list_columns(maker))
    yield _join_cells(["line", "role", *(name for name, _ in columns)])
    for number, doc in enumerate(docs, start=1):
        for record in doc._.records:
            cells = ("; ".join(map(cell, values_of(record, name.split(" ")[0]))) for name, cell in columns)
            yield _join_cells([str(number), str(record["role"] or ""), *cells])


def write_records(docs: Iterable[Doc], path: Path, maker: RecordMaker, format: str) -> None:
    """Write the records of docs to a file; a failure leaves whatever was there."""
    with new_file(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in render_lines(docs, maker, format))


def _list_columns(maker: RecordMaker) -> Iterator[tuple[str, Callable[[Value], str]]]:
    """Yield the name of each column, its field first, and what it shows of a value."""
    for field in dict.fromkeys(maker.fields.values()):
        yield field, lambda value: value["text"] if value["value"] is None else value["value"]
        for key in _MORE.get(field, ()):
            yield f"{field} {key}", lambda value, key=key: _show(value.get(key))  # type: ignore[misc]


def _show(value: object) -> str:
    return "" if value is None else json.dumps(value) if isinstance(value, bool) else str(value)


def _join_cells(cells: Sequence[str]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
