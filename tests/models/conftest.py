"""Saved pipelines of every kind, for tests that run them in threads, forks and copies."""

from collections.abc import Callable
from pathlib import Path

import pytest
from spacy.language import Language

from ..conftest import needs_int8, train_nlp
from ..pipeline import test_xcat
from . import test_adopted_entity, test_adopted_text, test_sharing

HEADS = ["SoftmaxHead", "CRFHead", "PointerHead", "GlobalPointerHead"]
TEXT_HEADS = ["ExclusiveHead", "MultiLabelHead"]
ADOPTED = ["adopted tokens", "adopted texts"]
KINDS = [*HEADS, *TEXT_HEADS, *ADOPTED, "shared"]

TORCH: dict[str, str] = {}
INT8 = {"components.xner.precision": "int8"}
ONNX = {"components.xner.backend": "onnx"}
BACKENDS = [
    pytest.param(TORCH, id="torch"),
    pytest.param(INT8, id="int8", marks=needs_int8),
    pytest.param(ONNX, id="onnx"),
    pytest.param({**ONNX, **INT8}, id="onnx-int8"),
]

Annotations = list[tuple[object, ...]]


class Score(float):
    """A score that equals others within 1e-5: other numbers of threads round in other ways."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and abs(self - other) <= 1e-5

    __hash__ = float.__hash__


def annotations(nlp: Language, texts: list[str], **settings: int) -> Annotations:
    """Return what a pipeline finds in texts, with scores."""
    return [
        (
            [(span.start, span.end, span.label_, Score(span._.xner_score)) for span in doc.spans["xner"]]
            if "xner" in doc.spans
            else [],
            {label: Score(score) for label, score in doc.cats.items()},
        )
        for doc in nlp.pipe(texts, **settings)
    ]


@pytest.fixture(scope="session")
def saved(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that returns the folder of a saved pipeline, made once per kind."""
    folders: dict[str, Path] = {}

    def make(kind: str, folder: Path) -> Language:
        if kind == "adopted tokens":
            return test_adopted_entity.adopt(
                test_adopted_entity.write_checkpoint(folder, tiny, test_adopted_entity.BIO)
            )
        if kind == "adopted texts":
            return test_adopted_text.adopt(
                test_adopted_text.write_texts(folder, tiny, test_adopted_text.LABELS)
            )
        if kind == "shared":
            return test_sharing.train_pair(tiny, n_steps=20)
        if kind in TEXT_HEADS:
            nlp = test_xcat.make_nlp(tiny, kind)
            test_xcat.train(nlp, test_xcat.ONE, n_steps=5)
            return nlp
        return train_nlp(tiny, kind, n_steps=25, neck="BiLSTM")

    def get(kind: str) -> Path:
        if kind not in folders:
            folders[kind] = tmp_path_factory.mktemp("saved")
            make(kind, tmp_path_factory.mktemp("checkpoint")).to_disk(folders[kind])
        return folders[kind]

    return get
