"""Predicted rows as JSON lines or Parquet."""

import json
from collections.abc import Iterable
from io import BytesIO
from typing import Any, NamedTuple

from ..corpus.formats.span_json import record_to_row
from ..types import Record
from .files import explain_missing

FORMATS = ("jsonl", "parquet")


class PredictedRow(NamedTuple):
    """A row of the output.

    Attributes:
        number: Its place among the rows of all sources, from 0.
        source: Name of its source.
        record: The text with what was predicted.
    """

    number: int
    source: str
    record: Record


def render_rows(rows: Iterable[PredictedRow], format: str) -> bytes:
    """Render rows as the content of a file.

    Args:
        rows: The rows.
        format: ``jsonl`` or ``parquet``.
    """
    objects = [
        {"index": row.number, "source": row.source, **record_to_row(row.record, has_scores=True)}
        for row in rows
    ]
    if format == "jsonl":
        return "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in objects).encode()
    from pyarrow import Table, parquet

    file = BytesIO()
    schema = build_schema()
    parquet.write_table(Table.from_pylist([_with_pairs(each) for each in objects], schema), file)
    return file.getvalue()


def build_schema() -> Any:
    """Return the schema of Parquet, which does not depend on the pipeline.

    Raises:
        ImportError: If pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as err:
        raise explain_missing("Writing Parquet", err) from err
    return pa.schema(
        {"index": pa.int64(), "source": pa.string(), "text": pa.string(), "spans": spans_type()}
        | {"cats": cats_type()}
    )


def spans_type() -> Any:
    """Return the type of Arrow for a text's entities."""
    import pyarrow as pa

    fields = {"start": pa.int64(), "end": pa.int64(), "label": pa.string(), "text": pa.string()}
    return pa.list_(pa.struct([*fields.items(), ("score", pa.float64())]))


def cats_type() -> Any:
    """Return the type of Arrow for the probabilities of a text's labels."""
    import pyarrow as pa

    return pa.map_(pa.string(), pa.float64())


def _with_pairs(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its labels as Arrow has a map."""
    return row | {"cats": [*row["cats"].items()] if "cats" in row else None}
