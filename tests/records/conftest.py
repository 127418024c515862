"""A pipeline with `xrecord` alone, and docs with the entities that are marked in a text."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from ..conftest import TOKENIZER

LABELS = {"N": "PER", "P": "PHONE", "C": "COURIER", "A": "ADDRESS"}
# {12N:Ann}: a name of the first and the second record.
MARK = re.compile(r"\{(\d*)(\w+?):([^}]*)\}")


def make_nlp(**settings: Any) -> Language:
    """Make a pipeline with an `xrecord`."""
    nlp = spacy.blank("xx", config=TOKENIZER)
    nlp.add_pipe("xrecord", config=settings)
    return nlp


@pytest.fixture(scope="session")
def nlp() -> Language:
    """A pipeline with an `xrecord`. Tests must not change it."""
    return make_nlp()


def make_doc(nlp: Language, marked: str) -> Doc:
    """Make a doc with the entities that are marked in a text."""
    doc = nlp.make_doc(MARK.sub(r"\3", marked))
    spans, shift = [], 0
    for match in MARK.finditer(marked):
        start = match.start() - shift
        spans.append(doc.char_span(start, start + len(match[3]), LABELS.get(match[2], match[2])))
        shift += len(match[0]) - len(match[3])
    doc.set_ents(spans)
    return doc


@pytest.fixture(scope="session")
def records(nlp: Language) -> Callable[[str], list[dict[str, Any]]]:
    """Return the records of a marked text."""
    return lambda marked: list(nlp(make_doc(nlp, marked))._.records)
