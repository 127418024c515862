"""Training on finished annotations, and which model is chosen."""

from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from thinc.api import Config

from spacy_xner.corpus.docbin import read_docs
from spacy_xner.serving.label_studio import job
from spacy_xner.serving.label_studio.corpora import write_corpora
from spacy_xner.serving.label_studio.folder import State, TrainFolder
from spacy_xner.serving.label_studio.retraining import (
    BATCH_SIZE,
    EPOCHS,
    MIN_STEPS,
    continue_from,
    limit_steps,
    read_config,
    score,
)
from tests.conftest import entities_of, train_nlp
from tests.serving.label_studio_annotations import KEPT, LABELS, TRAINED, annotate, write_source


@pytest.fixture(scope="module")
def source(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a pipeline that was trained on other texts, with a config to train it with."""
    folder = tmp_path_factory.mktemp("pipelines") / "slips"
    write_source(train_nlp(tiny), folder, tiny, head="softmax")
    return folder


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> TrainFolder:
    return TrainFolder(tmp_path / "labelled", str(source))


def read_log(folder: TrainFolder) -> list[Any]:
    path = folder.path / "log.jsonl"
    return [*srsly.read_jsonl(path)] if path.exists() else []


def test_a_better_model_takes_over_and_the_old_one_is_kept(folder: TrainFolder, source: Path):
    annotate(folder, [*KEPT[:6], *TRAINED[:24]])
    message = job.run(folder, "cpu")
    (row,) = read_log(folder)
    assert row["message"] == message
    assert (row["annotations"], row["texts"], row["kept"]) == (30, 24, 6)
    assert row["after"] >= row["before"]
    assert row["takes_over"] is True
    state = folder.read()
    assert (state.model, state.trained, state.message) == (1, folder.annotations.list_versions(), message)
    assert folder.list_models() == [0, 1]
    assert [file.name for file in folder.path.iterdir() if file.name.startswith((".", "training"))] == []
    # What is served is what was compared, and the old one is as it was.
    before, after = spacy.load(source), spacy.load(folder.find_model(1))
    kept = spacy.load(folder.model_path(0))
    assert all(entities_of(before(text)) == entities_of(kept(text)) for text in KEPT)
    hits = [(text.split(",")[0], "PER") in entities_of(after(text)) for text in KEPT[:6]]
    assert sum(hits) / len(hits) >= row["before"]
    assert folder.count_new() == 0
    # No text that is kept was trained on.
    train = write_corpora(folder.path, [*folder.annotations.read_tasks(state.trained)], after).train
    texts = {
        doc.text for doc in spacy.tokens.DocBin().from_disk(train / "annotations.spacy").get_docs(after.vocab)
    }
    assert texts == {*TRAINED[:24]}


def test_a_worse_model_does_not_take_over(folder: TrainFolder, monkeypatch: pytest.MonkeyPatch):
    annotate(folder, [*KEPT[:3], *TRAINED[:6]])
    scores = iter([0.9, 0.8999])
    monkeypatch.setattr(job, "score", lambda nlp, corpora: next(scores))
    message = job.run(folder, "cpu")
    assert message.startswith("the model stays")
    assert (folder.read().model, folder.list_models()) == (0, [0])
    assert read_log(folder)[0]["takes_over"] is False
    # It is not trained again on the same annotations.
    assert folder.count_new() == 0
    assert not (folder.path / "training").exists()


@pytest.mark.parametrize(("texts", "what"), [(TRAINED, "kept to compare models"), (KEPT, "to train on")])
def test_it_waits_until_there_are_texts_of_both_kinds(folder: TrainFolder, texts: list[str], what: str):
    annotate(folder, texts[:3])
    assert what in job.run(folder, "cpu")
    assert (folder.read().model, folder.read().trained, read_log(folder)) == (0, {}, [])
    assert folder.count_new() == 3


def test_texts_of_the_user_count_as_well(folder: TrainFolder, source: Path):
    annotate(folder, TRAINED[:3])
    nlp = spacy.load(source)
    doc = nlp.make_doc("Bo")
    doc.set_ents([spacy.tokens.Span(doc, 0, 1, "OTHER")], default="outside")
    for part in ("train", "dev"):
        (folder.path / part).mkdir()
        spacy.tokens.DocBin(docs=[doc]).to_disk(folder.path / part / "own.spacy")
    corpora = write_corpora(
        folder.path, [*folder.annotations.read_tasks(folder.annotations.list_versions())], nlp
    )
    assert (corpora.n_train, corpora.n_dev, corpora.lacks) == (4, 1, "")
    assert corpora.entities == {*LABELS, "OTHER"}


def test_no_text_is_both_trained_on_and_kept(folder: TrainFolder, source: Path):
    annotate(folder, [*KEPT[:2], *TRAINED[:2]])
    nlp = spacy.load(source)
    for part, text in (("train", KEPT[0]), ("dev", TRAINED[0])):
        (folder.path / part).mkdir()
        doc = nlp.make_doc(text)
        doc.set_ents([spacy.tokens.Span(doc, 0, 1, "PER")], default="outside")
        spacy.tokens.DocBin(docs=[doc]).to_disk(folder.path / part / "own.spacy")
    tasks = [*folder.annotations.read_tasks(folder.annotations.list_versions())]
    corpora = write_corpora(folder.path, tasks, nlp)
    parts = [{doc.text for doc in read_docs(path, nlp.vocab)} for path in (corpora.train, corpora.dev)]
    assert parts == [{KEPT[0], TRAINED[1]}, {TRAINED[0], KEPT[1]}]
    assert corpora.left_out.total() == 2


@pytest.mark.slow
def test_new_labels_are_learned(folder: TrainFolder):
    annotate(folder, [*KEPT[:3], *TRAINED[:12]], label="BOX", labels=(*LABELS, "BOX"))
    job.run(folder, "cpu")
    assert folder.read().model == 1
    assert {*spacy.load(folder.find_model(1)).get_pipe("xner").labels} == {*LABELS, "BOX"}


def test_labels_that_nobody_could_choose_are_taught_by_the_model_itself(folder: TrainFolder, source: Path):
    annotate(folder, [*KEPT[:3], *TRAINED[:6]], labels=["PER"])
    tasks = [*folder.annotations.read_tasks(folder.annotations.list_versions())]
    corpora = write_corpora(folder.path, tasks, spacy.load(source))
    config = Config().from_disk(source / "config.cfg", interpolate=False)
    continue_from(config, source, corpora)
    settings = config["initialize"]["components"]["xner"]
    assert settings["teacher"]["name"] == settings["init_from"] == str(source)
    assert settings["teacher"]["open_labels"] is True
    job.run(folder, "cpu")
    assert {*spacy.load(folder.find_model(folder.read().model)).get_pipe("xner").labels} == {*LABELS}


@pytest.mark.slow
def test_components_that_are_not_annotated_stay_as_they_are(tiny: Path, source: Path, folder: TrainFolder):
    nlp = spacy.load(source)
    nlp.add_pipe("entity_ruler", before="xner").add_patterns([{"label": "LOC", "pattern": "Oslo"}])
    nlp.to_disk(folder.path / "ruled")
    ruled = TrainFolder(folder.path / "more", str(folder.path / "ruled"))
    annotate(ruled, [*KEPT[:3], *TRAINED[:6]])
    job.run(ruled, "cpu")
    after = spacy.load(ruled.find_model(1))
    assert after.pipe_names == ["entity_ruler", "xner"]
    assert ("Oslo", "LOC") in entities_of(after("Oslo"))


def test_a_config_in_the_folder_is_used_as_it_is(tmp_path: Path, source: Path):
    own = tmp_path / "config.cfg"
    assert read_config(own, source / "config.cfg", 8)["vars"]["max_steps"] == MIN_STEPS
    Config({"vars": {"max_steps": 7}}).to_disk(own)
    assert read_config(own, source / "config.cfg", 8) == {"vars": {"max_steps": 7}}


@pytest.mark.parametrize(
    ("n_texts", "most", "steps"),
    [(1, 1000, MIN_STEPS), (1, 5, 5), (1000, 10_000, EPOCHS * 1000 // BATCH_SIZE)],
)
def test_trainings_are_as_long_as_their_texts_need(n_texts: int, most: int, steps: int):
    config = Config({"training": {"max_steps": most}})
    limit_steps(config, n_texts)
    assert config["training"]["max_steps"] == steps
    config = Config(
        {"vars": {"max_steps": most, "warmup_steps": 100}, "training": {"max_steps": "${vars.max_steps}"}}
    )
    limit_steps(config, n_texts)
    assert config.interpolate()["training"]["max_steps"] == steps
    assert config["vars"]["warmup_steps"] == min(100, steps // 10)


def test_the_score_counts_annotated_labels_alone(folder: TrainFolder, source: Path, trained: Language):
    nlp = spacy.load(source)
    doc = nlp("Send to Anna Schmidt, DHL Express")
    assert entities_of(doc) == [("Anna Schmidt", "PER"), ("DHL Express", "COURIER")]
    (folder.path / "dev").mkdir()
    gold = nlp.make_doc(doc.text)
    gold.set_ents([spacy.tokens.Span(gold, 2, 4, "PER")], default="outside")
    spacy.tokens.DocBin(docs=[gold]).to_disk(folder.path / "dev" / "own.spacy")
    corpora = write_corpora(folder.path, [], nlp)
    assert score(nlp, corpora) == 1.0
    corpora.entities.add("COURIER")
    assert score(nlp, corpora) == pytest.approx(2 / 3)


def test_old_models_are_removed_but_the_first_and_the_one_before(folder: TrainFolder):
    for number in range(6):
        folder.model_path(number).mkdir(parents=True)
    assert folder.list_old_models() == [1, 2, 3]


def test_a_folder_belongs_to_one_pipeline(folder: TrainFolder, tmp_path: Path):
    folder.write(State(folder.source, model=2))
    again = TrainFolder(folder.path, folder.source)
    assert (again.model, again.find_model(2)) == (2, str(folder.path / "models" / "2"))
    with pytest.raises(ValueError, match="must be that of one pipeline"):
        TrainFolder(folder.path, str(tmp_path))


def test_two_trainings_do_not_run_at_once(folder: TrainFolder, monkeypatch: pytest.MonkeyPatch):
    from spacy_xner.atomic import new_folder

    with new_folder(folder.model_path(1)), pytest.raises(BlockingIOError, match="Only one process"):
        job.run(folder, "cpu")
