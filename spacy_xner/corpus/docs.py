"""Records as docs: tokenized, with entities on tokens."""

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from operator import add, sub

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from ..tokenizer import Tokenizer
from ..types import Entity, Record
from .align import align, keep_longest
from .docbin import PackedDocs
from .packing import Packer
from .report import ConvertReport

# Where the component `xner` looks for overlapping entities.
SPANS_KEY = "xner"


def record_to_doc(record: Record, make_doc: Callable[[str], Doc], report: ConvertReport) -> Doc:
    """Tokenize a record and set its entities; those that do not fit token boundaries are widened and counted.

    If some overlap, all are in ``doc.spans["xner"]``, and the longest in ``doc.ents``. The tokens of a text
    that is not annotated with entities, but has labels of its own, are missing values.
    """
    doc = make_doc(record.text)
    starts = [token.idx for token in doc]
    ends = [start + len(token) for start, token in zip(starts, doc, strict=True)]
    ents, spans = _find_entities(record, starts, ends, report=report)
    if ents is not None:
        doc.set_ents([Span(doc, *ent[:3]) for ent in ents], default="outside")
    set_spans(doc, spans)
    doc.cats = dict(record.cats or {})
    report.n_tokens += len(doc)
    return doc


def set_spans(doc: Doc, entities: Sequence[Entity]) -> None:
    """Set overlapping entities, if there are any."""
    if entities:
        doc.spans[SPANS_KEY] = [Span(doc, *ent[:3]) for ent in entities]


def pack_records(records: Iterable[Record]) -> tuple[PackedDocs, ConvertReport]:
    """Tokenize records as `record_to_doc` does, without a `Doc` for each, and count them."""
    report, packer, tokenizer = ConvertReport(), Packer(), Tokenizer(Vocab())
    for record in records:
        words, spaces = tokenizer.split(record.text)
        starts, ends = _locate(words, spaces) if record.spans else ([], [])
        ents, spans = _find_entities(record, starts, ends, report=report)
        report.n_tokens += len(words)
        packer.add_tokens(words, spaces, ents)
        if spans:
            doc = Doc(tokenizer.vocab, words, spaces)
            set_spans(doc, spans)
            packer.labels.update(ent.label for ent in spans)
            packer.add_text(record.cats or {}, doc.spans.to_bytes())
        else:
            packer.add_text(record.cats or {})
    return packer.finish(), report


def _locate(words: list[str], spaces: list[bool]) -> tuple[list[int], list[int]]:
    """Return the offsets of the first character of each token, and after its last."""
    stops = [*accumulate(map(add, map(len, words), spaces), initial=0)]
    return stops, list(map(sub, stops[1:], spaces))


def _find_entities(
    record: Record, starts: Sequence[int], ends: Sequence[int], *, report: ConvertReport
) -> tuple[list[Entity] | None, list[Entity]]:
    """Return entities without overlaps, None if unknown, and all of them if some overlap; count them."""
    entities, n_widened, n_merged, n_overlapping_widened = align(record.spans or (), starts, ends)
    kept = keep_longest(entities)
    report.n_widened += n_widened
    report.n_merged += n_merged
    report.n_overlapping += len(entities) - len(kept)
    report.n_overlapping_widened += n_overlapping_widened
    report.count_text(entities, record.cats or {})
    is_known = record.spans is not None or record.cats is None
    return kept if is_known else None, entities if len(kept) < len(entities) else []
