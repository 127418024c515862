"""Labelled texts that no corpus has, drawn from lists, templates, Faker and phonenumbers."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from ...corpus import read_records, write_records
from ...types import Record
from .draw import draw_part
from .spec import PARTS, read_spec

__all__ = ["BUILT_IN", "draw_part", "mix", "read_spec", "rename", "synthesize"]

BUILT_IN = Path(__file__).with_name("slips.yml")


def synthesize(
    folder: str | Path,
    sizes: Mapping[str, int],
    *,
    source: str | Path = BUILT_IN,
    languages: Sequence[str] = (),
    seed: int = 0,
    format: str = "conll",
    labels: Mapping[str, str] | None = None,
    real: str | Path | None = None,
    real_share: float = 0.5,
    show: Callable[[Iterable[Record], str, int], Iterable[Record]] = lambda records, part, size: records,
) -> list[Path]:
    """Write ``train``, ``dev`` and ``test``; names, streets and templates of one never occur in another.

    Args:
        folder: Where the files go.
        sizes: Texts of each part; a part of none is not written.
        source: Lists and templates.
        languages: Only these.
        seed: The same seed gives the same texts.
        format: One that can be written; also the ending of the files' names.
        labels: Other names for labels; those that it lacks are left out. None keeps all.
        real: A corpus whose texts are mixed into train.
        real_share: How many of train's texts are such, from 0 to 1, repeated if there are too few.
        show: Wraps the texts of a part in a progress bar.

    Returns:
        The files.

    Raises:
        OSError: If a file is missing.
        ValueError: If the source is malformed, gives too few texts, or the format cannot be written.

    Example:
        >>> import spacy_xner
        >>> sizes = {"train": 20, "dev": 5}
        >>> files = spacy_xner.synthesize("drawn", sizes, languages=["zh_CN", "en_US"], seed=1)
        >>> [file.name for file in files]
        ['train.conll', 'dev.conll']
    """
    spec = read_spec(Path(source), languages)
    own = [] if real is None else list(read_records(real))
    files = []
    for part in PARTS:
        size = sizes.get(part, 0)
        if not size:
            continue
        drawn = show(draw_part(spec, part, size, seed), part, size)
        records = drawn if labels is None else rename(drawn, labels)
        if own and part == "train":
            records = mix(list(records), own, real_share, seed)
        target = Path(folder) / f"{part}.{format}"
        write_records(records, target, format)
        files.append(target)
    return files


def rename(records: Iterable[Record], labels: Mapping[str, str]) -> Iterator[Record]:
    """Give entities other labels, and leave out those whose label has none."""
    for record in records:
        kept = (span._replace(label=labels[span.label]) for span in record.spans if span.label in labels)
        yield replace(record, spans=tuple(kept))


def mix(drawn: Sequence[Record], real: Sequence[Record], share: float, seed: int) -> list[Record]:
    """Mix real texts into others, in any order.

    Args:
        drawn: All of these are kept.
        real: Of these, as many as make up the share, each as often as any other, or once more.
        share: From 0 to 1, exclusive.
        seed: Of the order.

    Raises:
        ValueError: If the share is out of range.
    """
    if not 0 <= share < 1:
        raise ValueError(f"real_share must be from 0 to 1, exclusive, found {share}.")
    rng = random.Random(seed)
    shuffled = rng.sample(list(real), len(real))
    found = [*drawn, *islice(cycle(shuffled), round(len(drawn) * share / (1 - share)))]
    rng.shuffle(found)
    return found
