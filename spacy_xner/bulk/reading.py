"""The rows of text files, JSON lines, CSV and Parquet, from any place in a file on."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn

from ..corpus.reading.lines import MAX_LINE
from ..errors import CorpusError
from ..scripts import BOM, replace_surrogates
from .files import COMPRESSED, explain_missing, open_file

# Formats by the endings of files; all others are texts, one on each line.
ENDINGS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
# Rows of Parquet that are decoded at once.
BATCH = 1024


class Place(NamedTuple):
    """A place in a file: what comes before it in bytes, or rows of Parquet; and its line, from 1."""

    start: int = 0
    line: int = 1


class Row(NamedTuple):
    """A text, and its place."""

    text: str
    place: Place


@dataclass(frozen=True, slots=True)
class Source:
    """A file of texts.

    Attributes:
        name: Its name for rows and messages.
        path: Its absolute path or URL.
        format: ``text``, ``jsonl``, ``csv``, ``tsv`` or ``parquet``.
        column: Column or key of the texts.
        encoding: Its encoding.
    """

    name: str
    path: str
    format: str = "text"
    column: str = "text"
    encoding: str = "utf-8"

    def fail(self, line: int, problem: str, remedy: str) -> NoReturn:
        """Raise an error about a line.

        Raises:
            CorpusError: Always.
        """
        raise CorpusError(f"{self.name}:{line}: {problem} {remedy}")


def detect_format(name: str) -> str:
    """Return the format of a file by its ending, before that of a compression."""
    path = Path(name)
    ending = path.with_suffix("").suffix if path.suffix in COMPRESSED else path.suffix
    return ENDINGS.get(ending.lower(), "text")


def check_encoding(encoding: str) -> None:
    """Check that lines can be found before they are decoded.

    Raises:
        ValueError: If there is no such encoding, or its line ends are not those of ASCII.
    """
    try:
        line_end = "\n".encode(encoding)
    except LookupError:
        line_end = b""
    if line_end != b"\n":
        raise ValueError(
            f"--encoding must be one that Python knows, with line ends of one byte, found {encoding!r}. "
            "Convert the files to UTF-8."
        )


def read_rows(source: Source, place: Place | None = None) -> Iterator[Row]:
    """Read the rows of a file in order; half pairs of surrogates become U+FFFD.

    Args:
        source: The file.
        place: The place of the first row, as an earlier reading found it; None for the beginning.

    Raises:
        OSError: If the file cannot be read.
        CorpusError: If a row has no text, or is not of the format.
    """
    with open_file(source.path) as file:
        for row in _READERS[source.format](source, file, place or Place()):
            yield row._replace(text=replace_surrogates(row.text))


class _Lines:
    """The decoded lines of a file with their line ends, from a place on.

    Attributes:
        place: The place of the next line.
    """

    def __init__(self, source: Source, file: BinaryIO, place: Place) -> None:
        self.source, self.file, self.place = source, file, place
        file.seek(place.start)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        raw = self.file.readline(MAX_LINE + 1)
        if not raw:
            raise StopIteration
        start, line = self.place
        if len(raw) > MAX_LINE:
            problem = f"a line must have at most {MAX_LINE >> 20} MB, found more."
            self.source.fail(line, problem, "Split the text, or check that lines end in LF.")
        try:
            text = raw.decode(self.source.encoding)
        except UnicodeDecodeError:
            problem = f"expected {self.source.encoding.upper()}, found other bytes."
            self.source.fail(line, problem, "Name the encoding with --encoding, or convert the file.")
        if "\0" in text:
            self.source.fail(line, "expected text, found a NUL.", "Fix the line.")
        self.place = Place(start + len(raw), line + 1)
        return text if start else text.removeprefix(BOM)


def _read_text(source: Source, file: BinaryIO, place: Place) -> Iterator[Row]:
    lines = _Lines(source, file, place)
    for line in lines:
        text = line.removesuffix("\n").rstrip("\r")
        if "\r" in text:
            problem = "expected lines to end in LF or CRLF, found CR."
            source.fail(place.line, problem, "Convert the line ends.")
        yield Row(text, place)
        place = lines.place


def _read_json(source: Source, file: BinaryIO, place: Place) -> Iterator[Row]:
    """Read one object a line; blank lines are no rows."""
    lines = _Lines(source, file, place)
    for line in lines:
        if line.strip():
            yield Row(_parse_object(source, line, place.line), place)
        place = lines.place


def _parse_object(source: Source, line: str, number: int) -> str:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as err:
        source.fail(number, f"expected a JSON object, found: {err}.", "Fix the line.")
    if not isinstance(row, dict):
        source.fail(number, f"expected a JSON object, found {type(row).__name__}.", "Fix the line.")
    text = row.get(source.column)
    if not isinstance(text, str):
        found = f"{type(text).__name__} in it" if source.column in row else f"the keys {', '.join(row):.200}"
        problem = f"the key {source.column!r} must hold a text, found {found}."
        source.fail(number, problem, "Name the key with --text-column, or fix the line.")
    return text


def _read_table(source: Source, file: BinaryIO, place: Place) -> Iterator[Row]:
    """Read CSV, or tab-separated values, with a header and quotes as in RFC 4180."""
    csv.field_size_limit(MAX_LINE)
    lines, rows = _open_table(source, file, Place())
    header = _next_cells(source, rows, 1)
    if header is None:
        return
    if source.column not in header:
        problem = f"the header must have the column {source.column!r}, found {', '.join(header):.200}."
        source.fail(1, problem, "Name the column of the texts with --text-column.")
    column = header.index(source.column)
    if place.start:
        lines, rows = _open_table(source, file, place)
    while True:
        place = lines.place
        cells = _next_cells(source, rows, place.line)
        if cells is None:
            return
        # A blank line has no cells.
        if cells and len(cells) != len(header):
            problem = f"expected {len(header)} columns as in the header, found {len(cells)}."
            source.fail(place.line, problem, "Fix the row.")
        if cells:
            yield Row(cells[column], place)


def _open_table(source: Source, file: BinaryIO, place: Place) -> tuple[_Lines, Iterator[list[str]]]:
    lines = _Lines(source, file, place)
    return lines, csv.reader(lines, delimiter="\t" if source.format == "tsv" else ",", strict=True)


def _next_cells(source: Source, rows: "Iterator[list[str]]", line: int) -> list[str] | None:
    try:
        return next(rows, None)
    except csv.Error as err:
        source.fail(line, f"expected a row of CSV, found: {err}.", "Check its quotes.")


def _read_parquet(source: Source, file: BinaryIO, place: Place) -> Iterator[Row]:
    table = _open_parquet(source, file)
    groups: list[int] = []
    first = 0
    for group in range(table.metadata.num_row_groups):
        n_rows = table.metadata.row_group(group).num_rows
        if groups or first + n_rows > place.start:
            groups.append(group)
        else:
            first += n_rows
    for batch in table.iter_batches(BATCH, row_groups=groups, columns=[source.column]):
        skipped = max(0, place.start - first)
        for number, text in enumerate(batch.column(0).slice(skipped).to_pylist(), first + skipped):
            if not isinstance(text, str):
                problem = f"the column {source.column!r} must hold texts, found {text!r:.100}."
                source.fail(number + 1, problem, "Fill or drop such rows, or name another --text-column.")
            yield Row(text, Place(number, number + 1))
        first += batch.num_rows


def _open_parquet(source: Source, file: BinaryIO) -> Any:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as err:
        raise explain_missing("Reading Parquet", err) from err
    try:
        table = ParquetFile(file)
    except ValueError as err:
        source.fail(1, f"expected a file of Parquet, found: {err}", "Check it, or name its --source-format.")
    if source.column not in table.schema_arrow.names:
        found = ", ".join(table.schema_arrow.names)
        problem = f"there must be a column {source.column!r}, found {found:.200}."
        source.fail(1, problem, "Name the column of the texts with --text-column.")
    return table


_READERS: dict[str, Callable[[Source, BinaryIO, Place], Iterator[Row]]] = {
    "text": _read_text,
    "jsonl": _read_json,
    "csv": _read_table,
    "tsv": _read_table,
    "parquet": _read_parquet,
}
FORMATS = tuple(_READERS)
