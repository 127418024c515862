"""Hugging Face datasets with ``tokens`` and ``ner_tags``: a folder, or a hub id, read as a stream.

Source: datasets' documentation, `load_from_disk` and `load_dataset`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...types import Record
from ..reading.session import ReadSession
from ..reading.sniff import FileHead
from .token_rows import Row, find_fields, read_token_rows

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
        CorpusError: If there are no columns of tokens and tags, or a row is bad.
    """
    dataset = _load(session.path, session.options.split)
    features = dataset.features or {}
    fields = find_fields(session, features or next(iter(dataset)))
    names = getattr(getattr(features.get(fields.tags), "feature", None), "names", None)

    def list_rows(session: ReadSession) -> Iterator[tuple[str, Row]]:
        for number, row in enumerate(dataset, start=1):
            yield session.at(number), dict(row)

    return read_token_rows(session, list_rows, fields._replace(names=names))


def _load(path: Path, split: str | None) -> Any:
    try:
        import datasets
    except ImportError as err:
        msg = "Hugging Face datasets need the package datasets. Install it with: pip install spacy-xner[hf]"
        raise ImportError(msg) from err
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        dataset = datasets.load_from_disk(str(path))
    else:
        dataset = datasets.load_dataset(str(path), streaming=True)
    if not isinstance(dataset, dict):
        return dataset
    if split is None and len(dataset) == 1:
        return next(iter(dataset.values()))
    if split not in dataset:
        raise ValueError(f"--split must be one of {', '.join(dataset)}, found {split}. Choose one of these.")
    return dataset[split]
