"""Adopted token-classification checkpoints: same entities as transformers' pipeline, saving, training."""

import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from thinc.api import Config
from transformers import AutoModelForSequenceClassification, pipeline

from spacy_xner.errors import XnerWarning
from spacy_xner.loading import load
from spacy_xner.models.execution import get_execution
from spacy_xner.nn.heads.checkpoint import group_units, read_roles
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, TOKENIZER, make_examples, write_checkpoint
from ..test_cli import ROOT, invoke

BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-COURIER", "I-COURIER", "B-PHONE", "I-PHONE"]
TAGS = {
    "BIO": BIO,
    "IOB1": ["I-LOC", "O", "B-LOC", "I-PER"],
    "IO": ["PER", "LOC", "O"],
}
TEXTS = [
    *(text for text, _ in SLIPS),
    "  Anna Schmidt,DHL\n\n北京 Anna\t13800138000 ",
    "U.S. don't “stop” \u200bnow\u3000。",
    "naïve e\u0301lan 👍🏽",
    "x",
]


def adopt(folder: Path | str, **settings: object) -> Language:
    nlp = spacy.blank("xx", config=TOKENIZER)
    model = {"@architectures": "spacy_xner.CheckpointModel.v1", "name": str(folder), **settings}
    nlp.add_pipe("xner", config={"model": model, "device": "cpu"})
    return nlp


def predict_with_transformers(tagger: Any, text: str) -> dict[tuple[int, int, str], float]:
    """Return the scores of the entities, with surrounding white space stripped."""
    scores = {}
    for ent in tagger(text):
        part = text[ent["start"] : ent["end"]]
        if part.strip():
            start = ent["start"] + len(part) - len(part.lstrip())
            key = (start, start + len(part.strip()), ent["entity_group"])
            scores[key] = max(float(ent["score"]), scores.get(key, 0.0))
    return scores


@pytest.fixture(scope="module")
def folder(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("tagger"), tiny, BIO)


@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
@pytest.mark.parametrize("strategy", ["simple", "first", "average", "max"])
@pytest.mark.parametrize(
    ("arch", "tags"),
    [("xlm-roberta", "BIO"), ("bert", "BIO"), ("modernbert", "BIO"), ("xlm-roberta", "IOB1"), ("bert", "IO")],
)
def test_adopted_checkpoint_predicts_as_transformers(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str, tags: str, strategy: str
) -> None:
    folder = write_checkpoint(tmp_path / "ckpt", tiny_encoders(arch), TAGS[tags])
    tagger = pipeline("token-classification", str(folder), aggregation_strategy=strategy, device="cpu")
    nlp = adopt(folder, aggregation_strategy=strategy)
    n_entities = 0
    for text, doc in zip(TEXTS, nlp.pipe(TEXTS), strict=True):
        expected = predict_with_transformers(tagger, text)
        predicted = {
            (span.start_char, span.end_char, span.label_): score
            for span, score in zip(doc.spans["xner"], doc.spans["xner"].attrs["scores"], strict=True)
        }
        expanded: dict[tuple[int, int, str], float] = {}
        for (start, end, label), score in expected.items():
            span = doc.char_span(start, end, alignment_mode="expand")
            key = (span.start_char, span.end_char, label)
            expanded[key] = max(score, expanded.get(key, 0.0))
        assert predicted == {key: pytest.approx(score, abs=1e-5) for key, score in expanded.items()}, text
        n_entities += len(predicted)
    assert n_entities > 5


def test_adopted_pipeline_is_saved_with_weights(folder: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    shutil.copytree(folder, gone)
    nlp = adopt(gone)
    nlp.to_disk(tmp_path / "saved")
    shutil.rmtree(gone)
    copy = spacy.load(tmp_path / "saved")
    assert copy.get_pipe("xner").labels == nlp.get_pipe("xner").labels == ("PER", "LOC", "COURIER", "PHONE")
    assert copy.pipe_labels == nlp.pipe_labels == {"xner": ["PER", "LOC", "COURIER", "PHONE"]}
    from_bytes = adopt(folder).from_bytes(nlp.to_bytes())
    for docs in zip(*(each.pipe(TEXTS) for each in (nlp, copy, from_bytes)), strict=True):
        first, *others = ([(s.start, s.end, s.label_, s._.xner_score) for s in d.spans["xner"]] for d in docs)
        assert all(entities == first for entities in others)


@pytest.mark.parametrize("arch", ["xlm-roberta", "modernbert"])
def test_adopted_n_process_equals_one_process(
    tiny_encoders: Callable[..., Path], tmp_path: Path, arch: str
) -> None:
    nlp = adopt(write_checkpoint(tmp_path, tiny_encoders(arch), BIO))
    expected = [[ent.text for ent in doc.ents] for doc in nlp.pipe(TEXTS)]
    assert expected == [[ent.text for ent in doc.ents] for doc in nlp.pipe(TEXTS, n_process=2, batch_size=2)]
    copy = pickle.loads(pickle.dumps(nlp))
    assert expected == [[ent.text for ent in doc.ents] for doc in copy.pipe(TEXTS)]


def test_adopted_pipeline_can_be_trained(folder: Path) -> None:
    nlp = adopt(folder)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3)
    for _ in range(40):
        nlp.update(examples, sgd=sgd)
    for text, entities in SLIPS:
        assert [(ent.text, ent.label_) for ent in nlp(text).ents] == entities


def test_adopted_pipeline_refuses_new_labels(folder: Path) -> None:
    nlp = adopt(folder)
    examples = make_examples(nlp, [("Bo", [("Bo", "HERO")])])
    with pytest.raises(ValueError, match=r"must be among the checkpoint's \(PER, LOC.*found HERO"):
        nlp.initialize(lambda: examples)


def test_init_from_adds_labels_to_an_adopted_pipeline(folder: Path, tmp_path: Path) -> None:
    adopt(folder).to_disk(tmp_path)
    nlp = load(str(tmp_path))
    new = spacy.blank("xx", config=TOKENIZER)
    model = {
        "@architectures": "spacy_xner.EntityModel.v1",
        "encoder": {"@architectures": "spacy_xner.Encoder.v1", "name": str(folder)},
        "head": {"@architectures": "spacy_xner.SoftmaxHead.v1"},
    }
    pipe = new.add_pipe("xner", config={"model": model})
    examples = make_examples(new, [("Bo", [("Bo", "HERO")])])
    pipe.initialize(lambda: examples, nlp=new, init_from=str(tmp_path))
    assert pipe.labels == (*nlp.get_pipe("xner").labels, "HERO")


def test_predict_accepts_a_checkpoint_folder(folder: Path, tmp_path: Path) -> None:
    adopt(folder).to_disk(tmp_path / "adopted")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS).replace("\n ", " "), encoding="utf-8")
    from_checkpoint, from_pipeline = (
        invoke("predict", model, tmp_path / "texts.txt", "--json") for model in (folder, tmp_path / "adopted")
    )
    assert from_checkpoint == from_pipeline
    assert from_checkpoint[0] == 0
    assert '"label"' in from_checkpoint[1]


def test_init_from_with_an_adopted_checkpoint_is_refused(folder: Path) -> None:
    nlp = adopt(folder)
    nlp.config["initialize"]["components"]["xner"] = {"init_from": str(folder)}
    with pytest.raises(ValueError, match="init_from must not be set for an adopted checkpoint"):
        nlp.initialize(lambda: make_examples(nlp))


def test_missing_checkpoint_is_reported_on_first_use(tmp_path: Path) -> None:
    nlp = adopt(tmp_path / "missing")
    with pytest.raises(OSError, match="must be a hub id or a folder"):
        nlp("Anna")


def test_long_texts_are_not_truncated(tiny: Path, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path, tiny, BIO)
    nlp = adopt(folder)
    text = " ".join(SLIPS[1][0] for _ in range(60))
    doc = nlp(text)
    assert doc.spans["xner"][-1].end_char > 0.9 * len(text)


def test_strict_alignment_drops_entities_that_expand_keeps(folder: Path) -> None:
    texts = ["AnnaSchmidtDHLExpress" * 3, "Annaa Schmidtx"]
    expanded, strict = (
        [len(d.spans["xner"]) for d in adopt(folder, alignment_mode=mode).pipe(texts)]
        for mode in ("expand", "strict")
    )
    assert all(a >= b for a, b in zip(expanded, strict, strict=True))
    assert sum(expanded) > sum(strict)


def test_training_warns_of_entities_that_share_a_piece(folder: Path) -> None:
    nlp = adopt(folder)
    nlp("loads the checkpoint")
    cut = get_execution(nlp.get_pipe("xner").model).cutter.cut_text
    parts = (text[start:end] for text in TEXTS for start, end in cut(text).offsets)
    words = list(next(part for part in parts if len(part) > len(cut(part).ids)))
    docs = [Doc(nlp.vocab, words=words, spaces=[False] * len(words)) for _ in range(2)]
    docs[1].set_ents([Span(docs[1], i, i + 1, "PER") for i in range(len(words))])
    with pytest.warns(XnerWarning, match="share all their pieces with others"):
        losses = nlp.update([Example(*docs)], sgd=build_adamw_v1())
    assert losses["xner"] > 0


def test_read_roles_accepts_prefixes_and_suffixes() -> None:
    assert [tuple(role) for role in read_roles(["O", "B-PER", "S-A-B", "VITAMIN-E"])] == [
        ("", ""),
        ("PER", "B"),
        ("A-B", "S"),
        ("VITAMIN-E", ""),
    ]
    assert [tuple(role) for role in read_roles(["PER-B", "O", "PER-I"])] == [
        ("PER", "B"),
        ("", ""),
        ("PER", "I"),
    ]


def test_group_units_follows_tag_letters() -> None:
    units = [
        ("A", "B", 0.5),
        ("A", "I", 1.0),
        ("", "", 1.0),
        ("A", "S", 0.5),
        ("A", "B", 0.5),
        ("A", "E", 0.7),
    ]
    assert [(e.start, e.end, e.label) for e in group_units(units)] == [(0, 2, "A"), (3, 4, "A"), (4, 6, "A")]
    assert [e.score for e in group_units(units)] == pytest.approx([0.75, 0.5, 0.6])


def test_adopt_command_writes_a_pipeline(tiny: Path, tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "ckpt", tiny, ["O", "B-PER", "I-PER"])
    code, out, err = invoke("adopt", checkpoint, tmp_path / "out", "--aggregation-strategy", "max")
    assert (code, out, err) == (0, "", f"Wrote {tmp_path / 'out'}, xner: PER\n")
    nlp = spacy.load(tmp_path / "out")
    assert nlp.config["components"]["xner"]["model"]["aggregation_strategy"] == "max"
    code, _, err = invoke("adopt", checkpoint, tmp_path / "out", "--aggregation-strategy", "best")
    assert code == 2
    assert "'best'" in err
    assert "'average'" in err
    texts = write_checkpoint(tmp_path / "texts", tiny, ["A", "B"], AutoModelForSequenceClassification)
    code, out, err = invoke("adopt", texts, tmp_path / "out", "--overwrite")
    assert (code, out, err) == (0, "", f"Wrote {tmp_path / 'out'}, xcat: A, B\n")
    code, _, err = invoke("adopt", texts, tmp_path / "2", "--aggregation-strategy", "max")
    assert code == 1
    assert "classifies texts" in err
    code, _, err = invoke("adopt", tiny, tmp_path / "2")
    assert code == 1
    assert "must have a token classifier, found only an encoder" in err


def test_train_command_fine_tunes_an_adopted_checkpoint(
    trained: Language, tmp_path: Path, tiny: Path
) -> None:
    corpus = tmp_path / "slips.spacy"
    DocBin(docs=[eg.reference for eg in make_examples(trained)]).to_disk(corpus)
    tags = ["O", *(f"{letter}-{label}" for label in ("COURIER", "LOC", "PER", "PHONE") for letter in "BI")]
    checkpoint = write_checkpoint(tmp_path / "ckpt", tiny, tags)
    config = Config().from_disk(ROOT / "configs" / "cpu.cfg", interpolate=False)
    config["components"]["xner"]["model"] = {
        "@architectures": "spacy_xner.CheckpointModel.v1",
        "name": str(checkpoint),
    }
    config.to_disk(tmp_path / "adopt.cfg")
    steps = ("--vars.max_steps", 40, "--vars.warmup_steps", 4, "--vars.eval_frequency", 40)
    files = ("--paths.train", corpus, "--paths.dev", corpus, "--vars.learn_rate", 0.005)
    code, _, err = invoke("train", tmp_path / "adopt.cfg", "--output", tmp_path / "out", *files, *steps)
    assert code == 0, err
    shutil.rmtree(checkpoint)
    nlp = spacy.load(tmp_path / "out" / "model-best")
    assert [(ent.text, ent.label_) for ent in nlp(SLIPS[1][0]).ents] == SLIPS[1][1]
