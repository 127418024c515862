"""Exported checkpoints predict in transformers what the component predicts, or are refused in one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language
from transformers import AutoTokenizer, pipeline

from spacy_xner.loading import adopt, load
from spacy_xner.models.shim import get_shim
from spacy_xner.publishing.export import export_hf
from spacy_xner.publishing.measure import read_spans
from spacy_xner.tools.shrink import shrink
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, make_examples, make_nlp, needs_int8, train_nlp, write_checkpoint
from ..models import test_adopted_text as adopted_texts
from ..models import test_sharing
from ..pipeline import test_xcat
from .conftest import load_pipeline, load_whole, save, spans_of, widen

BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-COURIER", "I-COURIER", "B-PHONE", "I-PHONE"]
TEXTS = [
    *(text for text, _ in SLIPS),
    "  Anna Schmidt,DHL\n\n北京 Anna\t13800138000 ",
    "naïve e\u0301lan 👍🏽 <script>alert(1)</script>",
    "\u202eمرحبا\u202c שלום \u200bx",
    "a\x00b",
    "x",
    "Anna 北京 " * 60,
]
LORA = {"@architectures": "spacy_xner.LoRA.v1", "rank": 4, "alpha": 8.0, "targets": ["query", "value"]}


def scores_of(nlp: Language, text: str) -> torch.Tensor:
    """Return the head's scores of the pieces of a text, cut as a whole."""
    execution = get_shim(nlp.get_pipe("xner").model).execution
    network = execution.network
    ids = execution.cutter.cut_text(text).ids
    prefix, suffix, _ = network.encoder.specials
    with torch.no_grad():
        piece_ids = torch.tensor([[*prefix, *ids, *suffix]])
        vectors = network.encoder.transformer(input_ids=piece_ids, attention_mask=torch.ones_like(piece_ids))
        return network.head(vectors.last_hidden_state)[0]


@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
@pytest.mark.parametrize(
    ("arch", "strategy"),
    [
        *(("xlm-roberta", strategy) for strategy in ("simple", "first", "average", "max")),
        *(("bert", "first"), ("deberta-v2", "simple"), ("modernbert", "simple")),
    ],
)
def test_adopted_checkpoint_predicts_the_same_in_transformers(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str, strategy: str
) -> None:
    """After training, so that its weights are no longer those of the checkpoint."""
    folder = write_checkpoint(tmp_path / "checkpoint", tiny_encoders(arch), BIO)
    nlp = adopt(folder, "cpu", aggregation_strategy=strategy)
    examples = make_examples(nlp)
    for _ in range(3):
        nlp.update(examples, sgd=build_adamw_v1(learn_rate=1e-3))
    report = export_hf(save(nlp, tmp_path / "nlp"), tmp_path / "out")
    assert (report.left_out, report.labels) == ([], ["PER", "LOC", "COURIER", "PHONE"])
    load_whole(tmp_path / "out")
    runner = load_pipeline(tmp_path / "out", strategy)
    texts = TEXTS[:-1]
    n_entities = 0
    for doc in nlp.pipe(texts):
        theirs = widen(doc, read_spans(doc.text, runner(doc.text)))
        assert spans_of(doc) == theirs, doc.text
        n_entities += len(theirs)
    assert n_entities > 5


def test_adopted_checkpoint_predicts_the_same_on_long_texts(tiny: Path, tmp_path: Path) -> None:
    nlp = adopt(write_checkpoint(tmp_path / "checkpoint", tiny, BIO), "cpu")
    export_hf(save(nlp, tmp_path / "nlp"), tmp_path / "out")
    runner = load_pipeline(tmp_path / "out")
    assert len(runner.tokenizer(TEXTS[-1])["input_ids"]) > runner.tokenizer.model_max_length == 128
    # Without a stride, transformers cuts texts off.
    ends = [
        max(end for _, end, _ in spans)
        for spans in (spans_of(nlp(TEXTS[-1])), read_spans(TEXTS[-1], runner(TEXTS[-1])))
    ]
    assert ends[0] > len(TEXTS[-1]) - 20 > len(TEXTS[-1]) - 100 > ends[1]


@pytest.mark.parametrize("tags", [BIO, ["PER", "LOC", "O"], ["I-LOC", "O", "B-LOC", "I-PER"]])
def test_round_trip_keeps_tags_and_weights(tiny: Path, tmp_path: Path, tags: list[str]) -> None:
    nlp = adopt(write_checkpoint(tmp_path / "checkpoint", tiny, tags), "cpu")
    export_hf(save(nlp, tmp_path / "nlp"), tmp_path / "out")
    again = adopt(tmp_path / "out", "cpu")
    assert load_whole(tmp_path / "out").config.id2label == dict(enumerate(tags))
    for text in TEXTS[:-1]:
        assert spans_of(nlp(text)) == spans_of(again(text))
        torch.testing.assert_close(scores_of(nlp, text), scores_of(again, text), rtol=0, atol=1e-5)
    names = ("config.json", "tokenizer.json", "model.safetensors")
    export_hf(save(again, tmp_path / "again"), tmp_path / "out2")
    assert all((tmp_path / "out" / n).read_bytes() == (tmp_path / "out2" / n).read_bytes() for n in names)


@pytest.mark.parametrize(
    ("head", "settings"),
    [
        ("SoftmaxHead", {}),
        ("CRFHead", {}),
        ("SoftmaxHead", {"head_scheme": "BIOES"}),
        ("CRFHead", {"encoder_layers": 1}),
        ("SoftmaxHead", {"encoder_freeze": 1, "encoder_pooling": "first"}),
        ("SoftmaxHead", {"encoder_lora": LORA}),
        ("CRFHead", {"encoder_lora": {**LORA, "adapter_only": True}}),
        ("SoftmaxHead", {"encoder_prefix_space": "always"}),
    ],
)
def test_tag_heads_are_exported_with_loss(
    tiny: Path, tmp_path: Path, head: str, settings: dict[str, object]
) -> None:
    folder = save(train_nlp(tiny, head, n_steps=2, **settings), tmp_path / "nlp")
    parts = {"SoftmaxHead": "legal tag sequences", "CRFHead": "the transitions of the CRF"}
    with pytest.raises(ValueError, match=rf"cannot have {parts[head]} and the .* with --lossy") as err:
        export_hf(folder, tmp_path / "out")
    assert "\n" not in str(err.value)
    assert not (tmp_path / "out").exists()
    report = export_hf(folder, tmp_path / "out", lossy=True)
    assert report.left_out[0] == parts[head]
    model, nlp = load_whole(tmp_path / "out").eval(), spacy.load(folder)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    for text in TEXTS[:6]:
        scores = model(**tokenizer(text, return_tensors="pt")).logits[0]
        torch.testing.assert_close(scores, scores_of(nlp, text), rtol=0, atol=1e-4)
    assert set(model.config.id2label.values()) == {"O", *(f"{x}-{y}" for x in "BI" for y in report.labels)}


def test_token_by_token_cut_is_that_of_the_tokenizer_for_one_word(tiny: Path, tmp_path: Path) -> None:
    """Where a text is one token with one piece, nothing is lost."""
    nlp = train_nlp(tiny)
    export_hf(save(nlp, tmp_path / "nlp"), tmp_path / "out", lossy=True)
    model = load_whole(tmp_path / "out").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    execution = get_shim(nlp.get_pipe("xner").model).execution
    doc = nlp.make_doc("13800138000")
    (pieces,) = execution.cut([doc])
    assert tokenizer(doc.text)["input_ids"][1:-1] == pieces.ids
    mean = model(**tokenizer(doc.text, return_tensors="pt")).logits[0, 1:-1].mean(dim=0)
    scores = execution.score([doc], 0.0, is_train=False).scores[0, 0]
    torch.testing.assert_close(mean, scores, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (lambda tiny: train_nlp(tiny, "PointerHead", n_steps=2), r"that does not tag tokens \(PointerHead\)"),
        (lambda tiny: train_nlp(tiny, "GlobalPointerHead", n_steps=2), r"tokens \(GlobalPointerHead\)"),
        (lambda tiny: train_nlp(tiny, "CRFHead", n_steps=2, neck="BiLSTM"), r"a neck \(BiLSTM\)"),
        (lambda tiny: train_nlp(tiny, n_steps=2, neck="SelfAttention"), r"a neck \(SelfAttention\)"),
        (lambda tiny: train_nlp(tiny, n_steps=2, neck="BiLSTMAttention"), r"a neck \(BiLSTMAttention\)"),
        (lambda tiny: train_nlp(tiny, n_steps=2, within=["ADDRESS"]), "the setting within"),
    ],
)
def test_what_cannot_be_left_out_is_refused(
    tiny: Path, tmp_path: Path, make: Callable[[Path], Language], part: str
) -> None:
    folder = save(make(tiny), tmp_path / "nlp")
    with pytest.raises(ValueError, match=part) as err:
        export_hf(folder, tmp_path / "out", lossy=True)
    assert "\n" not in str(err.value)
    assert [path.name for path in tmp_path.iterdir()] == ["nlp"]


def test_shared_encoder_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = save(test_sharing.train_pair(tiny, n_steps=1), tmp_path / "nlp")
    names = spacy.load(folder).pipe_names
    with pytest.raises(ValueError, match=r"must have one xner or xcat, found .*, .*with --component"):
        export_hf(folder, tmp_path / "out", lossy=True)
    with pytest.raises(ValueError, match=r"component must name an xner or xcat .*, found 'ner'"):
        export_hf(folder, tmp_path / "out", component="ner")
    for name in names:
        if get_shim(spacy.load(folder).get_pipe(name).model).encoder is None:
            with pytest.raises(ValueError, match="the encoder of another component"):
                export_hf(folder, tmp_path / "out", component=name, lossy=True)
    assert export_hf(folder, tmp_path / "out", component="xner", lossy=True).component == "xner"


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"threshold": 0.5}, "the threshold"),
        ({"threshold": {"PER": 0.9}}, "the threshold"),
        (
            {"calibration": {"temperature": 2.0, "bias": 0.1, "text_temperature": 1.0, "text_bias": 0.0}},
            "the calibration of scores",
        ),
    ],
)
def test_settings_of_an_adopted_checkpoint_are_named(
    tiny: Path, tmp_path: Path, changes: dict[str, object], part: str
) -> None:
    nlp = adopt(write_checkpoint(tmp_path / "checkpoint", tiny, BIO), "cpu")
    for name, value in changes.items():
        setattr(nlp.get_pipe("xner"), name, value)
    folder = save(nlp, tmp_path / "nlp")
    with pytest.raises(ValueError, match=rf"cannot have {part}, which 'xner' has"):
        export_hf(folder, tmp_path / "out")
    assert export_hf(folder, tmp_path / "out", lossy=True).left_out == [part]
    config = json.loads((tmp_path / "out" / "config.json").read_text("utf-8"))
    assert config["spacy_xner_left_out"] == [part]


@pytest.mark.parametrize("storage", ["float32", "float16"])
@pytest.mark.parametrize("precision", [pytest.param("int8", marks=needs_int8), "fp32"])
def test_shrunk_pipeline_is_exported_in_float32(
    tiny: Path, tmp_path: Path, storage: str, precision: str
) -> None:
    folder = save(train_nlp(tiny, n_steps=2), tmp_path / "nlp")
    shrink(folder, tmp_path / "small", [SLIPS[0][0]], storage=storage, precision=precision)
    export_hf(tmp_path / "small", tmp_path / "out", lossy=True)
    model = load_whole(tmp_path / "out").eval()
    assert model.dtype == torch.float32
    small = load(tmp_path / "small", "cpu")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    for text in TEXTS[:3]:
        scores = model(**tokenizer(text, return_tensors="pt")).logits[0]
        torch.testing.assert_close(scores, scores_of(small, text), rtol=0, atol=1e-4)


@pytest.mark.parametrize("arch", ["xlm-roberta", "bert"])
@pytest.mark.parametrize("head", ["ExclusiveHead", "MultiLabelHead"])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_text_classifier_has_the_same_probabilities(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str, head: str, temperature: float
) -> None:
    """By the first piece; the layer of BERT and RoBERTa before the labels passes its vector."""
    nlp = test_xcat.make_nlp(tiny_encoders(arch), head, encoder={"pooling": "cls", "cut": "text"})
    test_xcat.train(nlp, test_xcat.ONE if head == "ExclusiveHead" else test_xcat.TEXTS, n_steps=5)
    nlp.get_pipe("xcat").temperature = temperature
    report = export_hf(save(nlp, tmp_path / "nlp"), tmp_path / "out")
    assert (report.task, report.left_out) == ("text-classification", [])
    load_whole(tmp_path / "out", "texts")
    classifier = pipeline("text-classification", str(tmp_path / "out"), top_k=None, device="cpu")
    for text in TEXTS[:-1]:
        theirs = {row["label"]: row["score"] for row in classifier([text])[0]}
        assert nlp(text).cats == pytest.approx(theirs, abs=1e-4), text
    again = adopt(tmp_path / "out", "cpu")
    assert again.get_pipe("xcat").is_exclusive is (head == "ExclusiveHead")
    assert again(TEXTS[0]).cats == pytest.approx(nlp(TEXTS[0]).cats, abs=1e-4)


@pytest.mark.parametrize("problem", ["single_label_classification", "multi_label_classification"])
@pytest.mark.parametrize("arch", ["xlm-roberta", "bert", "deberta-v2", "modernbert"])
def test_adopted_text_classifier_has_the_same_probabilities(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str, problem: str
) -> None:
    settings = {"modernbert": {"classifier_pooling": "cls"}, "deberta-v2": {"pooler_hidden_size": 32}}
    folder = adopted_texts.write_texts(
        tmp_path / "checkpoint",
        tiny_encoders(arch),
        adopted_texts.LABELS,
        problem_type=problem,
        **settings.get(arch, {}),
    )
    nlp = adopt(folder, "cpu")
    nlp.get_pipe("xcat").temperature = 1.5
    export_hf(save(nlp, tmp_path / "nlp"), tmp_path / "out")
    load_whole(tmp_path / "out", "texts")
    classifier = pipeline("text-classification", str(tmp_path / "out"), top_k=None, device="cpu")
    for text in TEXTS[:6]:
        theirs = {row["label"]: row["score"] for row in classifier([text])[0]}
        assert nlp(text).cats == pytest.approx(theirs, abs=1e-4)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        (test_xcat.POOLINGS["mean"], r"a pooling of tokens \(MeanPooling\)"),
        (test_xcat.POOLINGS["attention"], r"a pooling of tokens \(AttentionPooling\)"),
        (test_xcat.POOLINGS["neck"], r"a neck \(BiLSTM\) and a pooling of tokens"),
    ],
)
def test_text_classifier_that_pools_tokens_is_refused(
    tiny: Path, tmp_path: Path, settings: dict[str, object], part: str
) -> None:
    nlp = test_xcat.make_nlp(tiny, **settings)
    test_xcat.train(nlp, test_xcat.ONE, n_steps=1)
    with pytest.raises(ValueError, match=part):
        export_hf(save(nlp, tmp_path / "nlp"), tmp_path / "out", lossy=True)


def test_losses_of_a_text_classifier_are_named(tiny: Path, tmp_path: Path) -> None:
    nlp = test_xcat.make_nlp(tiny, "MultiLabelHead", **test_xcat.POOLINGS["cls of tokens"], threshold=0.3)
    test_xcat.train(nlp, test_xcat.TEXTS, n_steps=1)
    with pytest.raises(ValueError, match="pieces cut from each token by itself and the threshold"):
        export_hf(save(nlp, tmp_path / "nlp"), tmp_path / "out")


def test_architecture_with_other_layers_is_refused(
    tiny_encoders: Callable[..., Path], tmp_path: Path
) -> None:
    """ModernBERT has a layer before its labels that a head on its encoder lacks."""
    folder = save(train_nlp(tiny_encoders("modernbert"), n_steps=1), tmp_path / "nlp")
    with pytest.raises(ValueError, match=r"the same layers between encoder and labels, found head\."):
        export_hf(folder, tmp_path / "out", lossy=True)
    assert [path.name for path in tmp_path.iterdir()] == ["nlp"]


def test_untrained_pipeline_is_refused(tiny: Path, tmp_path: Path) -> None:
    nlp = make_nlp(tiny)
    with pytest.raises(ValueError, match=r"without weights|must be initialized"):
        export_hf(save(nlp, tmp_path / "nlp"), tmp_path / "out")


def test_folder_is_replaced_only_on_demand(tiny: Path, tmp_path: Path) -> None:
    nlp = adopt(write_checkpoint(tmp_path / "checkpoint", tiny, BIO), "cpu")
    folder, out = save(nlp, tmp_path / "nlp"), tmp_path / "out"
    export_hf(folder, out)
    before = (out / "config.json").read_bytes()
    (out / "old.txt").write_text("old", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"found files in .*Use --overwrite"):
        export_hf(folder, out)
    export_hf(folder, out, overwrite=True)
    assert (out / "config.json").read_bytes() == before
    assert not (out / "old.txt").exists()
    for other in (folder, tmp_path):
        with pytest.raises(FileExistsError, match=r"must not be what it is made from|no config\.json"):
            export_hf(folder, other, overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint", "nlp", "out"}


def test_failure_leaves_what_was_there(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nlp = adopt(write_checkpoint(tmp_path / "checkpoint", tiny, BIO), "cpu")
    folder, out = save(nlp, tmp_path / "nlp"), tmp_path / "out"
    shutil.copytree(tmp_path / "checkpoint", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    monkeypatch.setattr("spacy_xner.publishing.export.write_tokenizer", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        export_hf(folder, out, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint", "nlp", "out"}
