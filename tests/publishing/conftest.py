"""A corpus of the toy slips, and what transformers makes of an exported checkpoint."""

from pathlib import Path
from typing import Any

import pytest
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, pipeline

from spacy_xner.publishing.measure import Spans

from ..conftest import make_examples


@pytest.fixture(scope="session")
def corpus(trained: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy slips as a DocBin."""
    path = tmp_path_factory.mktemp("corpus") / "dev.spacy"
    DocBin(docs=[eg.reference for eg in make_examples(trained)]).to_disk(path)
    return path


def save(nlp: Language, folder: Path) -> Path:
    """Save a pipeline."""
    nlp.to_disk(folder)
    return folder


def load_whole(folder: Path, kind: str = "tokens") -> Any:
    """Load an exported checkpoint as users do; all weights must be in it, and no others."""
    auto = {"tokens": AutoModelForTokenClassification, "texts": AutoModelForSequenceClassification}[kind]
    model, info = auto.from_pretrained(folder, output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    return model


def load_pipeline(folder: Path, strategy: str = "simple") -> Any:
    return pipeline("token-classification", str(folder), aggregation_strategy=strategy, device="cpu")


def spans_of(doc: Doc) -> Spans:
    """Return all entities of a doc with their characters."""
    return {(span.start_char, span.end_char, span.label_) for span in doc.spans["xner"]}


def widen(doc: Doc, spans: Spans) -> Spans:
    """Widen entities to whole tokens, as a doc's entities are."""
    wide = [doc.char_span(start, end, label, alignment_mode="expand") for start, end, label in spans]
    return {(span.start_char, span.end_char, span.label_) for span in wide}
