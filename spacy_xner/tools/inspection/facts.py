"""Collects facts about each split of a corpus, and texts that splits share."""

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
from ...corpus.docbin import list_docbins, stream_docs
from ...corpus.docs import record_to_doc
from ...corpus.report import ConvertReport
from ...scoring.spans import all_entities
from ...tokenizer import Tokenizer
from .pieces import PieceCounter
from .samples import Sample, Sampler

# Positions listed for each kind of problem.
MAX_PLACES = 5

Key = TypeVar("Key")
# For the fingerprint of each text, the fingerprint of its annotation, and its position.
Fingerprints = dict[bytes, tuple[bytes, str]]


@dataclass(slots=True)
class SplitFacts:
    """Facts about a split.

    Attributes:
        name: Name of its file.
        n_texts: Number of texts.
        n_tokens: Number of tokens.
        n_entities: Number of entities, overlapping ones too.
        labels: Number of entities by label.
        cats: Number of texts by their own label.
        tokens: Number of texts by their length in tokens.
        pieces: Number of texts by their length in pieces; empty without an encoder.
        lengths: Number of entities by their length in tokens.
        n_unknown: Number of pieces that are unknown to the encoder.
        n_widened: Number of entities with a boundary inside a token.
        n_overlapping: Number of entities that overlap a longer one.
        repairs: Number of illegal tags by what they were read as.
        n_duplicates: Number of texts that occur earlier in the split.
        n_conflicts: Number of these duplicates with a different annotation.
        n_skipped: Number of texts that cannot be read.
        places: Positions of some problems, by kind.
        samples: Some texts with their entities, by what they are samples of.
        notes: What was detected about the format.
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
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def n_pieces(self) -> int:
        """Number of pieces of all texts."""
        return sum(size * n for size, n in self.pieces.items())

    def add_place(self, kind: str, place: str) -> None:
        """Add the position of a problem, unless enough of its kind are listed."""
        places = self.places.setdefault(kind, [])
        if len(places) < MAX_PLACES:
            places.append(place)


@dataclass(frozen=True, slots=True)
class Leak:
    """Texts that occur in two splits.

    Attributes:
        first: Name of one split.
        second: Name of the other.
        n_texts: Number of texts in both.
        n_conflicts: Number of these with different annotations.
        places: Positions of some of them, in both splits.
    """

    first: str
    second: str
    n_texts: int
    n_conflicts: int
    places: list[str]


def collect(
    files: Sequence[Path],
    counter: PieceCounter | None,
    format: str,
    options: ReadOptions,
    on_progress: Callable[[str, int], None],
) -> tuple[list[SplitFacts], list[Leak]]:
    """Collect facts about each split, and what pairs of them share. See `spacy_xner.inspect`."""
    splits, fingerprints = [], []
    names = _name_splits(files)
    for path, name in zip(files, names, strict=True):
        facts, own, sampler = SplitFacts(name), Fingerprints(), Sampler()
        for doc, place in _read(path, facts, format, options):
            _count(doc, facts, counter)
            _check_duplicate(doc, place, facts=facts, seen=own)
            sampler.add(doc, place)
            on_progress(name, facts.n_texts)
        facts.samples = sampler.choose()
        splits.append(facts)
        fingerprints.append(own)
    pairs = combinations(zip(names, fingerprints, strict=True), 2)
    leaks = [leak for first, second in pairs if (leak := _find_leak(first, second)).n_texts]
    return splits, leaks


def _name_splits(paths: Sequence[Path]) -> list[str]:
    """Name splits by their files, or by the whole path where two files have the same name."""
    counts = Counter(path.name for path in paths)
    return [path.name if counts[path.name] == 1 else str(path) for path in paths]


def _read(path: Path, facts: SplitFacts, format: str, options: ReadOptions) -> Iterator[tuple[Doc, str]]:
    """Read the docs of a split, each with its position."""
    tokenizer = Tokenizer(Vocab())
    if path.suffix == ".spacy" or (path.is_dir() and list_docbins(path)):
        for number, doc in enumerate(stream_docs(path, tokenizer.vocab), start=1):
            # Its tokens are those of the conversion.
            yield doc, f"{path}:{number}"
        return
    report = ConvertReport()
    reading = report.reading
    for record in read_records(path, format, options=options, report=reading):
        n_before = report.n_widened
        doc = record_to_doc(record, tokenizer, report)
        if report.n_widened > n_before:
            facts.add_place("entities with a boundary inside a token", record.source)
        yield doc, record.source
    facts.notes, facts.repairs, facts.n_skipped = reading.notes, reading.repairs, len(reading.skipped)
    facts.n_widened, facts.n_overlapping = report.n_widened, report.n_overlapping
    for kind, lines in (("illegal tags", reading.repaired), ("unreadable texts", reading.skipped)):
        for line in lines[:MAX_PLACES]:
            # Here, they are always skipped.
            facts.add_place(kind, line.replace("with --skip-bad", "with convert --skip-bad"))


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


def _check_duplicate(doc: Doc, place: str, *, facts: SplitFacts, seen: Fingerprints) -> None:
    """Count a text that was seen before, else add its fingerprint."""
    text = _fingerprint(" ".join(doc.text.split()))
    # Offsets that do not count white space.
    offsets = [0, *accumulate(not char.isspace() for char in doc.text)]
    starts = [offsets[token.idx] for token in doc] + [offsets[-1]]
    chars = [(starts[start], starts[end], label) for start, end, label in _entities(doc)]
    annotation = _fingerprint(repr((chars, sorted(doc.cats.items()))))
    if text not in seen:
        seen[text] = annotation, place
        return
    facts.n_duplicates += 1
    facts.add_place("duplicate texts", f"{place}, as {seen[text][1]}")
    if seen[text][0] != annotation:
        facts.n_conflicts += 1
        facts.add_place("conflicting annotations", f"{place}, unlike {seen[text][1]}")


def _fingerprint(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()


def _find_leak(first: tuple[str, Fingerprints], second: tuple[str, Fingerprints]) -> Leak:
    (name, own), (other, others) = first, second
    shared = [text for text in own if text in others]
    n_conflicts = sum(own[text][0] != others[text][0] for text in shared)
    places = [f"{own[text][1]}, {others[text][1]}" for text in shared[:MAX_PLACES]]
    return Leak(name, other, len(shared), n_conflicts, places)
