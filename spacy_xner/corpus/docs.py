"""Records as docs: tokenized, with entities on tokens."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, islice

import numpy as np
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
    records, tokenizer = [*records], Tokenizer(Vocab())
    packer = Packer(tokenizer.find_pieces(record.text) for record in records)
    report = ConvertReport()
    for record, entities in zip(records, _align_all(records, packer, report), strict=True):
        if entities is None:
            packer.add_doc(record_to_doc(record, tokenizer, report))
        else:
            report.count_text(entities, record.cats or {})
            packer.add(entities if _is_annotated(record) else None, record.cats)
    report.n_tokens = len(packer.starts)
    return packer.finish(), report


def _align_all(
    records: Sequence[Record], packer: Packer, report: ConvertReport
) -> Iterator[list[Entity] | None]:
    """Yield the entities of each record on the tokens of all texts; None where some overlap.

    Widened entities of the others are counted.
    """
    chars = accumulate((len(record.text) for record in records), initial=0)
    sizes = [len(record.spans or ()) for record in records]
    spans = [
        (start + char, end + char, label)
        for record, char in zip(records, chars, strict=False)
        for start, end, label, _ in record.spans or ()
    ]
    starts, ends = (np.array([span[side] for span in spans], np.int64) for side in (0, 1))
    first, stop = packer.locate(starts, ends)
    owners = np.repeat(np.arange(len(records)), sizes)
    overlapping = owners[1:][first[1:] < np.maximum.accumulate(stop)[:-1]]
    is_widened = (packer.starts[first] != starts) | (packer.ends[stop - 1] != ends)
    report.n_widened = int(is_widened[~np.isin(owners, overlapping)].sum())
    left_out = {*overlapping.tolist()}
    entities = map(Entity, first.tolist(), stop.tolist(), (label for _, _, label in spans))
    for i, size in enumerate(sizes):
        own = [*islice(entities, size)]
        yield None if i in left_out else own


def _is_annotated(record: Record) -> bool:
    """Return whether a text is annotated with entities."""
    return record.spans is not None or record.cats is None


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
    return kept if _is_annotated(record) else None, entities if len(kept) < len(entities) else []
