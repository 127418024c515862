"""The ``xcat`` component: training, saving, scores, thresholds, one-line errors."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from transformers import AutoTokenizer

from spacy_xner.models.execution import get_execution
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import TOKENIZER, needs_int8

TEXTS = {
    "顺丰速运 收件人李娜": ["parcel"],
    "Send to Anna Schmidt, DHL Express": ["parcel", "english"],
    "nothing to find in this line": ["english"],
    "北京市海淀区": [],
}
ONE = {text: labels[:1] or ["other"] for text, labels in TEXTS.items()}


def make_nlp(folder: Path, head: str = "ExclusiveHead", **settings: object) -> Language:
    """Build an uninitialized pipeline; other keyword arguments are settings of the component."""
    nlp = spacy.blank("xx", config=TOKENIZER)
    parts: dict[str, dict[str, object]] = {
        part: dict(settings.pop(part, {}))  # type: ignore[call-overload]
        for part in ("encoder", "head_settings", "pooling")
    }
    model = {
        "@architectures": "spacy_xner.TextModel.v1",
        "encoder": {"@architectures": "spacy_xner.Encoder.v1", "name": str(folder), **parts["encoder"]},
        "head": {"@architectures": f"spacy_xner.{head}.v1", **parts["head_settings"]},
        "pooling": parts["pooling"] or None,
        "neck": settings.pop("neck", None),
    }
    nlp.add_pipe("xcat", config={"model": model, "device": "cpu", **settings})
    return nlp


def make_examples(nlp: Language, texts: dict[str, list[str]]) -> list[Example]:
    """Build examples in which each text has 1 for its labels and 0 for all others."""
    labels = sorted({label for text_labels in texts.values() for label in text_labels})
    return [
        Example.from_dict(nlp.make_doc(text), {"cats": {label: float(label in gold) for label in labels}})
        for text, gold in texts.items()
    ]


def train(nlp: Language, texts: dict[str, list[str]], n_steps: int = 30) -> list[Example]:
    """Train a pipeline until it overfits some texts."""
    torch.manual_seed(0)
    examples = make_examples(nlp, texts)
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3, head_factor=2.0)
    for _ in range(n_steps):
        nlp.update(examples, sgd=sgd)
    return examples


POOLINGS: dict[str, dict[str, object]] = {
    "mean": {"pooling": {"@architectures": "spacy_xner.MeanPooling.v1"}},
    "attention": {"pooling": {"@architectures": "spacy_xner.AttentionPooling.v1", "hidden_width": 8}},
    "cls": {"encoder": {"pooling": "cls"}},
    "tokens": {"encoder": {"cut": "tokens"}},
    "cls of tokens": {"encoder": {"pooling": "cls", "cut": "tokens"}},
    "neck": {"neck": {"@architectures": "spacy_xner.BiLSTM.v1", "hidden_width": 8}},
}


@pytest.mark.parametrize("head", ["ExclusiveHead", "MultiLabelHead"])
@pytest.mark.parametrize("settings", POOLINGS.values(), ids=POOLINGS)
def test_xcat_overfitting_io(tiny: Path, tmp_path: Path, head: str, settings: dict[str, object]) -> None:
    texts = ONE if head == "ExclusiveHead" else TEXTS
    nlp = make_nlp(tiny, head, **settings)
    examples = train(nlp, texts)
    scores = nlp.evaluate(examples)
    assert scores["cats_acc"] == scores["cats_micro_auc"] == scores["cats_score"] == 1.0
    nlp.to_disk(tmp_path / "model")
    loaded = [spacy.load(tmp_path / "model"), make_nlp(tiny, head, **settings).from_bytes(nlp.to_bytes())]
    docs = list(nlp.pipe(texts))
    for other in [nlp, *loaded]:
        for doc, text in zip(docs, texts, strict=True):
            assert other(text).cats == pytest.approx(doc.cats, abs=1e-5)
    total = [sum(doc.cats.values()) for doc in docs]
    assert (total == pytest.approx([1.0] * 4)) == (head == "ExclusiveHead")


@pytest.mark.parametrize("settings", POOLINGS.values(), ids=POOLINGS)
def test_long_text_is_not_truncated(tiny: Path, settings: dict[str, object]) -> None:
    nlp = make_nlp(tiny, **settings)
    train(nlp, ONE, n_steps=1)
    before, after = nlp("北京 " * 2000 + "a"), nlp("北京 " * 2000 + "顺丰")
    assert before.cats != after.cats
    assert nlp("").cats == dict.fromkeys(nlp.get_pipe("xcat").labels, 0.0)


@pytest.mark.parametrize("head", ["ExclusiveHead", "MultiLabelHead"])
@pytest.mark.parametrize("settings", POOLINGS.values(), ids=POOLINGS)
def test_predictions_do_not_depend_on_padding_or_order(
    tiny: Path, head: str, settings: dict[str, object]
) -> None:
    nlp = make_nlp(tiny, head, **settings)
    examples = make_examples(nlp, ONE)
    nlp.initialize(lambda: examples)
    texts = ["a", *TEXTS, "", " ".join(TEXTS) * 3]
    alone = {text: nlp(text).cats for text in texts}
    for order in (texts, texts[::-1]):
        for doc in nlp.pipe(order, batch_size=len(order)):
            assert doc.cats == pytest.approx(alone[doc.text], abs=1e-5)


def test_labels_of_other_components_are_kept(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    train(nlp, ONE, n_steps=1)
    doc = nlp.make_doc("DHL")
    doc.cats = {"mine": 0.3}
    assert set(nlp(doc).cats) == {"mine", "english", "other", "parcel"}


def test_unannotated_texts_do_not_contribute_to_the_loss(tiny: Path) -> None:
    nlp = make_nlp(tiny, "MultiLabelHead")
    examples = train(nlp, TEXTS, n_steps=1)
    bare = Example(nlp.make_doc("DHL"), nlp.make_doc("DHL"))
    get_execution(nlp.get_pipe("xcat").model).network.eval()
    with_bare, without = nlp.update([*examples, bare], sgd=None), nlp.update(examples, sgd=None)
    assert with_bare["xcat"] == pytest.approx(without["xcat"], rel=0.2)
    assert nlp.update([bare], sgd=None)["xcat"] == 0.0
    assert nlp.evaluate([bare])["cats_score"] is None


@pytest.mark.parametrize("head", ["ExclusiveHead", "MultiLabelHead"])
def test_class_weights_scale_the_loss(tiny: Path, head: str) -> None:
    losses = []
    for weights in (None, {"parcel": 3.0}):
        torch.manual_seed(0)
        nlp = make_nlp(tiny, head, head_settings={"class_weights": weights})
        examples = make_examples(nlp, ONE)
        nlp.initialize(lambda examples=examples: examples)
        pipe = nlp.get_pipe("xcat")
        scores = pipe.model.predict([eg.predicted for eg in examples])
        losses.append(pipe.get_loss(examples, scores)[0])
    assert losses[1] > 1.2 * losses[0]


def test_thresholds_affect_scores_and_are_saved(tiny: Path, tmp_path: Path) -> None:
    nlp = make_nlp(tiny, "MultiLabelHead", threshold={"parcel": 0.0, "english": 1.0})
    examples = train(nlp, TEXTS)
    nlp.to_disk(tmp_path / "model")
    for copy in (nlp, spacy.load(tmp_path / "model")):
        scores = copy.evaluate(examples)
        assert scores["cats_f_per_type"]["parcel"] == {"p": 0.5, "r": 1.0, "f": pytest.approx(2 / 3)}
        assert scores["cats_f_per_type"]["english"]["r"] == 0.0
        assert scores["cats_macro_auc"] == 1.0


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"DHL": ["x"]}, r"labels must be among the model's \(english, other, parcel\), found 'x' at 'DHL'"),
        ({"DHL": ["parcel", "other"]}, "must have exactly one label, found other, parcel at 'DHL'"),
        ({"a": ["parcel"], "DHL": []}, "must have exactly one label, found none at 'DHL'"),
    ],
)
def test_update_refuses_invalid_labels(tiny: Path, texts: dict[str, list[str]], message: str) -> None:
    nlp = make_nlp(tiny)
    train(nlp, ONE, n_steps=0)
    with pytest.raises(ValueError, match=message):
        nlp.update(make_examples(nlp, texts))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda tiny: train(make_nlp(tiny), {"DHL": ["one"]}), "at least 2 labels, found one"),
        (lambda tiny: train(make_nlp(tiny, "MultiLabelHead"), {"DHL": []}), "at least 1 label, found none"),
        (lambda tiny: make_nlp(tiny, threshold=1.5), "threshold must be from 0 to 1, found 1.5"),
        (lambda tiny: make_nlp(tiny, threshold={"x": -1.0}), "threshold must be from 0 to 1"),
        (
            lambda tiny: make_nlp(tiny, threshold="high"),
            "^threshold must be from 0 to 1, found 'high'. Ch.*$",
        ),
        (
            lambda tiny: make_nlp(tiny, threshold={"x": "low"}),
            "^threshold must be .*, found 'low'. Change it.$",
        ),
    ],
)
def test_xcat_refuses_bad_settings(tiny: Path, make: Callable[[Path], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(tiny)


@pytest.mark.parametrize("settings", [{"pooling": "cls"}, {"cut": "text"}])
def test_xner_refuses_encoders_without_token_vectors(tiny: Path, settings: dict[str, object]) -> None:
    nlp = spacy.blank("xx")
    encoder = {"@architectures": "spacy_xner.Encoder.v1", "name": str(tiny), **settings}
    with pytest.raises(ValueError, match="must have pooling first, last or mean, and cut tokens"):
        nlp.add_pipe("xner", config={"model": {"encoder": encoder}})


def test_texts_are_split_as_by_their_tokenizer(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    train(nlp, ONE, n_steps=1)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    execution = get_execution(nlp.get_pipe("xcat").model)
    texts = [*ONE, " \n ", "naïve 👍🏽  DHL\u3000北京", "b" * 3000]
    expected = tokenizer(texts, add_special_tokens=False, verbose=False).input_ids
    assert [pieces.ids or [tokenizer.unk_token_id] for pieces in execution.cut(map(nlp.make_doc, texts))] == [
        ids or [tokenizer.unk_token_id] for ids in expected
    ]
    assert all(0.0 < value < 1.0 for doc in nlp.pipe(texts) for value in doc.cats.values())


def test_probabilities_are_python_floats(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    train(nlp, ONE, n_steps=1)
    assert all(type(value) is float for value in nlp("DHL").cats.values())
    assert isinstance(nlp.get_pipe("xcat").predict([nlp.make_doc("DHL")])[0], np.ndarray)


def test_label_can_depend_on_the_end_of_a_long_text(tiny: Path) -> None:
    filler = "nothing to find in this line " * 20
    reviews = {filler + "顺丰": ["good"], filler + "北京": ["bad"]}
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    # The usual recipe truncates both texts to the same pieces, so it could only guess.
    truncated = [tokenizer(text, truncation=True, max_length=64)["input_ids"] for text in reviews]
    assert truncated[0] == truncated[1]
    nlp = make_nlp(tiny, pooling={"@architectures": "spacy_xner.AttentionPooling.v1", "hidden_width": 16})
    assert nlp.evaluate(train(nlp, reviews, n_steps=40))["cats_acc"] == 1.0


def test_init_from_keeps_old_labels(tiny: Path, tmp_path: Path) -> None:
    old = make_nlp(tiny, "MultiLabelHead")
    train(old, TEXTS)
    old.to_disk(tmp_path / "old")
    nlp = make_nlp(tiny, "MultiLabelHead")
    nlp.config["initialize"]["components"]["xcat"] = {"init_from": str(tmp_path / "old")}
    examples = make_examples(nlp, {"DHL": ["new"]})
    nlp.initialize(lambda: examples)
    assert nlp.get_pipe("xcat").labels == ("english", "parcel", "new")
    for text in TEXTS:
        cats = nlp(text).cats
        assert {label: cats[label] for label in ("english", "parcel")} == pytest.approx(old(text).cats)
    nlp.update(examples, sgd=build_adamw_v1())
    other = make_nlp(tiny, "MultiLabelHead")
    spacy.blank("xx").to_disk(tmp_path / "bare")
    other.config["initialize"]["components"]["xcat"] = {"init_from": str(tmp_path / "bare")}
    with pytest.raises(ValueError, match="bare must have an xcat component, found no components"):
        other.initialize(lambda: examples)


@pytest.mark.parametrize(
    "encoder", [{"lora": {"@architectures": "spacy_xner.LoRA.v1", "rank": 2}}, {"freeze": 2}], ids=str
)
def test_frozen_encoder_does_not_change(tiny: Path, tmp_path: Path, encoder: dict[str, object]) -> None:
    nlp = make_nlp(tiny, encoder=encoder)
    examples = train(nlp, ONE, n_steps=0)
    transformer = get_execution(nlp.get_pipe("xcat").model).network.encoder.transformer
    before = {name: value.clone() for name, value in transformer.state_dict().items() if "lora" not in name}
    nlp.update(examples, sgd=build_adamw_v1(learn_rate=5e-3))
    after = transformer.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    nlp.to_disk(tmp_path)
    assert spacy.load(tmp_path)("DHL").cats == pytest.approx(nlp("DHL").cats, abs=1e-5)


@pytest.mark.parametrize("kind", [int, bool, np.float64])
def test_update_accepts_gold_values_of_any_number_type(tiny: Path, kind: Callable[[float], object]) -> None:
    nlp = make_nlp(tiny)
    examples = train(nlp, ONE, n_steps=0)
    for eg in examples:
        eg.reference.cats = {label: kind(value) for label, value in eg.reference.cats.items()}
    assert nlp.update(examples)["xcat"] > 0.0


def test_threshold_can_be_overridden_on_loading(tiny: Path, tmp_path: Path) -> None:
    nlp = make_nlp(tiny, "MultiLabelHead")
    train(nlp, TEXTS, n_steps=0)
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path, config={"components": {"xcat": {"threshold": 0.9}}})
    assert loaded.get_pipe("xcat").threshold == 0.9


@pytest.mark.parametrize(
    ("backend", "precision", "tolerance"),
    [("onnx", "fp32", 5e-4), pytest.param("torch", "int8", 0.05, marks=needs_int8)],
)
def test_cpu_runners_predict_the_same(
    tiny: Path, tmp_path: Path, backend: str, precision: str, tolerance: float
) -> None:
    reference = make_nlp(tiny, encoder={"cut": "text", "pooling": "cls"})
    train(reference, ONE)
    reference.to_disk(tmp_path)
    settings = {"components.xcat.backend": backend, "components.xcat.precision": precision}
    nlp = spacy.load(tmp_path, config=settings)
    for text in TEXTS:
        assert nlp(text).cats == pytest.approx(reference(text).cats, abs=tolerance)
    encoder = get_execution(nlp.get_pipe("xcat").model).network.encoder
    assert encoder.runner.kind == (backend, precision)
