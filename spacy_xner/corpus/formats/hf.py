"""Hugging Face datasets: a folder, a file of Parquet or Arrow, or a hub id, read as a stream.

Rows have tokens and tags, or texts with entities or labels, under the same names as in JSON.

Source: datasets' documentation, `load_from_disk` and `load_dataset`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from ...types import Record
from ..annotation.offsets import read_offsets
from ..reading.json_layout import has_text, normalize
from ..reading.session import ReadSession
from ..reading.sniff import FileHead
from .json_names import STARTS
from .json_plan import find_plan
from .span_json import parse_row
from .token_columns import Row, find_fields
from .token_rows import SAMPLE_ROWS, read_token_rows, refuse_columns

MARKERS = ("dataset_dict.json", "state.json", "dataset_info.json")
FILES = (".parquet", ".arrow")


def recognizes_hf(head: FileHead) -> bool:
    """Return whether this is a file of Parquet or Arrow, a folder of such, or one of `save_to_disk`."""
    if not head.is_folder:
        return head.path.suffix.lower() in FILES
    return any((head.path / name).is_file() for name in MARKERS) or any(head.path.rglob("*.parquet"))


def read_hf(session: ReadSession) -> Iterator[Record]:
    """Read rows of tokens and tags, or of texts; numbers get the names in the dataset's features.

    Raises:
        ImportError: If datasets is not installed.
        ValueError: If the split is unknown.
        CorpusError: If the dataset is damaged, has no such columns, or a row is bad.
    """
    with _damage_reported(session):
        loaded = _load(session.path)
    dataset = _choose_split(loaded, session.options.split) if isinstance(loaded, dict) else loaded
    features = dataset.features or {}

    def list_rows(session: ReadSession) -> Iterator[tuple[str, Row]]:
        rows = enumerate(dataset, start=1)
        while True:
            with _damage_reported(session):
                number, row = next(rows, (0, None))
            if row is None:
                return
            values = {name: _read_value(value, features.get(name)) for name, value in row.items()}
            yield session.at(number), values

    rows = [row for _, row in islice(list_rows(session.preview()), SAMPLE_ROWS)]
    fields = find_fields(session, rows)
    if fields is not None:
        return read_token_rows(session, list_rows, fields)
    if "text" in session.options.field_names or any(map(has_text, rows)):
        return read_offsets(session, list_rows, partial(parse_row, find_plan(session, rows)))
    refuse_columns(session, session.at(1), features or next(iter(rows), {}))


def _read_value(value: Any, feature: Any) -> Any:
    """Return a value with names for its numbers, and a list of objects for an object of lists."""
    names = getattr(feature, "names", None)
    if names is not None and type(value) is int:
        return names[value] if 0 <= value < len(names) else None
    inner = getattr(feature, "feature", feature[0] if isinstance(feature, list) and feature else None)
    if isinstance(value, list):
        return [_read_value(each, inner) for each in value]
    inners = inner if isinstance(inner, dict) else feature if isinstance(feature, dict) else {}
    if not isinstance(value, dict):
        return value
    read = {name: _read_value(each, inners.get(name)) for name, each in value.items()}
    return _transpose(read) if _are_columns(value) else read


def _are_columns(value: dict[str, Any]) -> bool:
    """Return whether an object of lists stands for a list of entities, as a sequence of objects is stored."""
    is_entity = any(normalize(name) in STARTS for name in value)
    return is_entity and all(isinstance(each, list) for each in value.values())


def _transpose(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@contextmanager
def _damage_reported(session: ReadSession) -> Iterator[None]:
    """Report whatever datasets and pyarrow raise for files that are missing or damaged."""
    try:
        yield
    except ImportError:
        raise
    except Exception as err:
        reason = " ".join(str(err).split()).rstrip(".")
        session.fail(
            1,
            f"expected a dataset that can be read, found {type(err).__name__}: {reason:.200}.",
            "Check its name, or save it again.",
        )


def _load(path: Path) -> Any:
    try:
        import datasets
    except ImportError as err:
        msg = "Hugging Face datasets need the package datasets. Install it with: pip install spacy-xner[hf]"
        raise ImportError(msg) from err
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        return datasets.load_from_disk(str(path))
    if path.suffix.lower() == ".arrow":
        return datasets.Dataset.from_file(str(path))
    if path.suffix.lower() == ".parquet" and path.is_file():
        return datasets.load_dataset("parquet", data_files=str(path), streaming=True)
    return datasets.load_dataset(str(path), streaming=True)


def _choose_split(splits: dict[str, Any], split: str | None) -> Any:
    if split is None and len(splits) == 1:
        return next(iter(splits.values()))
    if split not in splits:
        raise ValueError(f"--split must be one of {', '.join(splits)}, found {split}. Choose one of these.")
    return splits[split]
