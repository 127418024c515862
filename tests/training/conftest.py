"""A corpus to train on."""

from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import DocBin

from ..conftest import make_examples


@pytest.fixture
def corpus(trained: Language, tmp_path: Path) -> Path:
    """The toy slips with their entities and a label each."""
    docs = [eg.reference for eg in make_examples(trained)]
    for doc in docs:
        doc.cats = {"SLIP": float(bool(doc.ents)), "OTHER": float(not doc.ents)}
    DocBin(docs=docs).to_disk(tmp_path / "slips.spacy")
    return tmp_path / "slips.spacy"
