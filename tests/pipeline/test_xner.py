"""The ``xner`` component in a pipeline: training, saving, batching, processes, odd texts."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from thinc.api import Adam

from spacy_xner.models.entity import EntityTask
from spacy_xner.models.execution import get_execution
from spacy_xner.models.shim import get_shim
from spacy_xner.nn.runtime.device import release_freed
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, entities_of, make_examples, make_nlp, train_nlp

TEXTS = [text for text, _ in SLIPS] + ["张伟", "DHL Express 李娜 020-8888 and Anna Schmidt", "", "  "]


def approx_entities(docs: list[Doc]) -> list[object]:
    """List entities with approximate scores, for comparison between batches of different composition."""
    return [
        [(e.start, e.end, e.label_, pytest.approx(e._.xner_score, abs=1e-4)) for e in doc.spans["xner"]]
        for doc in docs
    ]


def exact_entities(docs: list[Doc]) -> list[list[tuple[int, int, str, float]]]:
    """List entities with exact scores."""
    return [[(e.start, e.end, e.label_, e._.xner_score) for e in doc.spans["xner"]] for doc in docs]


@pytest.mark.parametrize(
    ("arch", "head", "settings"),
    [
        ("xlm-roberta", "SoftmaxHead", {}),
        ("bert", "SoftmaxHead", {"head_scheme": "BIOES", "neck": "SelfAttention"}),
        ("bert", "CRFHead", {}),
        ("xlm-roberta", "CRFHead", {"head_scheme": "BIOES", "neck": "BiLSTMAttention"}),
        ("xlm-roberta", "PointerHead", {}),
        ("bert", "PointerHead", {"neck": "BiLSTM"}),
        ("xlm-roberta", "GlobalPointerHead", {"n_steps": 80}),
        ("bert", "GlobalPointerHead", {"head_efficient": True, "n_steps": 80}),
    ],
)
def test_xner_overfitting_io(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str, head: str, settings: dict[str, Any]
) -> None:
    nlp = train_nlp(tiny_encoders(arch), head, **settings)
    expected = approx_entities([nlp(text) for text in TEXTS])
    for text, entities in SLIPS:
        assert entities_of(nlp(text)) == entities
    nlp.to_disk(tmp_path / "nlp")
    copies = [
        spacy.load(tmp_path / "nlp"),
        type(nlp).from_config(nlp.config).from_bytes(nlp.to_bytes()),
        pickle.loads(pickle.dumps(nlp)),
    ]
    for copy in copies:
        assert exact_entities(list(copy.pipe(TEXTS))) == expected


@pytest.mark.parametrize(
    ("head", "neck"),
    [("CRFHead", "BiLSTMAttention"), ("PointerHead", "BiLSTM"), ("GlobalPointerHead", "SelfAttention")],
)
def test_heads_and_necks_run_in_bf16(tiny: Path, head: str, neck: str) -> None:
    nlp = train_nlp(tiny, head, n_steps=60, neck=neck)
    pipe = nlp.get_pipe("xner")
    pipe.configure(precision="bf16")
    for text, entities in SLIPS:
        assert entities_of(nlp(text)) == entities
    assert nlp.update(make_examples(nlp), sgd=build_adamw_v1())["xner"] >= 0.0


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_pipe_equals_call(trained: Language, batch_size: int) -> None:
    expected = approx_entities([trained(text) for text in TEXTS])
    assert exact_entities(list(trained.pipe(TEXTS, batch_size=batch_size))) == expected


def test_max_batch_pieces_does_not_change_predictions(trained: Language, tiny: Path) -> None:
    nlp = pickle.loads(pickle.dumps(trained))
    pipe = nlp.get_pipe("xner")
    pipe.configure(max_batch_pieces=1)
    assert exact_entities(list(nlp.pipe(TEXTS))) == approx_entities(list(trained.pipe(TEXTS)))


def test_next_group_is_scored_before_one_is_decoded(
    trained: Language, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This keeps a GPU busy while the CPU decodes.
    nlp = pickle.loads(pickle.dumps(trained))
    pipe = nlp.get_pipe("xner")
    pipe.configure(max_batch_pieces=1)
    calls = []
    score, decode = pipe.model._func, EntityTask.decode
    monkeypatch.setattr(pipe.model, "_func", lambda *args, **kw: calls.append("score") or score(*args, **kw))
    monkeypatch.setattr(EntityTask, "decode", lambda *args: calls.append("decode") or decode(*args))
    predicted = exact_entities(list(nlp.pipe(TEXTS[:3])))
    monkeypatch.undo()
    assert predicted == approx_entities(list(trained.pipe(TEXTS[:3])))
    assert calls == ["score", "score", "decode", "score", "decode", "decode"]


@pytest.mark.usefixtures("_two_threads")
def test_xner_n_process_equals_one_process(trained: Language) -> None:
    texts = TEXTS * 4
    # Predict in this process first: without care for its threads, that makes a forked child hang.
    expected = approx_entities(list(trained.pipe(texts)))
    assert exact_entities(list(trained.pipe(texts, n_process=2, batch_size=5))) == expected


def test_ents_and_spans_agree(trained: Language) -> None:
    doc = trained(SLIPS[0][0])
    assert [(s.start, s.end, s.label_) for s in doc.spans["xner"]] == [
        (e.start, e.end, e.label_) for e in doc.ents
    ]
    scores = doc.spans["xner"].attrs["scores"]
    assert scores == [ent._.xner_score for ent in doc.ents]
    assert all(0.5 < score <= 1 for score in scores)
    assert doc[0:1]._.xner_score is None
    assert doc.has_annotation("ENT_IOB")


def test_threshold_drops_improbable_entities(trained: Language) -> None:
    nlp = pickle.loads(pickle.dumps(trained))
    nlp.get_pipe("xner").threshold = 1.0
    assert entities_of(nlp(SLIPS[0][0])) == []
    assert list(nlp(SLIPS[0][0]).spans["xner"]) == []


def test_docs_may_have_thresholds_of_their_own(trained: Language) -> None:
    texts = [text for text, _ in SLIPS]
    for nlp in (trained, pickle.loads(pickle.dumps(trained))):
        if nlp is not trained:
            nlp.get_pipe("xner").threshold = {"PER": 1.0, "LOC": 1.0}
        docs = [nlp.make_doc(text) for text in texts * 3]
        for doc, threshold in zip(docs, [None] * 4 + [0.0] * 4 + [1.0] * 4, strict=True):
            if threshold is not None:
                doc.user_data["xner_threshold"] = threshold
        found = [entities_of(doc) for doc in nlp.pipe(docs)]
        assert found[:4] == [entities_of(nlp(text)) for text in texts]
        assert found[4:8] == [entities for _, entities in SLIPS]
        assert found[8:] == [[]] * 4


@pytest.mark.parametrize(("overwrite", "label"), [(False, "OLD"), (True, "PER")])
def test_overwrite_replaces_existing_entities(trained: Language, overwrite: bool, label: str) -> None:
    nlp = pickle.loads(pickle.dumps(trained))
    nlp.get_pipe("xner").overwrite = overwrite
    doc = nlp.make_doc(SLIPS[0][0])
    doc.set_ents([Span(doc, 0, 1, "OLD")])
    doc = nlp.get_pipe("xner")(doc)
    assert doc.ents[0].label_ == label
    assert doc.spans["xner"][0].label_ == "PER"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=40))
def test_any_text_is_preserved(trained: Language, text: str) -> None:
    assert trained(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " \t\n ",
        "😀👩‍👩‍👧",
        "\x00\x01\x7f\u200b",
        "字" * 50 + "a" * 5000,
        "שלום John مرحبا 13800138000",
        "x" * 5000,
    ],
)
def test_odd_texts_are_tagged(trained: Language, text: str) -> None:
    doc = trained(text)
    assert doc.text == text
    assert all(token.ent_iob_ for token in doc)


def test_long_text_is_tagged_to_its_end(trained: Language) -> None:
    doc = trained("。".join(text for text, _ in SLIPS[:3]) * 100)
    assert len(doc) > 1000
    assert all(token.ent_iob_ for token in doc)
    assert {ent.label_ for ent in doc[-20:].ents} >= {"PHONE"}


def test_same_seed_gives_same_weights(tiny: Path) -> None:
    first, second = (get_shim(train_nlp(tiny, n_steps=3).get_pipe("xner").model).to_bytes() for _ in range(2))
    assert first == second


def test_frozen_weights_stay_byte_equal(tiny: Path) -> None:
    before = make_nlp(tiny)
    before.initialize(lambda: make_examples(before))
    old = get_execution(before.get_pipe("xner").model).network.state_dict()
    new = get_execution(
        train_nlp(tiny, n_steps=3, encoder_freeze=1).get_pipe("xner").model
    ).network.state_dict()
    for name, value in new.items():
        if "embeddings" in name or "layer.0." in name:
            assert torch.equal(value, old[name])
        elif "layer.1." in name and name.endswith("dense.weight"):
            assert not torch.equal(value, old[name])


def test_gradient_checkpointing_gives_the_same_weights(tiny: Path) -> None:
    networks = [
        get_execution(
            train_nlp(tiny, n_steps=2, encoder_gradient_checkpointing=is_on).get_pipe("xner").model
        ).network
        for is_on in (False, True)
    ]
    for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


def test_bf16_predicts_the_same_entities(trained: Language) -> None:
    nlp = pickle.loads(pickle.dumps(trained))
    pipe = nlp.get_pipe("xner")
    pipe.configure(precision="bf16", max_batch_pieces=4096)
    assert [entities_of(nlp(text)) for text, _ in SLIPS] == [entities for _, entities in SLIPS]


def test_thinc_optimizer_is_supported(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    sgd = Adam(0.005)
    losses = [nlp.update(examples, sgd=sgd)["xner"] for _ in range(15)]
    assert losses[-1] < losses[0] / 2


def test_update_without_optimizer_accumulates_gradients(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    pipe = nlp.get_pipe("xner")
    before = get_shim(pipe.model).to_bytes()
    losses = nlp.update(examples, sgd=False)
    assert losses["xner"] > 0
    assert get_shim(pipe.model).to_bytes() == before
    pipe.finish_update(build_adamw_v1())
    assert get_shim(pipe.model).to_bytes() != before


def test_unannotated_tokens_do_not_contribute_to_the_loss(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    nlp.initialize(lambda: make_examples(nlp))
    unannotated = nlp.make_doc(SLIPS[0][0])
    assert nlp.update([Example(nlp.make_doc(SLIPS[0][0]), unannotated)], sgd=False)["xner"] == 0


def test_evaluate_returns_entity_scores(trained: Language) -> None:
    scores = trained.evaluate(make_examples(trained))
    assert scores["ents_f"] == 1.0
    assert scores["ents_per_type"]["PER"]["f"] == 1.0


def test_saved_pipeline_loads_without_its_encoder_folder(
    tiny: Path, trained: Language, tmp_path: Path
) -> None:
    trained.to_disk(tmp_path)
    config = spacy.util.load_config(tmp_path / "config.cfg")
    config["components"]["xner"]["model"]["encoder"]["name"] = "./deleted"
    config.to_disk(tmp_path / "config.cfg")
    assert entities_of(spacy.load(tmp_path)(SLIPS[0][0])) == SLIPS[0][1]
    saved = (tmp_path / "xner" / "model" / "encoder.json").read_text() + srsly.json_dumps(
        srsly.read_json(tmp_path / "xner" / "model" / "xner.json")
    )
    assert str(tiny) not in saved


def test_freed_memory_is_released_regularly(trained: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr("spacy_xner.models.execution.release_freed", lambda: calls.append(1))
    monkeypatch.setattr("spacy_xner.models.execution.RELEASE_EVERY", 10)
    list(trained.pipe([SLIPS[0][0]] * 9))
    assert len(calls) >= 1
    release_freed()
