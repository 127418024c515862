"""Generates annotated texts from lists, templates, Faker and phonenumbers."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

from ...atomic import check_apart
from ...corpus import ReadOptions, read_records, write_records
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
    allow_empty: bool = False,
    options: ReadOptions | None = None,
    show: Callable[[Iterable[Record], str, int], Iterable[Record]] = lambda records, part, size: records,
) -> list[Path]:
    """Write ``train``, ``dev`` and ``test``; they share no names, streets or templates.

    Args:
        folder: Output folder.
        sizes: Number of texts of each part; empty parts are not written.
        source: YAML file of lists and templates.
        languages: Codes of the languages to use; empty for all.
        seed: Random seed.
        format: Name of a format that can be written; also the ending of the files' names.
        labels: New names of the labels to keep, by their old names; None keeps all.
        real: A corpus of real texts to mix into the training part.
        real_share: Share of real texts in the training part, from 0 to 1; they are repeated if there are too
            few.
        allow_empty: Accept real texts without a single entity or label.
        options: Options of the reader of real texts, instead of ``allow_empty``.
        show: Wraps the texts of a part in a progress bar.

    Returns:
        The files written.

    Raises:
        OSError: If a file is missing, or would be written over with what is made from it.
        ValueError: If the source is malformed or gives too few texts, or the format cannot be written.

    Examples:
        >>> import spacy_xner
        >>> sizes = {"train": 20, "dev": 5}
        >>> files = spacy_xner.synthesize("drawn", sizes, languages=["zh_CN", "en_US"], seed=1)
        >>> [file.name for file in files]
        ['train.conll', 'dev.conll']
    """
    targets = {part: Path(folder) / f"{part}.{format}" for part in PARTS if sizes.get(part, 0)}
    for target in targets.values():
        check_apart(target, Path(source), *([] if real is None else [Path(real)]))
    spec = read_spec(Path(source), languages)
    own = (
        []
        if real is None
        else list(read_records(real, options=options or ReadOptions(allow_empty=allow_empty)))
    )
    for part, target in targets.items():
        size = sizes[part]
        drawn = show(draw_part(spec, part, size, seed), part, size)
        records = drawn if labels is None else rename(drawn, labels)
        if own and part == "train":
            records = mix(list(records), own, real_share, seed)
        write_records(records, target, format)
    return list(targets.values())


def rename(records: Iterable[Record], labels: Mapping[str, str]) -> Iterator[Record]:
    """Rename the labels of entities; entities whose label has no new name are dropped."""
    for record in records:
        spans = record.spans or ()
        kept = tuple(span._replace(label=labels[span.label]) for span in spans if span.label in labels)
        yield record if record.spans is None else replace(record, spans=kept)


def mix(drawn: Sequence[Record], real: Sequence[Record], share: float, seed: int) -> list[Record]:
    """Mix real texts into generated ones, and shuffle them.

    Args:
        drawn: Generated texts; all are kept.
        real: Real texts, drawn evenly until they make up the share.
        share: Share of real texts, from 0 to 1, exclusive.
        seed: Random seed.

    Raises:
        ValueError: If the share is out of range.
    """
    if not 0 <= share < 1:
        raise ValueError(f"real_share must be from 0 to 1, exclusive, found {share}. Choose another share.")
    rng = random.Random(seed)
    shuffled = rng.sample(list(real), len(real))
    mixed = [*drawn, *islice(cycle(shuffled), round(len(drawn) * share / (1 - share)))]
    rng.shuffle(mixed)
    return mixed
