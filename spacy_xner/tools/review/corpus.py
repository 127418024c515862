"""The corpus that is reviewed, with the place of each text."""

from pathlib import Path
from typing import NamedTuple

from spacy.tokens import Doc
from spacy.vocab import Vocab

from ...corpus.docbin import list_docbins, open_docbin
from ...corpus.docs import record_to_doc
from ...corpus.reading.options import ReadOptions
from ...corpus.records import read_records
from ...corpus.report import ConvertReport
from ...tokenizer import Tokenizer


class PlacedDoc(NamedTuple):
    """An annotated text.

    Attributes:
        doc: The text.
        place: Where it stands, as ``file:line``; in a ``.spacy`` file, the number of the text.
    """

    doc: Doc
    place: str


def read_corpus(path: Path, format: str = "auto", options: ReadOptions | None = None) -> list[PlacedDoc]:
    """Read a corpus in any format; ``.spacy`` files keep their tokens.

    Raises:
        OSError: If it does not exist.
        ValueError: If it breaks its format, or has no annotated text.
    """
    files = list_docbins(path)
    if files and all(file.suffix == ".spacy" for file in files):
        placed = [
            PlacedDoc(doc, f"{file}:{number}")
            for file in files
            for number, doc in enumerate(open_docbin(file).get_docs(Vocab()), start=1)
        ]
    else:
        tokenizer, report = Tokenizer(Vocab()), ConvertReport()
        placed = [
            PlacedDoc(record_to_doc(record, tokenizer, report), record.source)
            for record in read_records(path, format, options=options)
        ]
    if not any(doc.has_annotation("ENT_IOB") or doc.spans or doc.cats for doc, _ in placed):
        raise ValueError(f"The corpus must have annotated texts, found none in {path}. Check its conversion.")
    return placed
