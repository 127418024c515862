"""Trainings that are scored to their last step, and mistakes that are found before they start."""

from pathlib import Path

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_xner.tools.starting import init_config
from spacy_xner.training.curve import CURVE, render_curve
from spacy_xner.training.last_step import build_eval_frequency_v1
from spacy_xner.training.record import read_rows

from ..test_cli import ROOT, invoke

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def train(config: Path | str, corpus: Path, tiny: Path, *options: object) -> tuple[int, str, str]:
    return invoke(
        "train", ROOT / "configs" / config, "--output", corpus.parent / "out", "--device", "cpu",
        "--paths.train", corpus, "--paths.dev", corpus, "--paths.encoder", tiny,
        "--vars.warmup_steps", 1, "--vars.learn_rate", 0.005, *options,
    )  # fmt: skip


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 30, 140, 499, 500, 600, 601, 20000])
def test_a_training_is_scored_often_enough_and_at_its_end(steps: int) -> None:
    every = build_eval_frequency_v1(steps)
    assert 4 <= steps // every <= 8 or steps < 4 or every in range(250, 501)
    assert steps % every <= 1
    assert build_eval_frequency_v1(steps, every=3) == 3


def test_a_frequency_without_an_end() -> None:
    assert build_eval_frequency_v1(0) == 100
    with pytest.raises(ValueError, match="every must be at least 1, found 0"):
        build_eval_frequency_v1(10, every=0)


def test_thirty_steps_of_texts_are_scored_to_the_last(corpus: Path, tiny: Path) -> None:
    code, out, err = train("textcat.cfg", corpus, tiny, "--vars.max_steps", 30, "--plot")
    assert code == 0, err
    folder = corpus.parent / "out"
    assert [row.step for row in read_rows(folder)] == [0, 6, 12, 18, 24, 30]
    assert spacy.load(folder / "model-best").meta["performance"]["cats_score"] == 1.0
    assert ["SLIP", "100.00", "100.00", "100.00"] in [line.split() for line in out.splitlines()]
    assert f"Wrote {folder / 'model-best'}, of step 30" in err
    assert f"Wrote {folder / CURVE}" in err
    assert (folder / CURVE).read_text("utf-8") == render_curve(read_rows(folder))


def test_a_plot_needs_an_output_folder(corpus: Path) -> None:
    code, _, err = invoke("train", ROOT / "configs" / "cpu.cfg", "--plot", "--paths.train", corpus)
    assert (code, err) == (1, "Error: A plot must have an output folder, found none. Add --output DIR.\n")


def test_the_last_step_is_scored_however_the_training_ends(corpus: Path, tiny: Path) -> None:
    # One step per epoch; the frequency is that of another training.
    ends = ("--vars.max_steps", 90, "--training.max_epochs", 25)
    folder = corpus.parent / "out"
    folder.mkdir()
    (folder / CURVE).write_text("of an earlier training", encoding="utf-8")
    code, _, err = train("cpu.cfg", corpus, tiny, *ends, "--vars.eval_frequency", 140)
    assert code == 0, err
    assert not (folder / CURVE).exists()
    first, last = read_rows(folder)
    assert (first.step, last.step) == (0, 24)
    assert last.score > first.score
    metas = [srsly.read_json(folder / name / "meta.json") for name in ("model-best", "model-last")]
    assert [meta["performance"]["ents_f"] for meta in metas] == pytest.approx([last.score, last.score])
    weights = [folder / name / "xner/model/weights.safetensors" for name in ("model-best", "model-last")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    assert f"Wrote {folder / 'model-best'}, of step 24" in err


@pytest.mark.filterwarnings("always::spacy_xner.errors.XnerWarning")
def test_an_untrained_best_model_is_named(corpus: Path, tiny: Path) -> None:
    # A rate that is far too high spoils what chance has given.
    steps = ("--vars.max_steps", 6, "--vars.eval_frequency", 6, "--vars.learn_rate", 0.8)
    head = ("--components.xner.model.head.@architectures", "spacy_xner.SoftmaxHead.v1")
    code, _, err = train("cpu.cfg", corpus, tiny, *steps, *head)
    assert code == 0, err
    assert "learning rate must be low for an encoder to keep what it knows, found 0." in " ".join(err.split())
    assert "model-best must be a trained model, found the untrained one of step 0" in err


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("--vars.max_step", "found max_step. Did you mean --vars.max_steps?"),
        ("--paths.trian", "found trian. Did you mean --paths.train?"),
        ("--vars.x", "batch_size, eval_frequency), found x. Choose one of these."),
    ],
)
def test_unknown_keys_are_refused(option: str, expected: str, corpus: Path, tiny: Path) -> None:
    code, _, err = train("cpu.cfg", corpus, tiny, option, 3)
    assert code == 1
    assert expected in err


def test_the_default_optimizer_of_spacy_is_refused(corpus: Path, tiny: Path, tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("xner")
    nlp.config.to_disk(tmp_path / "config.cfg")
    files = ("--paths.train", corpus, "--paths.dev", corpus)
    code, _, err = invoke("train", tmp_path / "config.cfg", *files, "--gpu-id", -1)
    assert code == 1
    assert "found Adam.v1 at 0.001, which destroys it" in err
    assert "spacy-xner init config" in err


def write_late(folder: Path) -> Path:
    """Write a corpus whose last texts have the only entity, and the only label, of a kind."""
    nlp = spacy.blank("xx")
    docs = []
    for number in range(130):
        doc = nlp.make_doc(f"Anna lives in Oslo box {number}")
        late = [doc.char_span(14, 18, "CITY")] if number >= 120 else []
        doc.set_ents([doc.char_span(0, 4, "PER"), *late], default="outside")
        doc.cats = {"LATE": float(number >= 120)} if number >= 110 else {"EARLY": 1.0}
        docs.append(doc)
    DocBin(docs=docs).to_disk(folder / "late.spacy")
    return folder / "late.spacy"


STREAMED = ("--vars.max_steps", 4, "--training.max_epochs", -1)


def test_a_streamed_corpus_is_learned_with_all_its_labels(tiny: Path, tmp_path: Path) -> None:
    """spaCy initializes pipelines on the first 100 texts of a streamed corpus."""
    late = write_late(tmp_path)
    code, _, err = train("cpu.cfg", late, tiny, *STREAMED)
    assert code == 0, err
    assert spacy.load(tmp_path / "out" / "model-last").get_pipe("xner").labels == ("CITY", "PER")  # type: ignore[attr-defined]


def test_texts_of_a_streamed_corpus_are_learned_with_all_their_labels(tiny: Path, tmp_path: Path) -> None:
    late = write_late(tmp_path)
    code, _, err = train("textcat.cfg", late, tiny, *STREAMED)
    assert code == 0, err
    assert spacy.load(tmp_path / "out" / "model-last").get_pipe("xcat").labels == ("EARLY", "LATE")  # type: ignore[attr-defined]


def test_a_streamed_corpus_adds_its_labels_to_those_of_the_old_model(
    tiny: Path, trained: Language, tmp_path: Path
) -> None:
    late = write_late(tmp_path)
    trained.to_disk(tmp_path / "old")
    old = trained.get_pipe("xner").labels  # type: ignore[attr-defined]
    init_config(tmp_path / "extend.cfg", extend=str(tmp_path / "old"))
    code, _, err = invoke(
        "train", tmp_path / "extend.cfg", "--output", tmp_path / "out", "--device", "cpu",
        "--paths.train", late, "--paths.dev", late, "--vars.warmup_steps", 1, *STREAMED,
    )  # fmt: skip
    assert code == 0, err
    assert spacy.load(tmp_path / "out" / "model-last").get_pipe("xner").labels == (*old, "CITY")  # type: ignore[attr-defined]
