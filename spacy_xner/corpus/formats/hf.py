"""Hugging Face datasets with ``tokens`` and ``ner_tags``: a folder, or a hub id, read as a stream.

Source: datasets' documentation, `load_from_disk` and `load_dataset`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ...types import Record
from ..reading.session import ReadSession
from ..reading.sniff import FileHead
from .token_columns import Row, find_fields
from .token_rows import SAMPLE_ROWS, read_token_rows, refuse_columns

MARKERS = ("dataset_dict.json", "state.json", "dataset_info.json")


def recognizes_hf(head: FileHead) -> bool:
    """Return whether this is a folder of `save_to_disk`, or one of parquet files."""
    return head.is_folder and (
        any((head.path / name).is_file() for name in MARKERS) or any(head.path.rglob("*.parquet"))
    )


def read_hf(session: ReadSession) -> Iterator[Record]:
    """Read rows of tokens and tags; tags that are numbers get the names in the dataset's features.

    Raises:
        ImportError: If datasets is not installed.
        ValueError: If the split is unknown.
        CorpusError: If the dataset is damaged or has no columns of tokens and tags, or a row is bad.
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
            yield (
                session.at(number),
                {name: _read_value(value, features.get(name)) for name, value in row.items()},
            )

    rows = [row for _, row in islice(list_rows(session.preview()), SAMPLE_ROWS)]
    fields = find_fields(session, rows)
    if fields is None:
        refuse_columns(session, session.at(1), features or next(iter(rows), {}))
    return read_token_rows(session, list_rows, fields)


def _read_value(value: Any, feature: Any) -> Any:
    """Return a value with names for its numbers, and a list of objects for an object of lists."""
    names = getattr(feature, "names", None)
    if names is not None and type(value) is int:
        return names[value] if 0 <= value < len(names) else None
    inner = getattr(feature, "feature", feature[0] if isinstance(feature, list) and feature else None)
    if isinstance(value, list):
        return [_read_value(each, inner) for each in value]
    if isinstance(value, dict) and isinstance(inner, dict):
        # A sequence of objects is stored as an object of sequences.
        columns = {name: value[name] or [] for name in value}
        rows = zip(*columns.values(), strict=True)
        return [
            {name: _read_value(each, inner.get(name)) for name, each in zip(columns, row, strict=True)}
            for row in rows
        ]
    if isinstance(value, dict) and isinstance(feature, dict):
        return {name: _read_value(each, feature.get(name)) for name, each in value.items()}
    return value


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
    return datasets.load_dataset(str(path), streaming=True)


def _choose_split(splits: dict[str, Any], split: str | None) -> Any:
    if split is None and len(splits) == 1:
        return next(iter(splits.values()))
    if split not in splits:
        raise ValueError(f"--split must be one of {', '.join(splits)}, found {split}. Choose one of these.")
    return splits[split]
