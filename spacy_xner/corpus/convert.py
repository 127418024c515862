"""From a corpus file to a DocBin, cut by the tokenizer that the pipeline will use."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from spacy.tokens import Doc, Span
from spacy.util import filter_spans
from spacy.vocab import Vocab

from ..errors import CorpusError, XnerWarning
from ..tokenizer import Tokenizer
from ..types import Record
from . import ReadCounts, ReadOptions, read_records
from .docbin import write_docs

# Where the component `xner` looks for entities that overlap.
SPANS_KEY = "xner"


@dataclass(slots=True)
class ConvertReport:
    """What a conversion did.

    Attributes:
        notes: What was found out of the format, with the evidence.
        n_texts: Texts written.
        n_tokens: Their tokens.
        entities: Entities written, by label, those that overlap among them.
        cats: Labels of whole texts, and of how many.
        n_widened: Entities whose borders fell inside a token and were moved to the token's.
        n_overlapping: Entities that overlap a longer one: kept in ``doc.spans``, left out of ``doc.ents``.
        repairs: Illegal tags that were read as others, by kind.
        repaired: One line for each of these, if they are to be shown.
        skipped: One line for each text left out.
        left_out: How many things were left out that have no place in a text, by what they are.
    """

    notes: list[str] = field(default_factory=list)
    n_texts: int = 0
    n_tokens: int = 0
    entities: dict[str, int] = field(default_factory=dict)
    cats: dict[str, int] = field(default_factory=dict)
    n_widened: int = 0
    n_overlapping: int = 0
    repairs: dict[str, int] = field(default_factory=dict)
    repaired: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)


def convert(
    input_path: str | Path,
    output_path: str | Path,
    *,
    format: str = "auto",
    options: ReadOptions | None = None,
    shard_size: int = 20_000,
    on_progress: Callable[[int, int], None] | None = None,
) -> ConvertReport:
    """Convert a corpus to a ``.spacy`` file, or to a folder of them; nothing is left behind if it fails.

    Args:
        input_path: The corpus.
        output_path: A file whose name ends in ``.spacy``; or else a folder, for corpora greater than memory.
        format: A name in `FORMATS`, or ``auto`` to find it out.
        options: What to tell the reader.
        shard_size: Texts of each file of a folder.
        on_progress: Called with bytes read and the file's size.

    Raises:
        OSError: If the file is missing.
        ValueError: If the format is unknown.
        CorpusError: If the file breaks its format or holds no text.

    Example:
        >>> import spacy_xner
        >>> report = spacy_xner.convert("train.conll", "train.spacy")
        >>> report.n_texts, report.entities["PER"]
        (3, 2)
        >>> print(report.notes[0])
        format conll
    """
    input_path, output_path = Path(input_path), Path(output_path)
    report, counts = ConvertReport(), ReadCounts()
    records = read_records(input_path, counts, format, options)
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
                on_progress(min(counts.n_bytes, size), size)
        if not report.n_texts:
            skipped = f" that can be read: {counts.skipped[0]}" if counts.skipped else ""
            raise CorpusError(
                f"{input_path}:1: a corpus must hold at least one text, found none{skipped}. Check the "
                "format."
            )
    for name in ("notes", "repairs", "repaired", "skipped", "left_out"):
        setattr(report, name, getattr(counts, name))
    if on_progress is not None:
        on_progress(size, size)
    for line in _warnings(report):
        warnings.warn(line, XnerWarning, stacklevel=2)
    return report


def size_of(path: Path) -> int:
    """Add up the bytes of a file, or of all in a folder."""
    files = [path] if path.is_file() else path.rglob("*")
    return sum(file.stat().st_size for file in files if file.is_file())


def record_to_doc(record: Record, make_doc: Callable[[str], Doc], report: ConvertReport) -> Doc:
    """Tokenize a record and set its entities; what does not fit token borders is widened and counted.

    If some overlap, all of them are in ``doc.spans["xner"]``, and the longest of these in ``doc.ents``. A
    text that is classified and has no entities is not taken to be without: nothing is known of them.
    """
    doc = make_doc(record.text)
    spans: list[Span] = []
    for char_start, char_end, label, _ in record.spans:
        span = doc.char_span(char_start, char_end, label, alignment_mode="expand")
        assert span is not None  # expanded, a span of characters always covers a token
        report.n_widened += (span.start_char, span.end_char) != (char_start, char_end)
        spans.append(span)
    kept = filter_spans(spans) if len(spans) > 1 else spans
    report.n_overlapping += len(spans) - len(kept)
    if spans or record.cats is None:
        doc.set_ents(kept, default="outside")
    if len(kept) < len(spans):
        # Widened, two entities may have become one.
        spans = list({(span.start, span.end, span.label): span for span in spans}.values())
        doc.spans[SPANS_KEY] = spans
    doc.cats = dict(record.cats or {})
    report.n_texts += 1
    report.n_tokens += len(doc)
    for ent in spans:
        report.entities[ent.label_] = report.entities.get(ent.label_, 0) + 1
    for label, value in doc.cats.items():
        report.cats[label] = report.cats.get(label, 0) + (value >= 0.5)
    return doc


def _warnings(report: ConvertReport) -> Iterator[str]:
    if report.repairs:
        kinds = ", ".join(f"{kind} {n}" for kind, n in report.repairs.items())
        yield (
            f"{sum(report.repairs.values())} illegal tags were repaired: {kinds}. See them with --show, "
            "refuse them with --strict."
        )
    if report.n_widened:
        yield f"{report.n_widened} entities had a border inside a token; they were widened to whole tokens."
    if report.n_overlapping:
        yield (
            f"{report.n_overlapping} entities overlap a longer one: they are in doc.spans only, for pointer "
            "heads; other heads learn the longer ones alone."
        )
    for what, n in report.left_out.items():
        yield f"{n} {what} were left out."
    if report.skipped:
        yield f"{len(report.skipped)} texts were left out, the first: {report.skipped[0]}"
