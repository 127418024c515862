"""A review of the toy slips, some of which are spoilt."""

from pathlib import Path

import pytest
from spacy.language import Language

from spacy_xner.corpus.records import write_records
from spacy_xner.tools.review import Review, review
from spacy_xner.types import CharSpan, Record

from ...conftest import SLIPS

# Texts and labels that must stay text.
HOSTILE = "</script><script>alert(1)</script> \"مرحبا\"\u2028& 'x'"
HOSTILE_LABEL = '"><img src=x onerror=alert(1)>'


def make_record(text: str, entities: list[tuple[str, str]]) -> Record:
    spans = [CharSpan(text.index(part), text.index(part) + len(part), label) for part, label in entities]
    return Record(text, tuple(sorted(spans)))


@pytest.fixture(scope="session")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy slips as JSON lines: an entity dropped, a label changed, a border moved, hostile ones added."""
    (first, _), (second, ents), *others = SLIPS
    records = [
        make_record(first, [("张", "PER"), ("13800138000", "PHONE"), ("北京市海淀区", "LOC")]),
        make_record(second, [("Anna Schmidt", "COURIER"), *(each for each in ents if each[1] != "PER")]),
        *(make_record(text, entities[1:]) for text, entities in others),
        make_record(HOSTILE, [("alert(1)", HOSTILE_LABEL)]),
    ]
    path = tmp_path_factory.mktemp("spoilt") / "spoilt.jsonl"
    write_records(records, path)
    return path


@pytest.fixture(scope="session")
def pipeline(trained: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trained pipeline on disk."""
    folder = tmp_path_factory.mktemp("review") / "nlp"
    trained.to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def reviewed(spoilt: Path, pipeline: Path) -> Review:
    """The review of the spoilt slips."""
    return review(spoilt, pipeline, device="cpu")
