"""Configs for each task and head, and the project: parsed, filled, validated and trained by spaCy itself."""

import re
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.util import registry
from thinc.api import Config
from typer.testing import CliRunner

from spacy_xner.cli import app
from spacy_xner.cli import init as command
from spacy_xner.tools.starting import PROJECT_CONFIGS, Recipe, init_project, render_config
from spacy_xner.tools.starting.corpus import choose_recipe, count_seen, explain_steps
from spacy_xner.tools.starting.recipe import HEADS, HeadName, Task

from ..conftest import make_examples

ROOT = Path(__file__).parents[2]
fill_config = import_module("spacy.cli.init_config").fill_config
debug_config = import_module("spacy.cli.debug_config").debug_config
debug_data = import_module("spacy.cli.debug_data").debug_data


def invoke(*words: object) -> tuple[int, str, str]:
    """Run the command line; returns the exit code, standard output and standard error."""
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def corpus(trained: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts with entities, nested ones among them, and with labels."""
    docs = [eg.reference for eg in make_examples(trained)]
    for doc in docs:
        doc.spans["xner"] = [*doc.ents, *(Span(doc, ent.start, ent.start + 1, "PART") for ent in doc.ents)]
        doc.cats = {"slip": float(bool(doc.ents)), "other": float(not doc.ents)}
    file = tmp_path_factory.mktemp("corpus") / "corpus.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(file)
    # `spacy debug data` fails with fewer.
    DocBin(docs=docs * 25, store_user_data=True).to_disk(file.with_name("large.spacy"))
    return file


def test_the_repository_is_a_project(tmp_path: Path) -> None:
    files = init_project(tmp_path)
    assert {f"configs/{name}.cfg" for name in PROJECT_CONFIGS} < {
        file.relative_to(tmp_path).as_posix() for file in files
    }
    for file in files:
        own = ROOT / file.relative_to(tmp_path)
        assert own.read_text("utf-8") == file.read_text("utf-8"), "spacy-xner init project . --overwrite"


CHOICES: list[tuple[str, ...]] = [
    *[("--head", head) for head in HEADS],
    ("--task", "spans"),
    ("--task", "spans", "--head", "pointer"),
    ("--task", "textcat"),
    ("--task", "textcat", "--multilabel", "--device", "cuda"),
    ("--extend", "BASE"),
    ("--distill", "BASE"),
]


# The others take a second each.
FAST = (("--head", "bilstm-crf"), ("--task", "spans"), ("--task", "textcat"), ("--extend", "BASE"))


@pytest.mark.parametrize(
    "choices",
    [pytest.param(words, marks=() if words in FAST else pytest.mark.slow) for words in CHOICES],
    ids=" ".join,
)
# Two steps may make a random network no better.
@pytest.mark.filterwarnings("ignore:model-best must be a trained model")
def test_configs_are_valid_and_train(
    choices: tuple[str, ...], corpus: Path, trained: Language, tiny: Path, tmp_path: Path
) -> None:
    base = tmp_path / "base"
    if "BASE" in choices:
        trained.to_disk(base)
    words = [base if word == "BASE" else word for word in choices]
    encoder = [] if "BASE" in choices else ["--encoder", tiny]
    file, filled, output = (tmp_path / name for name in ("train.cfg", "filled.cfg", "out"))
    assert invoke("init", "config", file, *words, *encoder)[0] == 0
    fill_config(filled, file)
    paths = {"paths.train": str(corpus), "paths.dev": str(corpus)}
    for config in (file, filled):
        debug_config(config, overrides=paths)
    settings = ("--vars.max_steps", 2, "--vars.eval_frequency", 1, "--vars.warmup_steps", 1)
    options = [str(word) for pair in paths.items() for word in (f"--{pair[0]}", pair[1])]
    code, _, err = invoke("train", file, "--output", output, *options, *settings)
    assert code == 0, err
    nlp = spacy.load(output / "model-last")
    assert isinstance(nlp("Send to Anna Schmidt, DHL Express"), Doc)
    assert nlp.resume_training()
    debug_config(output / "model-last" / "config.cfg")
    large = str(corpus.with_name("large.spacy"))
    debug_data(output / "model-last" / "config.cfg", config_overrides=dict.fromkeys(paths, large))


def test_the_corpus_decides_the_config(corpus: Path, trained: Language, tiny: Path, tmp_path: Path) -> None:
    nested = choose_recipe(str(corpus), str(corpus), str(tiny), "cpu")
    assert (nested.task, nested.layers.head, nested.share) == ("spans", "GlobalPointerHead", 0.5)
    assert any("2 labels of texts are left out" in line for line in nested.reasons)
    slips = [eg.reference for eg in make_examples(trained)]
    kinds = [trained.make_doc("dry"), trained.make_doc("wet and cold")]
    kinds[0].cats, kinds[1].cats = {"wet": 0, "cold": 0}, {"wet": 1, "cold": 1}
    page = trained.make_doc("Bo met Ann. " * 60)
    page.set_ents([Span(page, 0, 1, "PER")])
    found = {}
    for name, docs in {"flat": slips, "kinds": kinds, "pages": [page]}.items():
        DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / f"{name}.spacy")
        path = str(tmp_path / f"{name}.spacy")
        recipe = choose_recipe(path, path, str(tiny), "cpu")
        found[name] = (recipe.task, recipe.head, recipe.multilabel, recipe.window, recipe.batch_size)
    assert found == {
        "flat": ("ner", "crf", False, None, 8),
        "kinds": ("textcat", None, True, None, 8),
        "pages": ("ner", "crf", False, 512, 4),
    }


@pytest.mark.parametrize(
    ("n_texts", "on_cpu", "passes"),
    [
        (10, True, 48),
        (480, True, 3.3),
        (5184, True, 1),
        (48_000, True, 1),
        (480_000, True, 0.104),
        (480_000, False, 1),
    ],
)
def test_small_corpora_are_seen_more_often(n_texts: int, on_cpu: bool, passes: float) -> None:
    assert count_seen(n_texts, on_cpu=on_cpu) / n_texts == pytest.approx(passes, rel=0.01)


def test_a_config_can_follow_from_a_corpus(corpus: Path, tiny: Path, tmp_path: Path) -> None:
    file, corpora = tmp_path / "my.cfg", ("--train", corpus, "--dev", corpus)
    code, _, err = invoke("init", "config", file, *corpora, "--encoder", tiny, "--device", "cpu")
    assert code == 0, err
    assert "Chosen by the training corpus: 4 texts of" in err
    assert "The steps see each text 120.0 times on average: the smaller a corpus, the more often." in err
    assert f"Training nested entities with the head global-pointer on {tiny}: 60 steps of 8 texts" in err
    config = Config().from_disk(file, interpolate=False)
    assert config["paths"] == {"train": str(corpus), "dev": str(corpus), "encoder": str(tiny)}
    assert config["vars"]["max_steps"] == 60
    assert "The steps see each text" in file.read_text("utf-8")
    code, _, err = invoke("init", "config", file, *corpora, "--head", "pointer", "--overwrite")
    assert (code, "with the head pointer on xlm-roberta-base" in err) == (0, True), err


def test_most_of_a_large_corpus_takes_long_on_a_cpu() -> None:
    assert explain_steps(0.1) == (
        "The steps see 10% of the texts, for a few hours on a CPU: raise max_steps for more."
    )


def test_train_without_a_config(corpus: Path, tiny: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    paths = ("--paths.train", corpus, "--paths.dev", corpus)
    settings = ("--paths.encoder", tiny, "--vars.max_steps", 2)
    code, _, err = invoke("train", *paths, *settings, "--output", output)
    assert code == 0, err
    assert "Chosen by the training corpus: 4 texts of" in err
    assert f"Training nested entities with the head global-pointer on {tiny}" in err
    config = Config().from_disk(output / "config.cfg")
    assert config["paths"]["train"] == str(corpus)
    assert (
        config["components"]["xner"]["model"]["head"]["@architectures"] == "spacy_xner.GlobalPointerHead.v1"
    )
    assert set(spacy.load(output / "model-best").get_pipe("xner").labels) >= {"PART", "PER"}
    code, _, err = invoke("train", *paths, *settings)
    assert (code, "Add --output DIR." in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "textcat", "--head", "crf"), "A head is chosen for entities, found crf for textcat."),
        (("--multilabel",), "--multilabel is for textcat, found the task ner."),
        (("--task", "spans", "--head", "crf"), "need the head pointer or global-pointer, found crf."),
        (("--extend", "a", "--distill", "b"), "A config extends or distills a model, found both."),
        (
            ("--train", "a", "--dev", "a", "--task", "textcat"),
            "--train chooses the task by the corpus, found another",
        ),
        (("--train", "a"), "--train and --dev must be named together, found one of them."),
        (("--dev", "a"), "--train and --dev must be named together, found one of them."),
        (("--train", "a", "--dev", "a"), "paths.train must name a .spacy file, found no a."),
    ],
)
def test_choices_that_do_not_fit_are_refused(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    file = tmp_path / "train.cfg"
    code, _, err = invoke("init", "config", file, *words)
    assert (code, message in err, file.exists()) == (1, True, False), err


def test_the_command_knows_all_choices() -> None:
    # Listed there once more, since importing them would cost each command a second.
    assert get_args(command.TaskName) == get_args(Task)
    assert get_args(command.HeadName) == get_args(HeadName) == (*HEADS,)


def test_config_goes_to_standard_output() -> None:
    code, out, _ = invoke("init", "config", "-", "--head", "crf")
    assert (code, out.rstrip("\n")) == (0, render_config(Recipe(head="crf")).rstrip("\n"))


def test_rate_fits_what_is_learned() -> None:
    recipes = [Recipe(), Recipe(task="textcat"), Recipe(extend=""), Recipe(distill="")]
    configs = [Config().from_str(render_config(recipe), interpolate=False) for recipe in recipes]
    assert {config["vars"]["learn_rate"] for config in configs} == {"auto"}
    schedules = [config["training"]["optimizer"]["learn_rate"] for config in configs]
    assert [(schedule["goal"], schedule["encoder"]) for schedule in schedules] == [
        ("entities", "${paths.encoder}"),
        ("texts", "${paths.encoder}"),
        ("extension", "${paths.base}"),
        ("entities", "${paths.teacher}"),
    ]


@pytest.mark.issue(28)
@pytest.mark.parametrize(
    ("head", "adjustment"), [("SoftmaxHead", 1.0), ("CRFHead", 0.0), ("PointerHead", 0.0)]
)
def test_logits_of_softmax_heads_are_adjusted(
    head: str, adjustment: float, trained: Language, tmp_path: Path
) -> None:
    config = trained.config.copy()
    config["components"]["xner"]["model"]["head"] = {"@architectures": f"spacy_xner.{head}.v1"}
    config.to_disk(tmp_path / "config.cfg")
    rendered = Config().from_str(render_config(Recipe(extend=str(tmp_path))), interpolate=False)
    assert rendered["vars"]["logit_adjustment"] == adjustment
    assert rendered["vars"]["entity_weight"] == 30.0
    assert rendered["components"]["xner"]["model"]["head"]["@architectures"] == f"spacy_xner.{head}.v1"


def test_half_of_the_teacher_s_layers_are_kept(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path)
    texts = [render_config(Recipe(distill=teacher)) for teacher in (str(tmp_path), "", "not_yet/model-best")]
    assert [Config().from_str(text)["vars"]["layers"] for text in texts] == [1, 6, 6]
    assert "# Half of the teacher's 2 layers." in texts[0]
    assert "set it to half of your teacher's" in texts[1]


@pytest.mark.parametrize("file", ["spacy_xner/tools/starting/config.jinja", "docs/guides/train.md"])
def test_loggers_that_are_named_exist(file: str) -> None:
    names = set(re.findall(r"spacy\.\w+Logger\.v\d+", (ROOT / file).read_text("utf-8")))
    assert {"spacy.MLflowLogger.v2", "spacy.WandbLogger.v5"} < names
    assert [name for name in names if not registry.has("loggers", name)] == []


def test_project_keeps_other_files(tmp_path: Path) -> None:
    own, changed = tmp_path / "notes.txt", tmp_path / "project.yml"
    own.write_text("mine", encoding="utf-8")
    changed.write_text("changed", encoding="utf-8")
    code, _, err = invoke("init", "project", tmp_path)
    assert (code, f"found {changed}" in err) == (1, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "project.yml"]
    assert invoke("init", "project", tmp_path, "--overwrite")[0] == 0
    assert own.read_text("utf-8") == "mine"
    assert changed.read_text("utf-8") != "changed"
