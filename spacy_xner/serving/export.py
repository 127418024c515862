"""The route that writes corrected texts as a corpus, for ``spacy-xner convert`` and training."""

import asyncio
from collections.abc import Sequence
from io import StringIO

from fastapi import APIRouter, Depends, Response
from spacy.language import Language

from ..corpus.docbin import make_docbin
from ..corpus.docs import record_to_doc
from ..corpus.formats.registry import get_writer
from ..corpus.reading.options import WriteOptions
from ..corpus.report import ConvertReport
from ..types import CharSpan, Record
from .engine import check_lengths
from .errors import BODY_ERRORS, RequestError
from .offsets import make_decoder
from .routes import AppEngine, check_type
from .schemas import SPACY, ExportRequest, ExportText, Offsets

router = APIRouter(prefix="/v1", tags=["Export"], dependencies=[Depends(check_type)])
BINARY = "application/octet-stream"
# Endings of file names that are not the names of formats.
ENDINGS = {"doccano": "jsonl", "label-studio": "json"}
FILE = {"content": {BINARY: {"schema": {"type": "string", "format": "binary"}}}, "description": "The file."}


@router.post("/export", response_class=Response, responses={200: FILE, **BODY_ERRORS})
async def export(body: ExportRequest, engine: AppEngine) -> Response:
    """Write texts and their entities as a corpus file."""
    nlp = engine.models[engine.find(body.model)]
    check_lengths([text.text for text in body.texts], engine.settings)
    records = [make_record(text, i, body.offsets) for i, text in enumerate(body.texts)]
    if body.format == SPACY:
        data = await engine.run_in_thread(lambda: write_spacy(records, nlp))
    else:
        data = await asyncio.to_thread(write, records, body.format)
    name = f"texts.{ENDINGS.get(body.format, body.format)}"
    return Response(
        data, media_type=BINARY, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def make_record(text: ExportText, index: int, offsets: Offsets) -> Record:
    """Make a record of a text.

    Raises:
        RequestError: If an offset is not one of the text.
    """
    spans, decode = [], make_decoder(text.text, offsets)
    for i, ent in enumerate(text.entities or ()):
        place = f"texts.{index}.entities.{i}"
        try:
            start, end = map(decode, (ent.start, ent.end))
        except ValueError as err:
            raise RequestError(422, f"{place}: {err}. Correct it.") from err
        if start >= end:
            raise RequestError(
                422, f"{place}: start must be before end, found {ent.start} and {ent.end}. Correct it."
            )
        spans.append(CharSpan(start, end, ent.label))
    return Record(text.text, None if text.entities is None else tuple(sorted(spans)), cats=text.cats or None)


def write(records: Sequence[Record], format: str) -> bytes:
    """Write records in a format of text.

    Raises:
        RequestError: If the format cannot be written.
    """
    try:
        writer = get_writer(format)
    except ValueError as err:
        raise RequestError(422, f"{err!s:.999}".replace(" one of ", f" one of {SPACY}, ", 1)) from err
    file = StringIO(newline="")
    writer(records, file, WriteOptions())
    return file.getvalue().encode()


def write_spacy(records: Sequence[Record], nlp: Language) -> bytes:
    """Write records as a ``.spacy`` file, tokenized as the pipeline tokenizes texts."""
    with nlp.memory_zone():
        docs = [record_to_doc(record, nlp.make_doc, ConvertReport()) for record in records]
        return make_docbin(docs).to_bytes()
