"""Hugging Face datasets with ``tokens`` and ``ner_tags``: a folder, or a hub id, read as a stream.

Source: datasets' documentation, `load_from_disk` and `load_dataset`.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import CorpusError
from ..types import CharSpan, Record
from .head import Head
from .lines import MEND
from .options import ReadCounts, ReadOptions
from .rebuild import join_tokens
from .repairs import read_tags
from .tags import find_tagging

TOKENS = ("tokens", "words")
TAGS = ("ner_tags", "tags", "ner", "labels")
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
    columns = list(dataset.features or next(iter(dataset)))
    token, tag = (next((name for name in names if name in columns), None) for names in (TOKENS, TAGS))
    if token is None or tag is None:
        raise CorpusError(
            f"{path}:1: a dataset must have columns {' or '.join(TOKENS)} and {' or '.join(TAGS)}, found "
            f"{', '.join(columns)}. Rename them."
        )
    names = getattr(getattr((dataset.features or {}).get(tag), "feature", None), "names", None)
    sample = [_names(row[tag], names, f"{path}:1") for row in islice(dataset, 2000)]
    tagging, evidence = find_tagging(sample, options.scheme)
    counts.notes.append(f"{token} and {tag}: {evidence}")
    for number, row in enumerate(dataset, start=1):
        where = f"{path}:{number}"
        try:
            tags, tokens = _names(row[tag], names, where), [str(each) for each in row[token]]
            if len(tags) != len(tokens) or not all(tokens):
                raise CorpusError(
                    f"{where}: expected a tag for each token, found {len(tags)} for {len(tokens)}.{MEND}"
                )
            entities = read_tags([where] * len(tags), tags, tagging, (options, counts))
        except CorpusError as err:
            if not options.skip_bad:
                raise
            counts.skipped.append(str(err))
            continue
        text, offsets = join_tokens(tokens, [False] * len(tokens))
        spans = (CharSpan(offsets[ent.start][0], offsets[ent.end - 1][1], ent.label) for ent in entities)
        yield Record(text, tuple(spans), where)


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


def _names(tags: Sequence[int | str], names: Sequence[str] | None, where: str) -> list[str]:
    """Give the names of tags."""
    if names is not None:
        return [names[tag] if isinstance(tag, int) else tag for tag in tags]
    if not all(isinstance(tag, str) for tag in tags):
        raise CorpusError(
            f"{where}: tags must be strings, or numbers that the dataset's features name, found "
            f"{tags!r:.40}. Give the column a ClassLabel."
        )
    return [str(tag) for tag in tags]
