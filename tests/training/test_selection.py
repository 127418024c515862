"""Which model of a training is ``model-best``."""

from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_xner.models.execution import get_execution
from spacy_xner.scoring.texts import score_texts

from ..test_cli import ROOT, invoke

# Each text has one of many labels, so that an average model finds none of them probable.
LABELS = [f"L{i}" for i in range(12)]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Write texts with one of many labels each."""
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc(text) for text in ["顺丰", "Anna", "DHL", "北京"] * 3]
    for i, doc in enumerate(docs):
        doc.cats = {label: float(label == LABELS[i]) for label in LABELS}
    path = tmp_path / "texts.spacy"
    DocBin(docs=docs).to_disk(path)
    return path


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_best_of_several_labels_is_a_trained_model(corpus: Path, tiny: Path, tmp_path: Path) -> None:
    code, _, err = invoke(
        "train", ROOT / "configs" / "textcat.cfg", "--output", tmp_path / "out", "--device", "cpu",
        "--paths.train", corpus, "--paths.dev", corpus, "--paths.encoder", tiny,
        "--vars.max_steps", 15, "--vars.warmup_steps", 3, "--vars.eval_frequency", 5,
        "--vars.learn_rate", 0.005, "--training.optimizer.head_factor", 10.0,
        "--components.xcat.model.head.@architectures", "spacy_xner.MultiLabelHead.v1",
    )  # fmt: skip
    assert code == 0, err
    nlp = spacy.load(tmp_path / "out" / "model-best")
    # At 0.5, the untrained model is the best, with half of the labels right by chance.
    assert nlp.meta["performance"]["cats_score"] == 0.0
    assert nlp.meta["performance"]["cats_selection"] > 2 / 13
    # Biases are 0 before training.
    assert get_execution(nlp.get_pipe("xcat").model).network.head.output.bias.abs().min() > 0.0


def test_selection_takes_the_best_threshold() -> None:
    nlp = spacy.blank("xx")
    examples = []
    for score, gold in ((0.05, 1), (0.02, 0), (0.2, 0), (0.3, 1)):
        example = Example(nlp("a"), nlp("a"))
        example.predicted.cats = {"x": score, "y": 0.01}
        example.reference.cats = {"x": float(gold), "y": 0.0}
        examples.append(example)
    scores = score_texts(examples, labels=["x", "y"])
    # Above 0.05: precision 2/3, recall 1.
    assert (scores["cats_score"], scores["cats_selection"]) == (0.0, pytest.approx(0.8))
    exclusive = score_texts(examples, labels=["x", "y"], is_exclusive=True)
    assert exclusive["cats_selection"] == exclusive["cats_score"] == exclusive["cats_acc"]
    for example in examples:
        example.reference.cats = {"x": 0.0, "y": 0.0}
    assert score_texts(examples, labels=["x", "y"])["cats_selection"] == 0.0
