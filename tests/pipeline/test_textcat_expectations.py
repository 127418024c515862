"""What spaCy's tests of ``textcat`` and ``textcat_multilabel`` expect, written anew for ``xcat``.

Followed, by name in ``spacy/tests/pipeline/test_textcat.py``: ``test_invalid_label_value`` and
``test_error_with_multi_labels`` (in ``test_gold.py``), ``test_positive_class``,
``test_positive_class_not_present``, ``test_positive_class_not_binary``, ``test_textcat_evaluation``,
``test_textcat_eval_missing``, ``test_issue6908``; and two components on one corpus.
"""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example

from spacy_xner.training.optimizer import build_adamw_v1

from .test_xcat import ONE, make_examples, make_nlp

SENTIMENT = {"I'm so happy.": ["POS"], "I'm so angry": ["NEG"], "fine": ["POS"]}


def train(nlp: Language, texts: dict[str, list[str]], **settings: Any) -> list[Example]:
    """Initialize the component and train it a little."""
    examples = make_examples(nlp, texts)
    nlp.get_pipe("xcat").initialize(lambda: examples, nlp=nlp, **settings)
    nlp.update(examples, sgd=build_adamw_v1())
    return examples


def test_positive_label_decides_the_score(tiny: Path, tmp_path: Path) -> None:
    nlp = make_nlp(tiny)
    examples = train(nlp, SENTIMENT, positive_label="POS")
    nlp.to_disk(tmp_path)
    for copy in (nlp, spacy.load(tmp_path), make_nlp(tiny).from_bytes(nlp.to_bytes())):
        scores = copy.evaluate(examples)
        assert scores["cats_score"] == scores["cats_f_per_type"]["POS"]["f"]
        assert scores["cats_score_desc"] == "F (POS)"
    nlp.config["initialize"]["components"]["xcat"] = {"positive_label": "NEG"}
    nlp.initialize(lambda: examples)
    assert nlp.evaluate(examples)["cats_score_desc"] == "F (NEG)"
    nlp.get_pipe("xcat").initialize(lambda: examples)
    assert nlp.evaluate(examples)["cats_score_desc"] == "accuracy"


@pytest.mark.parametrize(
    ("head", "texts", "label"),
    [
        ("ExclusiveHead", SENTIMENT, "BAD"),
        ("ExclusiveHead", ONE, "english"),
        ("MultiLabelHead", SENTIMENT, "POS"),
    ],
)
def test_positive_label_is_one_of_two(tiny: Path, head: str, texts: dict[str, list[str]], label: str) -> None:
    with pytest.raises(
        ValueError, match=f"positive_label must be one of two exclusive labels, found '{label}'"
    ):
        train(make_nlp(tiny, head), texts, positive_label=label)


def two_components(tiny: Path, first: str = "ExclusiveHead", second: str = "MultiLabelHead") -> Language:
    """Return a pipeline with the components ``xcat`` and ``other``."""
    nlp = make_nlp(tiny, first)
    model = make_nlp(tiny, second).get_pipe_config("xcat")["model"]
    nlp.add_pipe("xcat", name="other", config={"model": model, "device": "cpu"})
    return nlp


BOTH = {
    "happy": {"POS": 1.0, "NEG": 0.0, "long": 0.0, "short": 1.0},
    "angry and long": {"POS": 0.0, "NEG": 1.0, "long": 1.0, "short": 0.0},
    "only of the second": {"long": 1.0, "short": 0.0},
    "only of the first": {"POS": 1.0, "NEG": 0.0},
}


@pytest.mark.parametrize("second", ["ExclusiveHead", "MultiLabelHead"])
def test_two_components_learn_their_own_labels(tiny: Path, tmp_path: Path, second: str) -> None:
    nlp = two_components(tiny, second=second)
    nlp.config["initialize"]["components"] = {
        "xcat": {"labels": ["POS", "NEG"]},
        "other": {"labels": ["long", "short"]},
    }
    examples = [Example.from_dict(nlp.make_doc(text), {"cats": cats}) for text, cats in BOTH.items()]
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3, head_factor=2.0)
    for _ in range(30):
        losses = nlp.update(examples, sgd=sgd)
    assert set(losses) == {"xcat", "other"}
    for text, cats in BOTH.items():
        doc = nlp(text)
        assert {label: round(doc.cats[label]) for label in cats} == cats
    # A pipeline that was saved can go on with the same corpus.
    nlp.to_disk(tmp_path)
    assert set(spacy.load(tmp_path).update(examples)) == {"xcat", "other"}


def test_labels_of_no_component_are_refused(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    message = r"labels must be among the model's \(POS, NEG\), found 'long' in the corpus"
    examples = [Example.from_dict(nlp.make_doc(text), {"cats": cats}) for text, cats in BOTH.items()]
    with pytest.raises(ValueError, match=message):
        nlp.get_pipe("xcat").initialize(lambda: examples, nlp=nlp, labels=["POS", "NEG"])
    # Nor may new ones appear later.
    nlp = two_components(tiny)
    nlp.get_pipe("xcat").initialize(lambda: examples, nlp=nlp, labels=["POS", "NEG"])
    typo = Example.from_dict(nlp.make_doc("a"), {"cats": {"POS": 1.0, "NEG": 0.0, "typo": 0.0}})
    with pytest.raises(ValueError, match="found 'typo' at 'a'"):
        nlp.get_pipe("xcat").update([typo])


@pytest.mark.parametrize("head", ["ExclusiveHead", "MultiLabelHead"])
def test_texts_without_gold_are_not_scored(tiny: Path, head: str) -> None:
    nlp = make_nlp(tiny, head)
    examples = train(nlp, ONE)
    bare = Example(nlp.make_doc("a"), nlp.make_doc("a"))
    other = Example.from_dict(nlp.make_doc("a"), {"cats": {"foreign": 1.0}})
    expected = nlp.evaluate(examples)
    scores = nlp.evaluate([*examples, bare, other])
    assert {**scores, "speed": 0} == {**expected, "speed": 0}
