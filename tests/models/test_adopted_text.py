"""Adopted sequence-classification checkpoints: same scores as transformers' pipeline, saving, training."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.training import Example
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from transformers import AutoModelForSequenceClassification, pipeline

from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, TOKENIZER, write_checkpoint

LABELS = ["GOOD", "BAD", "UGLY"]
TEXTS = [text for text, _ in SLIPS] + ["  Anna,DHL\n北京 ", "naïve 👍🏽"]


write_texts = partial(write_checkpoint, kind=AutoModelForSequenceClassification)


def adopt(folder: Path | str, **settings: object) -> Language:
    nlp = spacy.blank("xx", config=TOKENIZER)
    model = {"@architectures": "spacy_xner.TextCheckpointModel.v1", "name": str(folder), **settings}
    nlp.add_pipe("xcat", config={"model": model, "device": "cpu"})
    return nlp


@pytest.fixture(scope="module")
def folder(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_texts(tmp_path_factory.mktemp("texts"), tiny, LABELS)


@pytest.mark.parametrize("problem", ["single_label_classification", "multi_label_classification"])
@pytest.mark.parametrize("arch", ["xlm-roberta", "bert", "deberta-v2", "modernbert"])
def test_adopted_checkpoint_predicts_as_transformers(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str, problem: str
) -> None:
    # By default, a ModernBERT classifier does not decide by the piece before the text.
    settings = {"modernbert": {"classifier_pooling": "cls"}, "deberta-v2": {"pooler_hidden_size": 32}}
    folder = write_texts(
        tmp_path / "ckpt", tiny_encoders(arch), LABELS, problem_type=problem, **settings.get(arch, {})
    )
    classifier = pipeline("text-classification", str(folder), top_k=None, device="cpu")
    nlp = adopt(folder)
    for text, doc in zip(TEXTS, nlp.pipe(TEXTS), strict=True):
        expected = {row["label"]: row["score"] for row in classifier([text])[0]}
        assert doc.cats == {label: pytest.approx(score, abs=1e-5) for label, score in expected.items()}
    assert nlp.get_pipe("xcat").is_exclusive is problem.startswith("single")
    assert max(max(doc.cats.values()) for doc in nlp.pipe(TEXTS)) > 0.5


@pytest.mark.issue(29)
@pytest.mark.parametrize("arch", ["xlm-roberta", "bert"])
def test_text_of_which_nothing_is_left_is_classified_as_by_transformers(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str
) -> None:
    folder = write_texts(tmp_path / "ckpt", tiny_encoders(arch), LABELS)
    if arch == "xlm-roberta":
        normalize_as_xlm_roberta(folder / "tokenizer.json")
    classifier = pipeline("text-classification", str(folder), top_k=None, device="cpu")
    nlp = adopt(folder)
    texts = ["\u200b", "Anna", " ", "\u200b\u200b \n", TEXTS[0]]
    assert [len(ids) == 2 for ids in classifier.tokenizer(texts)["input_ids"]] == [
        True,
        False,
        True,
        True,
        False,
    ]
    for docs in (list(nlp.pipe(texts)), list(map(nlp, texts))):
        for text, doc in zip(texts, docs, strict=True):
            expected = {row["label"]: row["score"] for row in classifier([text])[0]}
            assert doc.cats == {label: pytest.approx(score, abs=1e-6) for label, score in expected.items()}
    # A doc without tokens has no labels.
    assert set(nlp("").cats.values()) == {0.0}


def normalize_as_xlm_roberta(file: Path) -> None:
    """Let the tokenizer of a tiny encoder remove white space, and what nobody can see, as that of XLM-R."""
    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.normalizer = normalizers.Replace("\u200b", " ")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.save(str(file))


def test_adopted_pipeline_is_saved_with_weights(folder: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    shutil.copytree(folder, gone)
    nlp = adopt(gone)
    nlp.to_disk(tmp_path / "saved")
    shutil.rmtree(gone)
    copy = spacy.load(tmp_path / "saved")
    assert copy.get_pipe("xcat").labels == nlp.get_pipe("xcat").labels == tuple(LABELS)
    for expected, doc in zip(nlp.pipe(TEXTS), copy.pipe(TEXTS), strict=True):
        assert doc.cats == expected.cats


def test_adopted_pipeline_can_be_trained(folder: Path) -> None:
    nlp = adopt(folder)
    examples = []
    for i, text in enumerate(TEXTS):
        cats = {label: float(i % 3 == j) for j, label in enumerate(LABELS)}
        examples.append(Example.from_dict(nlp.make_doc(text), {"cats": cats}))
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3)
    for _ in range(40):
        nlp.update(examples, sgd=sgd)
    for i, doc in enumerate(nlp.pipe(TEXTS)):
        assert max(doc.cats, key=doc.cats.__getitem__) == LABELS[i % 3]


def test_unsupported_checkpoints_are_refused(tiny_encoders: Callable[..., Path], tmp_path: Path) -> None:
    mean = write_texts(tmp_path / "mean", tiny_encoders("modernbert"), LABELS, classifier_pooling="mean")
    with pytest.raises(ValueError, match="must decide by the vector of the special piece before the text"):
        adopt(mean)("text")
    number = write_texts(tmp_path / "number", tiny_encoders(), ["SCORE"], problem_type="regression")
    with pytest.raises(ValueError, match=r"must have labels, but .* computes a number"):
        adopt(number)("text")
    with pytest.raises(ValueError, match="must have a text classifier, found only an encoder"):
        adopt(tiny_encoders())("text")


def test_new_head_cannot_start_from_an_adopted_checkpoint(folder: Path, tiny: Path, tmp_path: Path) -> None:
    adopt(folder).to_disk(tmp_path)
    nlp = spacy.blank("xx", config=TOKENIZER)
    encoder = {"@architectures": "spacy_xner.Encoder.v1", "name": str(tiny), "pooling": "cls"}
    model = {"encoder": encoder, "pooling": None}
    pipe = nlp.add_pipe("xcat", config={"model": model})
    doc = nlp.make_doc("x")
    doc.cats = {"GOOD": 1.0, "BAD": 0.0}
    with pytest.raises(ValueError, match="found an adopted checkpoint with more layers"):
        pipe.initialize(lambda: [Example(doc, doc)], init_from=str(tmp_path))
