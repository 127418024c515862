"""From a corpus file to a DocBin, tokenized as the pipeline will tokenize raw text."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from spacy.tokens import Doc, Span
from spacy.util import filter_spans
from spacy.vocab import Vocab

from ..atomic import check_apart
from ..errors import CorpusError, XnerWarning
from ..tokenizer import Tokenizer
from ..types import CharSpan, Record
from .docbin import write_docs
from .reading.options import ReadOptions
from .reading.session import ReadReport
from .records import read_records

# Where the component `xner` looks for overlapping entities.
SPANS_KEY = "xner"


@dataclass(slots=True)
class ConvertReport:
    """What a conversion did.

    Attributes:
        reading: What the reader detected, repaired and skipped.
        n_texts: Texts written.
        n_tokens: Their tokens.
        entities: Entities written, overlapping ones too, by label.
        cats: Texts written, by their own labels.
        n_widened: Entities with a boundary inside a token, widened to whole tokens.
        n_merged: Widened entities that became another with the same label: they are one.
        n_overlapping: Entities that overlap a longer one: they are in ``doc.spans``, not in ``doc.ents``.
        n_overlapping_widened: Those of them that only overlap since they were widened.
    """

    reading: ReadReport = field(default_factory=ReadReport)
    n_texts: int = 0
    n_tokens: int = 0
    entities: dict[str, int] = field(default_factory=dict)
    cats: dict[str, int] = field(default_factory=dict)
    n_widened: int = 0
    n_merged: int = 0
    n_overlapping: int = 0
    n_overlapping_widened: int = 0

    @property
    def n_trimmed(self) -> int:
        """Entities with white space at their ends, written without it."""
        return self.reading.n_trimmed

    def to_dict(self) -> dict[str, Any]:
        """Return all facts by name."""
        return {
            "notes": self.reading.notes,
            "n_texts": self.n_texts,
            "n_tokens": self.n_tokens,
            "entities": self.entities,
            "cats": self.cats,
            "n_trimmed": self.n_trimmed,
            "n_widened": self.n_widened,
            "n_merged": self.n_merged,
            "n_overlapping": self.n_overlapping,
            "n_overlapping_widened": self.n_overlapping_widened,
            "repairs": self.reading.repairs,
            "repaired": self.reading.repaired,
            "skipped": self.reading.skipped,
            "left_out": self.reading.left_out,
        }


def convert(
    input_path: str | Path,
    output_path: str | Path,
    *,
    format: str = "auto",
    options: ReadOptions | None = None,
    shard_size: int = 20_000,
    on_progress: Callable[[int, int], None] | None = None,
) -> ConvertReport:
    """Convert a corpus to a ``.spacy`` file, or to a folder of them; a failure leaves whatever was there.

    Args:
        input_path: The corpus.
        output_path: A file whose name ends in ``.spacy``; else a folder, for corpora larger than memory.
        format: Name of a format; ``auto`` detects it.
        options: Options of the reader.
        shard_size: Texts of each file of a folder.
        on_progress: Called with bytes read and the file's size.

    Raises:
        OSError: If the file is missing, or the output is the input.
        ValueError: If the format is unknown.
        CorpusError: If the file breaks its format or holds no text.

    Example:
        >>> import spacy_xner
        >>> report = spacy_xner.convert("train.conll", "train.spacy")
        >>> report.n_texts, report.entities["PER"]
        (3, 2)
        >>> print(report.reading.notes[0])
        format conll
    """
    input_path, output_path = Path(input_path), Path(output_path)
    check_apart(output_path, input_path)
    report = ConvertReport()
    reading = report.reading
    records = read_records(input_path, format, options=options, report=reading)
    size = size_of(input_path)
    tokenizer = Tokenizer(Vocab())
    with write_docs(output_path) as writer:
        for record in records:
            writer.add(record_to_doc(record, tokenizer, report))
            if writer.is_folder and len(writer.docs) == shard_size:
                writer.end_shard()
                # A vocabulary keeps every word that it has seen.
                tokenizer = Tokenizer(Vocab())
            if on_progress is not None and report.n_texts % 100 == 0:
                on_progress(min(reading.n_bytes, size), size)
        if not report.n_texts:
            reason = f" that can be read: {reading.skipped[0]}" if reading.skipped else ". Check the format."
            raise CorpusError(f"{input_path}:1: a corpus must hold at least one text, found none{reason}")
    if on_progress is not None:
        on_progress(size, size)
    for line in _warnings(report):
        warnings.warn(line, XnerWarning, stacklevel=2)
    return report


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def record_to_doc(record: Record, make_doc: Callable[[str], Doc], report: ConvertReport) -> Doc:
    """Tokenize a record and set its entities; those that do not fit token boundaries are widened and counted.

    If some overlap, all are in ``doc.spans["xner"]``, and the longest in ``doc.ents``. The tokens of a text
    that is not annotated with entities, but has labels of its own, are missing values.
    """
    doc = make_doc(record.text)
    spans = _align(doc, record.spans or (), report)
    kept = filter_spans(spans) if len(spans) > 1 else spans
    report.n_overlapping += len(spans) - len(kept)
    if record.spans is not None or record.cats is None:
        doc.set_ents(kept, default="outside")
    if len(kept) < len(spans):
        doc.spans[SPANS_KEY] = spans
    doc.cats = dict(record.cats or {})
    report.n_texts += 1
    report.n_tokens += len(doc)
    for ent in spans:
        report.entities[ent.label_] = report.entities.get(ent.label_, 0) + 1
    for label, value in doc.cats.items():
        report.cats[label] = report.cats.get(label, 0) + (value >= 0.5)
    return doc


def _align(doc: Doc, char_spans: Sequence[CharSpan], report: ConvertReport) -> list[Span]:
    """Return entities on tokens, and count those that are widened, and what that makes of others."""
    spans: dict[tuple[int, int, str], Span] = {}
    before: list[tuple[int, int]] = []
    n_widened = 0
    for char_start, char_end, label in dict.fromkeys(span[:3] for span in char_spans):
        span = doc.char_span(char_start, char_end, label, alignment_mode="expand")
        assert span is not None  # expanded, a span of characters always covers a token
        n_widened += (span.start_char, span.end_char) != (char_start, char_end)
        key = span.start, span.end, label
        if key in spans:
            report.n_merged += 1
        else:
            spans[key] = span
            before.append((char_start, char_end))
    report.n_widened += n_widened
    if n_widened:
        after = [(start, end) for start, end, _ in spans]
        report.n_overlapping_widened += _count_overlapping(after) - _count_overlapping(before)
    return list(spans.values())


def _count_overlapping(ranges: Sequence[tuple[int, int]]) -> int:
    """Count the ranges that start before one before them ends."""
    starts, ends = [start for start, _ in ranges], [end for _, end in ranges]
    return sum(start < end for start, end in zip(starts[1:], accumulate(ends, max), strict=False))


def _warnings(report: ConvertReport) -> Iterator[str]:
    reading = report.reading
    if reading.repairs:
        kinds = ", ".join(f"{kind} {n}" for kind, n in reading.repairs.items())
        yield (
            f"{sum(reading.repairs.values())} illegal tags were repaired: {kinds}. List them with --show, "
            "refuse them with --strict."
        )
    if report.n_trimmed:
        yield f"{report.n_trimmed} entities began or ended with white space; they were trimmed."
    if report.n_widened:
        yield f"{report.n_widened} entities had a boundary inside a token; they were widened to whole tokens."
    if report.n_merged:
        yield (
            f"{report.n_merged} entities became the same as another when they were widened, and are one with "
            "it."
        )
    if report.n_overlapping_widened:
        yield f"{report.n_overlapping_widened} entities overlap another only since they were widened."
    if report.n_overlapping:
        yield (
            f"{report.n_overlapping} entities overlap a longer one: they are in doc.spans only, for pointer "
            "heads; other heads learn only the longer ones."
        )
    for kind, n in reading.left_out.items():
        yield f"{n} {kind} were left out."
    if reading.skipped:
        yield f"{len(reading.skipped)} texts were skipped, the first: {reading.skipped[0]}"
