"""Hugging Face datasets with ``tokens`` and ``ner_tags``: a folder, or a hub id, read as a stream.

Source: datasets' documentation, `load_from_disk` and `load_dataset`.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ...types import Record
from ..reading.options import ReadCounts, ReadOptions
from ..reading.sniff import Head
from .token_rows import Rows, find_fields, read_token_rows

MARKS = ("dataset_dict.json", "state.json", "dataset_info.json")


def recognizes_hf(head: Head) -> bool:
    """Tell a folder that `save_to_disk` has written, or one of parquet files."""
    return head.is_folder and (
        any((head.path / name).is_file() for name in MARKS) or any(head.path.rglob("*.parquet"))
    )


def read_hf(path: Path, options: ReadOptions, counts: ReadCounts) -> Iterator[Record]:
    """Read rows of tokens and tags; the numbers of tags have the names that the dataset gives them.

    Args:
        path: A folder, or a hub id.
        options: The split to read.
        counts: Filled while reading.

    Raises:
        ImportError: If datasets is not there.
        ValueError: If the split is unknown.
        CorpusError: If there are no columns of tokens and tags, or a row is bad.
    """
    dataset = _load(path, options.split)
    features = dataset.features or {}
    fields = find_fields(path, features or next(iter(dataset)))
    names = getattr(getattr(features.get(fields.tags), "feature", None), "names", None)
    make_rows = partial(_rows, dataset, path)
    return read_token_rows(make_rows, fields._replace(names=names), (options, counts))


def _rows(dataset: Any, path: Path, counts: ReadCounts) -> Rows:
    for number, row in enumerate(dataset, start=1):
        yield f"{path}:{number}", partial(dict, row)


def _load(path: Path, split: str | None) -> Any:
    try:
        import datasets
    except ImportError as err:
        msg = "Hugging Face datasets need the package datasets. Install it with: pip install spacy-xner[hf]"
        raise ImportError(msg) from err
    if (path / "dataset_dict.json").is_file() or (path / "state.json").is_file():
        found = datasets.load_from_disk(str(path))
    else:
        found = datasets.load_dataset(str(path), streaming=True)
    if not isinstance(found, dict):
        return found
    if split is None and len(found) == 1:
        return next(iter(found.values()))
    if split not in found:
        raise ValueError(f"--split must be one of {', '.join(found)}, found {split}. Choose one of these.")
    return found[split]
