"""Inspects a corpus: facts about its splits, and advice on what is wrong with them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...corpus import ReadOptions
from .facts import Leak, SplitFacts, collect
from .pieces import PieceCounter

# A label with fewer training entities is rare.
MIN_ENTITIES = 20
# Shares of entities and of pieces above which there is advice.
MAX_WIDENED = 0.001
MAX_UNKNOWN = 0.01


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a corpus contains and what is wrong with it.

    Attributes:
        splits: Facts about each split.
        leaks: Pairs of splits that share texts.
        advice: Problems and what to do about them, one line each.
    """

    splits: list[SplitFacts]
    leaks: list[Leak]
    advice: list[str]


def inspect(
    paths: str | Path | Sequence[str | Path],
    *,
    encoder: str | Path | None = None,
    columns: str | None = None,
    allow_empty: bool = False,
    format: str = "auto",
    options: ReadOptions | None = None,
    on_progress: Callable[[str, int], None] = lambda name, n_texts: None,
) -> Inspection:
    """Inspect the splits of a corpus, the training split first.

    Args:
        paths: Corpus files of any format, ``.spacy`` files, or folders.
        encoder: Hub id or folder; without one, pieces are not counted.
        columns: Names of the columns of CoNLL files; None to detect them.
        allow_empty: Accept a split without a single entity or label.
        format: Name of their format; ``auto`` detects it.
        options: Options of the reader, instead of ``columns`` and ``allow_empty``; bad texts are skipped.
        on_progress: Called with a split's name and the number of texts read so far.

    Raises:
        OSError: If there is no such file or encoder.
        CorpusError: If a file cannot be read at all.

    Examples:
        >>> import spacy_xner
        >>> inspection = spacy_xner.inspect(["train.conll", "dev.conll"])
        >>> train = inspection.splits[0]
        >>> train.n_texts, train.labels["PER"]
        (3, 2)
        >>> [(leak.first, leak.second, leak.n_texts) for leak in inspection.leaks]
        [('train.conll', 'dev.conll', 1)]
    """
    files = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    options = options or ReadOptions(columns=columns, allow_empty=allow_empty)
    options = replace(options, skip_bad=True, show=True)
    counter = None if encoder is None else PieceCounter(str(encoder))
    splits, leaks = collect(files, counter, format, options, on_progress)
    return Inspection(splits, leaks, list(_advise(splits, leaks)))


def _advise(splits: Sequence[SplitFacts], leaks: Sequence[Leak]) -> Iterator[str]:
    """List problems and what to do about them."""
    for leak in leaks:
        yield (
            f"{leak.n_texts} texts are in both {leak.first} and {leak.second}: scores on them do not show "
            "how well new texts are read. Remove them from one."
        )
    for facts in splits:
        yield from _advise_split(facts)
    train, *others = splits
    for label, n in sorted(train.labels.items()):
        if n < MIN_ENTITIES:
            yield f"{label} is rare: {n} in {train.name}. Annotate or generate more, or drop the label."
    for facts in others:
        for label in sorted({*facts.labels} - {*train.labels}):
            yield f"{label} is in {facts.name} but not in {train.name}: it cannot be learned."
        for label in sorted({*train.labels} - {*facts.labels}):
            yield f"{label} is in {train.name} but not in {facts.name}: it is not scored there."


def _advise_split(facts: SplitFacts) -> Iterator[str]:
    name = facts.name
    if facts.n_conflicts:
        yield f"{facts.n_conflicts} duplicates in {name} have conflicting annotations. Make them agree."
    if facts.n_skipped:
        yield f"{facts.n_skipped} texts of {name} cannot be read. Fix them."
    if facts.repairs:
        yield f"{sum(facts.repairs.values())} tags of {name} are illegal. Check them."
    if facts.n_widened > MAX_WIDENED * facts.n_entities:
        yield (
            f"{facts.n_widened} entities of {name} have a boundary inside a token, which no model can "
            "predict. Fix them, or choose another tokenizer."
        )
    if facts.n_unknown > MAX_UNKNOWN * facts.n_pieces:
        share = facts.n_unknown / facts.n_pieces
        yield f"{share:.1%} of the pieces of {name} are unknown to the encoder. Choose another encoder."
