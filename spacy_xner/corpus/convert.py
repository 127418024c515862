"""From a corpus file to a DocBin, cut by the tokenizer that the pipeline will use."""

import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.util import filter_spans

from ..errors import CorpusError, XnerWarning
from ..types import Record
from . import READERS, ReadCounts, ReadOptions

# Where the component `xner` looks for entities that overlap.
SPANS_KEY = "xner"


@dataclass(slots=True)
class ConvertReport:
    """What a conversion did.

    Attributes:
        n_texts: Texts written.
        n_tokens: Their tokens.
        entities: Entities written, by label, those among them.
        n_widened: Entities whose borders fell inside a token and were moved to the token's.
        n_overlapping: Entities that overlap a longer one: kept in ``doc.spans``, left out of ``doc.ents``.
        n_repaired: Illegal tags read as beginnings.
        skipped: One line for each sentence left out.
    """

    n_texts: int = 0
    n_tokens: int = 0
    entities: dict[str, int] = field(default_factory=dict)
    n_widened: int = 0
    n_overlapping: int = 0
    n_repaired: int = 0
    skipped: list[str] = field(default_factory=list)


def convert(
    input_path: Path,
    output_path: Path,
    *,
    format: str = "conll",
    lang: str = "xx",
    options: ReadOptions | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ConvertReport:
    """Convert a corpus file to a ``.spacy`` file; nothing is left behind if it fails.

    Args:
        input_path: The corpus.
        output_path: The DocBin to write.
        format: A name in `READERS`.
        lang: Language of the blank pipeline whose vocabulary is used.
        options: What to tell the reader.
        on_progress: Called with bytes read and the file's size.

    Raises:
        OSError: If the file is missing.
        ValueError: If the format is unknown.
        CorpusError: If the file breaks its format or holds no text.
    """
    if format not in READERS:
        raise ValueError(
            f"format must be one of {', '.join(READERS)}, found {format!r}. Choose one of these."
        )
    if not input_path.is_file():
        raise FileNotFoundError(f"The corpus must be a file, found no {input_path}. Check the path.")
    nlp = blank(lang)
    report, counts, docs = ConvertReport(), ReadCounts(), DocBin(attrs=["ENT_IOB", "ENT_TYPE"])
    size = input_path.stat().st_size
    for record in READERS[format](input_path, options or ReadOptions(), counts):
        docs.add(record_to_doc(record, nlp.make_doc, report))
        if on_progress is not None:
            on_progress(counts.n_bytes, size)
    report.skipped, report.n_repaired = counts.skipped, counts.n_repaired
    if not report.n_texts:
        raise CorpusError(
            f"{input_path}:1: a corpus must hold at least one text, found none. Check the format."
        )
    if on_progress is not None:
        on_progress(size, size)
    _warn(report)
    write_atomically(docs, output_path)
    return report


def blank(lang: str) -> Language:
    """Make a blank pipeline with our tokenizer."""
    return spacy.blank(lang, config={"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v1"}}})


def record_to_doc(record: Record, make_doc: Callable[[str], Doc], report: ConvertReport) -> Doc:
    """Tokenize a record and set its entities; what does not fit token borders is widened and counted.

    If some overlap, all of them are in ``doc.spans["xner"]``, and the longest of these in ``doc.ents``.
    """
    doc = make_doc(record.text)
    spans: list[Span] = []
    for char_span in record.spans:
        span = doc.char_span(*char_span, alignment_mode="expand")
        assert span is not None  # expanded, a span of characters always covers a token
        report.n_widened += (span.start_char, span.end_char) != char_span[:2]
        spans.append(span)
    kept = filter_spans(spans)
    report.n_overlapping += len(spans) - len(kept)
    doc.set_ents(kept, default="outside")
    if len(kept) < len(spans):
        # Widened, two entities may have become one.
        spans = list({(span.start, span.end, span.label): span for span in spans}.values())
        doc.spans[SPANS_KEY] = spans
    report.n_texts += 1
    report.n_tokens += len(doc)
    for ent in spans:
        report.entities[ent.label_] = report.entities.get(ent.label_, 0) + 1
    return doc


def write_atomically(docs: DocBin, path: Path) -> None:
    """Write a DocBin so that the file is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        docs.to_disk(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _warn(report: ConvertReport) -> None:
    for line in _warnings(report):
        warnings.warn(line, XnerWarning, stacklevel=3)


def _warnings(report: ConvertReport) -> Iterator[str]:
    if report.n_repaired:
        yield f"{report.n_repaired} tags I-X continued no entity; each was read as B-X."
    if report.n_widened:
        yield f"{report.n_widened} entities had a border inside a token; they were widened to whole tokens."
    if report.n_overlapping:
        yield (
            f"{report.n_overlapping} entities overlap a longer one: they are in doc.spans only, for pointer "
            "heads; other heads learn the longer ones alone."
        )
    if report.skipped:
        yield f"{len(report.skipped)} sentences were left out, the first: {report.skipped[0]}"
