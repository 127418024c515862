"""The facts of each split of a corpus, and what goes wrong between splits."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import accumulate, combinations
from pathlib import Path
from typing import TypeVar

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ...corpus import ReadOptions, read_records
from ...corpus.convert import ConvertReport, record_to_doc
from ...corpus.docbin import stream_docs
from ...scoring.spans import all_entities
from ...tokenizer import Tokenizer
from .pieces import PieceCounter

# A label with fewer entities to train on is rare.
RARE = 20
# Shares of entities and of pieces above which advice is given.
MAX_WIDENED = 0.001
MAX_UNKNOWN = 0.01
# Places shown of each kind of mistake.
MAX_PLACES = 5

Key = TypeVar("Key")
# A text's fingerprint, and that of its annotation.
Marks = dict[bytes, tuple[bytes, str]]


@dataclass(slots=True)
class SplitFacts:
    """What is in a split.

    Attributes:
        name: Its file's name.
        n_texts: Texts.
        n_tokens: Their tokens.
        n_entities: Their entities, those that overlap others among them.
        labels: Entities by label.
        cats: Texts by their own label.
        tokens: How many texts have so many tokens.
        pieces: How many texts have so many pieces; empty without an encoder.
        lengths: How many entities have so many tokens.
        n_unknown: Pieces that the encoder does not know.
        n_widened: Entities with a border inside a token.
        n_overlapping: Entities that overlap a longer one.
        repairs: Illegal tags that were read as others, by kind.
        n_duplicates: Texts that stood there before.
        n_conflicts: Texts among these with another annotation.
        n_skipped: Texts that cannot be read.
        places: Where some of these stand, by what they are.
        notes: What was found out of the format.
    """

    name: str
    n_texts: int = 0
    n_tokens: int = 0
    n_entities: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    cats: dict[str, int] = field(default_factory=dict)
    tokens: dict[int, int] = field(default_factory=dict)
    pieces: dict[int, int] = field(default_factory=dict)
    lengths: dict[int, int] = field(default_factory=dict)
    n_unknown: int = 0
    n_widened: int = 0
    n_overlapping: int = 0
    repairs: dict[str, int] = field(default_factory=dict)
    n_duplicates: int = 0
    n_conflicts: int = 0
    n_skipped: int = 0
    places: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def n_pieces(self) -> int:
        """Pieces of all texts."""
        return sum(size * n for size, n in self.pieces.items())

    def show(self, what: str, place: str) -> None:
        """Remember a place, if there are not many yet."""
        places = self.places.setdefault(what, [])
        if len(places) < MAX_PLACES:
            places.append(place)


@dataclass(frozen=True, slots=True)
class Leak:
    """Texts that two splits share.

    Attributes:
        first: Name of one split.
        second: Name of the other.
        n_texts: Texts of both.
        n_conflicts: Those among them that are annotated otherwise.
        places: Where some of them stand, in both.
    """

    first: str
    second: str
    n_texts: int
    n_conflicts: int
    places: list[str]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is in a corpus.

    Attributes:
        splits: The facts of each.
        leaks: Of each two that share texts.
        advice: What ought to be looked at, in a line each.
    """

    splits: list[SplitFacts]
    leaks: list[Leak]
    advice: list[str]


def inspect(
    paths: str | Path | Sequence[str | Path],
    *,
    encoder: str | Path | None = None,
    columns: str | None = None,
    on_progress: Callable[[str, int], None] = lambda name, n_texts: None,
) -> Inspection:
    """Inspect the splits of a corpus, the one to train on first.

    Args:
        paths: Corpus files of any format, ``.spacy`` files, or folders.
        encoder: Hub id or folder; without one, pieces are not counted.
        columns: Names of the columns, if they are not to be found out.
        on_progress: Called with a split's name and the texts read so far.

    Raises:
        OSError: If there is no such file or encoder.
        CorpusError: If a file cannot be read at all.

    Example:
        >>> import spacy_xner
        >>> inspection = spacy_xner.inspect(["train.conll", "dev.conll"])
        >>> train = inspection.splits[0]
        >>> train.n_texts, train.labels["PER"]
        (3, 2)
        >>> [(leak.first, leak.second, leak.n_texts) for leak in inspection.leaks]
        [('train.conll', 'dev.conll', 1)]
    """
    counter = None if encoder is None else PieceCounter(str(encoder))
    files = [Path(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    splits, marks = [], []
    names = _name(files)
    for path, name in zip(files, names, strict=True):
        facts, own = SplitFacts(name), Marks()
        for doc, place in _read(path, facts, columns):
            _count(doc, facts, counter)
            _mark(doc, place, facts, own)
            on_progress(name, facts.n_texts)
        splits.append(facts)
        marks.append(own)
    pairs = combinations(zip(names, marks, strict=True), 2)
    leaks = [leak for first, second in pairs if (leak := _find_leak(first, second)).n_texts]
    return Inspection(splits, leaks, list(_advise(splits, leaks)))


def _name(paths: Sequence[Path]) -> list[str]:
    """Name splits by their files, or where these are the same, by the whole path."""
    counts = Counter(path.name for path in paths)
    return [path.name if counts[path.name] == 1 else str(path) for path in paths]


def _read(path: Path, facts: SplitFacts, columns: str | None) -> Iterator[tuple[Doc, str]]:
    """Read the docs of a split, and where each stands."""
    tokenizer = Tokenizer(Vocab())
    files = [path] if path.suffix == ".spacy" else list(path.rglob("*.spacy")) if path.is_dir() else []
    if files:
        for number, doc in enumerate(stream_docs(path, tokenizer.vocab), start=1):
            # Cut by whatever tokenizer it was converted with.
            yield doc, f"{path}:{number}"
        return
    report = ConvertReport()
    reading = report.reading
    options = ReadOptions(columns=columns, skip_bad=True, show=True)
    for record in read_records(path, options=options, report=reading):
        n_before = report.n_widened
        doc = record_to_doc(record, tokenizer, report)
        if report.n_widened > n_before:
            facts.show("entities with a border inside a token", record.source)
        yield doc, record.source
    facts.notes, facts.repairs, facts.n_skipped = reading.notes, reading.repairs, len(reading.skipped)
    facts.n_widened, facts.n_overlapping = report.n_widened, report.n_overlapping
    for what, lines in (("illegal tags", reading.repaired), ("texts that cannot be read", reading.skipped)):
        for line in lines[:MAX_PLACES]:
            facts.show(what, line)


def _entities(doc: Doc) -> list[tuple[int, int, str]]:
    return sorted((span.start, span.end, span.label_) for span in all_entities(doc))


def _count(doc: Doc, facts: SplitFacts, counter: PieceCounter | None) -> None:
    entities = _entities(doc)
    facts.n_texts += 1
    facts.n_tokens += len(doc)
    facts.n_entities += len(entities)
    _add(facts.tokens, len(doc))
    for start, end, label in entities:
        _add(facts.labels, label)
        _add(facts.lengths, end - start)
    for label, value in doc.cats.items():
        facts.cats[label] = facts.cats.get(label, 0) + (value >= 0.5)
    if counter is not None:
        n_pieces, n_unknown = counter.count(doc)
        _add(facts.pieces, n_pieces)
        facts.n_unknown += n_unknown


def _add(counts: dict[Key, int], key: Key) -> None:
    counts[key] = counts.get(key, 0) + 1


def _mark(doc: Doc, place: str, facts: SplitFacts, marks: Marks) -> None:
    """Remember a text by its fingerprint, and count it if it stood there before."""
    text = _fingerprint(" ".join(doc.text.split()))
    # Places as if there were no white space.
    places = [0, *accumulate(not char.isspace() for char in doc.text)]
    starts = [places[token.idx] for token in doc] + [places[-1]]
    chars = [(starts[start], starts[end], label) for start, end, label in _entities(doc)]
    annotation = _fingerprint(repr((chars, sorted(doc.cats.items()))))
    if text not in marks:
        marks[text] = annotation, place
        return
    facts.n_duplicates += 1
    facts.show("texts that stood there before", f"{place}, as {marks[text][1]}")
    if marks[text][0] != annotation:
        facts.n_conflicts += 1
        facts.show("the same text with another annotation", f"{place}, unlike {marks[text][1]}")


def _fingerprint(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()


def _find_leak(first: tuple[str, Marks], second: tuple[str, Marks]) -> Leak:
    (name, marks), (other, others) = first, second
    shared = [text for text in marks if text in others]
    n_conflicts = sum(marks[text][0] != others[text][0] for text in shared)
    places = [f"{marks[text][1]}, {others[text][1]}" for text in shared[:MAX_PLACES]]
    return Leak(name, other, len(shared), n_conflicts, places)


def _advise(splits: Sequence[SplitFacts], leaks: Sequence[Leak]) -> Iterator[str]:
    """Say what ought to be looked at."""
    for leak in leaks:
        yield (
            f"{leak.n_texts} texts are in {leak.first} and in {leak.second}: scores on them say little of "
            "new texts. Leave them out of one."
        )
    for facts in splits:
        yield from _advise_split(facts)
    train, *others = splits
    for label, n in sorted(train.labels.items()):
        if n < RARE:
            yield f"{label} is rare: {n} in {train.name}. Annotate or draw more, or leave it out."
    for facts in others:
        for label in sorted({*facts.labels} - {*train.labels}):
            yield f"{label} is in {facts.name} and not in {train.name}: it cannot be learned."
        for label in sorted({*train.labels} - {*facts.labels}):
            yield f"{label} is in {train.name} and not in {facts.name}: it is not scored there."


def _advise_split(facts: SplitFacts) -> Iterator[str]:
    name = facts.name
    if facts.n_conflicts:
        yield f"{facts.n_conflicts} texts of {name} are annotated in two ways. Decide for one."
    if facts.n_skipped:
        yield f"{facts.n_skipped} texts of {name} cannot be read. Mend them."
    if facts.repairs:
        yield f"{sum(facts.repairs.values())} tags of {name} are illegal. Look at them."
    if facts.n_widened > MAX_WIDENED * facts.n_entities:
        yield (
            f"{facts.n_widened} entities of {name} have a border inside a token, which no model can find. "
            "Mend them, or choose another tokenizer."
        )
    if facts.n_unknown > MAX_UNKNOWN * facts.n_pieces:
        share = facts.n_unknown / facts.n_pieces
        yield f"{share:.1%} of the pieces of {name} are unknown to the encoder. Choose another."
