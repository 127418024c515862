"""Pipelines and analyzers for the tests of Presidio."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import Doc

from ..conftest import SLIPS, make_nlp, train_nlp
from ..pipeline.test_nested import train as train_nested

# Presidio needs Python 3.11.
collect_ignore_glob = [] if find_spec("presidio_analyzer") else ["test_*.py"]

# Languages and texts, in the order of the characters that are hard to count.
TEXTS = {
    "zh": "张伟 13800138000 北京市海淀区",
    "ko": "받는 사람 김민수에게 010-1234-5678",
    "ar": "المرسل إليه أحمد علي 0501234567",
    "en": "Send to Anna Schmidt, DHL Express",
    "ja": "😀👩‍👩‍👧 王芳 📦 已签收",
}
MORE_SLIPS = [
    (TEXTS["ko"], [("김민수", "PER"), ("010-1234-5678", "PHONE")]),
    (TEXTS["ar"], [("أحمد علي", "PER"), ("0501234567", "PHONE")]),
    (TEXTS["ja"], [("王芳", "PER")]),
]
NESTED_TEXTS = ["Bank of China in Paris", "Anna calls the Bank of Paris"]


@pytest.fixture(scope="session")
def world(tiny: Path) -> Language:
    """Return a pipeline that has overfitted slips in five languages. Tests must not change it."""
    return train_nlp(tiny, n_steps=60, slips=[*SLIPS, *MORE_SLIPS])


@pytest.fixture(scope="session")
def nested(tiny: Path) -> Language:
    """Return a pipeline that finds entities in entities."""
    return train_nested(make_nlp(tiny, "GlobalPointerHead"))


@pytest.fixture(scope="session")
def folder(world: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a pipeline."""
    path = tmp_path_factory.mktemp("presidio") / "slips"
    world.to_disk(path)
    return path


def read_scores(doc: Doc) -> set[tuple[int, int, float]]:
    """Return the characters and scores of all entities of a doc."""
    spans = [*doc.ents, *doc.spans["xner"]]
    return {(span.start_char, span.end_char, span._.xner_score) for span in spans}


def places(results: list[object]) -> set[tuple[int, int, float]]:
    """Return the characters and scores of Presidio's results."""
    return {(each.start, each.end, each.score) for each in results}  # type: ignore[attr-defined]
