"""Scores of pipeline and checkpoint, beside those of `evaluate` and of transformers itself."""

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_xner.loading import adopt
from spacy_xner.publishing.export import STRATEGIES, export_hf
from spacy_xner.publishing.measure import make_doc, read_spans
from spacy_xner.tools.evaluate import evaluate
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, make_examples, train_nlp, write_checkpoint
from ..pipeline import test_xcat
from ..test_cli import invoke
from .conftest import load_pipeline, save

BIO = ["O", *(f"{letter}-{label}" for label in ("PER", "LOC", "COURIER", "PHONE") for letter in "BI")]


def f1(gold: set[tuple[int, int, int, str]], found: set[tuple[int, int, int, str]]) -> float:
    return 2 * len(gold & found) / (len(gold) + len(found))


def test_scores_of_entities(trained: Language, corpus: Path, tmp_path: Path) -> None:
    folder = save(trained, tmp_path / "nlp")
    seen: list[tuple[int, int]] = []
    report = export_hf(
        folder, tmp_path / "out", lossy=True, corpus=corpus, on_progress=lambda *x: seen.append(x)
    )
    scores = report.scores
    assert scores is not None
    assert (scores.measure, scores.n_texts, len(seen), seen[-1]) == ("F1", 4, 20, (20, 20))
    assert [row.name for row in scores.rows] == ["pipeline", *STRATEGIES]
    assert scores.rows[0].score == evaluate(folder, corpus)["strict"]["micro"]["f"] == 1.0
    gold = {
        (i, text.index(part), text.index(part) + len(part), label)
        for i, (text, ents) in enumerate(SLIPS)
        for part, label in ents
    }
    for row in scores.rows[1:]:
        with pytest.warns(UserWarning, match="words") if row.name != "simple" else nullcontext():
            runner = load_pipeline(tmp_path / "out", row.name)
            found = {
                (i, ent.start_char, ent.end_char, ent.label_)
                for i, (text, _) in enumerate(SLIPS)
                for ent in make_doc(trained.make_doc(text), read_spans(text, runner(text))).ents
            }
        assert row.score == pytest.approx(f1(gold, found))
        wrong = {i for i, *_ in gold ^ found}
        assert row.same == 1 - len(wrong) / len(SLIPS)


def test_adopted_checkpoint_loses_nothing(tiny: Path, corpus: Path, tmp_path: Path) -> None:
    nlp = adopt(write_checkpoint(tmp_path / "checkpoint", tiny, BIO), "cpu")
    for _ in range(30):
        nlp.update(make_examples(nlp), sgd=build_adamw_v1(learn_rate=5e-3))
    folder = save(nlp, tmp_path / "nlp")
    scores = export_hf(folder, tmp_path / "out", corpus=corpus, strategies=["simple"]).scores
    assert scores is not None
    ours, theirs = scores.rows
    assert (ours.name, theirs.name, theirs.same) == ("pipeline", "simple", 1.0)
    assert theirs.score == ours.score > 0.8


@pytest.mark.parametrize(("head", "measure"), [("ExclusiveHead", "accuracy"), ("MultiLabelHead", "micro F1")])
def test_scores_of_labels(tiny: Path, tmp_path: Path, head: str, measure: str) -> None:
    nlp = test_xcat.make_nlp(tiny, head, encoder={"pooling": "cls", "cut": "text"})
    texts = test_xcat.ONE if head == "ExclusiveHead" else test_xcat.TEXTS
    examples = test_xcat.train(nlp, texts)
    DocBin(docs=[eg.reference for eg in examples]).to_disk(tmp_path / "dev.spacy")
    scores = export_hf(save(nlp, tmp_path / "nlp"), tmp_path / "out", corpus=tmp_path / "dev.spacy").scores
    assert scores is not None
    assert (scores.measure, [tuple(row) for row in scores.rows]) == (
        measure,
        [("pipeline", 1.0, 1.0), ("transformers", 1.0, 1.0)],
    )


def test_corpus_without_annotation_leaves_nothing(trained: Language, tmp_path: Path) -> None:
    DocBin(docs=[trained.make_doc("x")]).to_disk(tmp_path / "dev.spacy")
    folder = save(trained, tmp_path / "nlp")
    with pytest.raises(ValueError, match="must have texts annotated for 'xner', found none in"):
        export_hf(folder, tmp_path / "out", lossy=True, corpus=tmp_path / "dev.spacy")
    with pytest.raises(FileNotFoundError):
        export_hf(folder, tmp_path / "out", lossy=True, corpus=tmp_path / "none.spacy")
    assert {path.name for path in tmp_path.iterdir()} == {"dev.spacy", "nlp"}


def test_entities_inside_of_tokens_keep_their_characters() -> None:
    doc = spacy.blank("xx")("Anna  Schmidt")
    copy = make_doc(doc, {(2, 4, "A"), (6, 9, "B")})
    assert copy.text == doc.text
    assert [(ent.start_char, ent.end_char, ent.label_) for ent in copy.ents] == [(2, 4, "A"), (6, 9, "B")]
    assert read_spans("a  b", [{"start": 1, "end": 4, "entity_group": "X"}]) == {(3, 4, "X")}
    assert read_spans("a  b", [{"start": 1, "end": 3, "entity_group": "X"}]) == set()


def test_export_hf_command(tiny: Path, corpus: Path, tmp_path: Path) -> None:
    folder = save(train_nlp(tiny, "CRFHead"), tmp_path / "nlp")
    code, out, err = invoke("export-hf", folder, tmp_path / "out")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith("Error: A checkpoint of transformers cannot have the transitions of the CRF and")
    code, out, err = invoke("export-hf", folder, tmp_path / "out", "--lossy", "--corpus", corpus)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[2:]] == ["pipeline", *STRATEGIES]
    assert out.splitlines()[0].split() == ["F1", "same", "texts,", "%"]
    assert out.splitlines()[2].split() == ["pipeline", "100.00", "100.0"]
    assert "Warning: left out the transitions of the CRF." in err
    assert f"Wrote {tmp_path / 'out'}, token-classification: COURIER, LOC, PER, PHONE" in err
    code, out, _ = invoke(
        *("export-hf", folder, tmp_path / "out", "--lossy", "--corpus", corpus, "--overwrite", "--json"),
        *("--aggregation-strategy", "first"),
    )
    facts = json.loads(out)
    assert (code, facts["task"], facts["scores"]["measure"]) == (0, "token-classification", "F1")
    assert [row["name"] for row in facts["scores"]["rows"]] == ["pipeline", "first"]
    assert invoke("export-hf", folder, tmp_path / "out", "--lossy")[0] == 1
