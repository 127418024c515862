"""Warm start: new models from a trained pipeline or a checkpoint."""

import logging
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language
from torch import nn
from transformers import AutoModelForTokenClassification

from spacy_xner.errors import XnerWarning
from spacy_xner.loading import load, load_tagger
from spacy_xner.models.building import Origin
from spacy_xner.models.execution import get_execution
from spacy_xner.models.warm_start import inherit, load_origin, make_head
from spacy_xner.nn.heads.softmax import SoftmaxHead
from spacy_xner.nn.model import Network
from spacy_xner.nn.necks.pooling import AttentionPooling, MeanPooling
from spacy_xner.nn.necks.sequence import BiLSTM

from ..conftest import SLIPS, make_examples, make_nlp, train_nlp, write_checkpoint

BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
TEXTS = [text for text, _ in SLIPS] + ["北京 Anna DHL 13800138000"]


def entities(nlp: Language, texts: list[str] = TEXTS) -> list[list[tuple[int, int, str, float]]]:
    """List the entities of texts with rounded scores."""
    return [
        [(ent.start, ent.end, ent.label_, round(ent._.xner_score, 4)) for ent in doc.ents]
        for doc in nlp.pipe(texts)
    ]


def warm_start(origin: Path | str, encoder: Path, head: str = "SoftmaxHead", **init: object) -> Language:
    """Initialize a pipeline from a trained model and the toy slips."""
    settings = {key: init.pop(key) for key in list(init) if key == "neck" or key.startswith("encoder_")}
    nlp = make_nlp(encoder, head, **settings)
    nlp.config["initialize"]["components"]["xner"] = {"init_from": str(origin), **init}
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


@pytest.fixture(scope="module", params=["SoftmaxHead", "CRFHead"])
def head(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def base(head: str, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Save a pipeline trained on all toy slips."""
    folder = tmp_path_factory.mktemp("base") / "model"
    train_nlp(tiny, head).to_disk(folder)
    return folder


def test_warm_start_predicts_as_the_origin_before_training(base: Path, tiny: Path, head: str) -> None:
    assert any(entities(load(str(base))))
    assert entities(warm_start(base, tiny, head)) == entities(load(str(base)))


def test_warm_start_copies_the_neck(tiny: Path, tmp_path: Path) -> None:
    train_nlp(tiny, n_steps=0, neck="BiLSTM").to_disk(tmp_path)
    nlps = load(str(tmp_path)), warm_start(tmp_path, tiny, neck="BiLSTM")
    targets = [nlp.get_pipe("xner").soft_targets(list(map(nlp.make_doc, TEXTS))) for nlp in nlps]
    for saved, copied in zip(*targets, strict=True):
        torch.testing.assert_close(copied.log_probs, saved.log_probs, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="init_from must have a neck if and only if this model has one"):
        warm_start(tmp_path, tiny)


def make_network(*, neck: nn.Module | None, pooling: nn.Module | None = None) -> Network:
    return Network(None, neck, pooling, SoftmaxHead(6, ["PER"]))


def test_necks_and_poolings_are_copied_or_refused() -> None:
    lstm = partial(BiLSTM, 6, n_layers=1, dropout=0.0, residual=True)
    attention = partial(AttentionPooling, 6)
    origin = Origin(None, None, lstm(hidden_width=4), attention(hidden_width=4), SoftmaxHead(6, ["PER"]))
    network = make_network(neck=lstm(hidden_width=4), pooling=attention(hidden_width=4))
    inherit(network, origin)
    vectors, mask = torch.randn(2, 3, 6), torch.ones(2, 3, dtype=torch.bool)
    assert torch.equal(network.neck(vectors, mask), origin.neck(vectors, mask))
    assert torch.equal(network.pooling(vectors, mask), origin.pooling(vectors, mask))
    assert torch.equal(network.head(vectors), origin.head(vectors))
    # Copies: training one does not change the other.
    for ours, theirs in ((network.neck, origin.neck), (network.pooling, origin.pooling)):
        pointers = [{p.data_ptr() for p in module.parameters()} for module in (ours, theirs)]
        assert pointers[0].isdisjoint(pointers[1])
    for other, message in (
        (make_network(neck=None), "have a neck if and only if"),
        (make_network(neck=lstm(hidden_width=4)), "have a pooling if and only if"),
        (make_network(neck=lstm(hidden_width=8), pooling=attention(hidden_width=4)), "have the same neck as"),
        (
            make_network(neck=lstm(hidden_width=4), pooling=attention(hidden_width=8)),
            "have the same pooling as",
        ),
        (make_network(neck=lstm(hidden_width=4), pooling=MeanPooling(6)), "have the same pooling as"),
    ):
        with pytest.raises(ValueError, match=f"init_from must {message}") as caught:
            inherit(other, origin)
        assert "\n" not in str(caught.value)


def test_new_labels_do_not_change_copied_rows(
    base: Path, tiny: Path, head: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="spacy"):
        nlp = warm_start(base, tiny, head, labels=["NEW", "PER", "LOC"])
    assert "copied: PER, LOC; new: NEW; dropped: COURIER, PHONE" in caplog.text
    new, old = get_execution(nlp.get_pipe("xner").model).network.head, load_origin(str(base)).head
    for tag in ("O", "B-PER", "I-LOC"):
        here, there = new.tag_names.index(tag), old.tag_names.index(tag)
        torch.testing.assert_close(new.output.weight[here], old.output.weight[there])
    if head == "CRFHead":
        here = [new.tag_names.index(tag) for tag in ("B-PER", "I-PER")]
        there = [old.tag_names.index(tag) for tag in ("B-PER", "I-PER")]
        torch.testing.assert_close(
            new.transitions.transitions[here[0], here[1]], old.transitions.transitions[there[0], there[1]]
        )


def test_warm_start_merges_labels_of_origin_and_data(base: Path, tiny: Path, head: str) -> None:
    nlp = make_nlp(tiny, head)
    nlp.config["initialize"]["components"]["xner"] = {"init_from": str(base)}
    examples = make_examples(nlp, [("Tracking 1234 for Anna", [("1234", "ID"), ("Anna", "PER")])])
    nlp.initialize(lambda: examples)
    assert nlp.get_pipe("xner").labels == ("COURIER", "LOC", "PER", "PHONE", "ID")


def test_warm_start_accepts_an_installed_package(
    base: Path, tiny: Path, head: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "xx_base"
    (package / "xx_base").mkdir(parents=True)
    load(str(base)).to_disk(package / "xx_base" / "xx_base-0.0.1")
    (package / "xx_base" / "__init__.py").write_text(
        "from pathlib import Path\n"
        "from spacy.util import load_model_from_path\n"
        "def load(**overrides):\n"
        "    return load_model_from_path(Path(__file__).parent / 'xx_base-0.0.1', **overrides)\n"
    )
    info = package / "xx_base-0.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: xx_base\nVersion: 0.0.1\n")
    monkeypatch.syspath_prepend(package)
    monkeypatch.delitem(sys.modules, "xx_base", raising=False)
    assert entities(warm_start("xx_base", tiny, head)) == entities(load(str(base)))


def test_warm_start_warns_of_different_settings(base: Path, tiny: Path, head: str) -> None:
    with pytest.warns(XnerWarning, match="pooling is 'first' in this model and 'mean' in"):
        warm_start(base, tiny, head, encoder_pooling="first")


def test_load_tagger_predicts_as_transformers(tiny: Path, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "checkpoint", tiny, BIO)
    model = AutoModelForTokenClassification.from_pretrained(folder).eval()
    nlp = load_tagger(str(folder))
    xner = nlp.get_pipe("xner")
    assert xner.labels == ("PER", "LOC")
    execution = get_execution(xner.model)
    prefix, suffix, _ = execution.network.encoder.specials
    for text in TEXTS:
        doc = nlp.make_doc(text)
        pieces = execution.cut([doc])[0]
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([[*prefix, *pieces.ids, *suffix]])).logits[0, len(prefix) :]
        firsts = [sum(pieces.counts[:i]) for i in range(len(doc))]
        expected = logits[firsts].log_softmax(1)
        torch.testing.assert_close(torch.tensor(xner.soft_targets([doc])[0].log_probs), expected)


@pytest.mark.parametrize("names", [["PER", "O", "LOC"], ["I-PER", "O", "I-LOC"]])
def test_make_head_splits_tags_without_beginnings(names: list[str]) -> None:
    torch.manual_seed(6)
    classifier = torch.nn.Linear(6, 3)
    head = make_head(classifier, names, "x")
    vectors = torch.randn(1, 5, 6)
    probs = head(vectors).softmax(2)
    expected = classifier(vectors).softmax(2)
    assert head.tag_names == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    by_label = torch.stack([probs[..., 0], probs[..., 1:3].sum(2), probs[..., 3:].sum(2)], dim=2)
    torch.testing.assert_close(by_label, expected[..., [1, 0, 2]], atol=1e-4, rtol=0)


def test_adjacent_tokens_without_beginnings_are_one_entity() -> None:
    classifier = torch.nn.Linear(2, 2)
    with torch.no_grad():
        classifier.weight.copy_(torch.tensor([[5.0, 0.0], [0.0, 5.0]]))
    head = make_head(classifier, ["O", "PER"], "x")
    vectors = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]])
    decoded = head.decode(head(vectors), torch.ones(1, 4, dtype=torch.bool))[0]
    assert [ent[:3] for ent in decoded] == [(1, 3, "PER")]


def test_make_head_never_predicts_missing_tags() -> None:
    head = make_head(torch.nn.Linear(2, 2), ["O", "B-PER"], "x")
    assert head(torch.randn(1, 3, 2)).softmax(2)[..., 2].max() < 1e-6


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["O", "B-PER", "I-PER", "E-PER", "S-PER"], "must have BIO or IO tags, found O, B-PER"),
        (["LABEL_0", "LABEL_1"], r"must name its tags in config.json \(id2label\), including O"),
    ],
)
def test_make_head_refuses_other_schemes(names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_head(torch.nn.Linear(2, len(names)), names, "x")


def test_unsuitable_origins_are_refused(
    tiny: Path, tiny_encoders: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="must have a token classifier, found only an encoder"):
        warm_start(tiny, tiny)
    with pytest.raises(OSError, match=r"must be a hub id or a folder with config\.json"):
        warm_start(tmp_path / "missing", tiny)
    other = spacy.blank("xx")
    other.add_pipe("sentencizer")
    other.to_disk(tmp_path / "other")
    with pytest.raises(ValueError, match="must have an xner component, found sentencizer"):
        warm_start(tmp_path / "other", tiny)
    modern = write_checkpoint(tmp_path / "modern", tiny_encoders("modernbert"), BIO)
    with pytest.raises(ValueError, match="must be one linear layer on the encoder's output"):
        warm_start(modern, tiny)


def test_saved_pipeline_does_not_need_its_origin(base: Path, tiny: Path, head: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(base, copy)
    nlp = warm_start(copy, tiny, head)
    nlp.to_disk(tmp_path / "saved")
    expected = entities(nlp)
    shutil.rmtree(copy)
    assert entities(load(str(tmp_path / "saved"))) == expected


@pytest.mark.parametrize("layers", [1, [1]])
def test_warm_start_can_keep_fewer_layers(
    base: Path, tiny: Path, head: str, tmp_path: Path, layers: object
) -> None:
    nlp = warm_start(base, tiny, head, encoder_layers=layers)
    assert get_execution(nlp.get_pipe("xner").model).network.encoder.transformer.config.num_hidden_layers == 1
    nlp.to_disk(tmp_path / "small")
    assert entities(load(str(tmp_path / "small"))) == entities(nlp)
