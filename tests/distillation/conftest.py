"""A base model, and toy slips with only a new type annotated."""

from pathlib import Path

import pytest
from spacy.language import Language

from ..conftest import SLIPS, make_nlp, train_nlp

NEW = [(text, [(part, label) for part, label in ents if label == "PHONE"]) for text, ents in SLIPS]


@pytest.fixture(scope="session")
def base(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline that knows the people, places and couriers of the toy slips, but no phones."""
    old = [(text, [(part, label) for part, label in ents if label != "PHONE"]) for text, ents in SLIPS]
    folder = tmp_path_factory.mktemp("base") / "model"
    train_nlp(tiny, slips=old).to_disk(folder)
    return folder


@pytest.fixture
def nlp(tiny: Path) -> Language:
    """A pipeline to be taught."""
    return make_nlp(tiny)
