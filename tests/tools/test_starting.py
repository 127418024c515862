"""Configs for each task and head, and the project: parsed, filled, validated and trained by spaCy itself."""

from importlib import import_module
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from typer.testing import CliRunner

from spacy_xner.cli import app
from spacy_xner.tools.starting import PROJECT_CONFIGS, init_project
from spacy_xner.tools.starting.recipe import HEADS

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
    layers = ("--vars.layers", 1) if "--distill" in choices else ()
    options = [str(word) for pair in paths.items() for word in (f"--{pair[0]}", pair[1])]
    code, _, err = invoke("train", file, "--output", output, *options, *settings, *layers)
    assert code == 0, err
    nlp = spacy.load(output / "model-last")
    assert isinstance(nlp("Send to Anna Schmidt, DHL Express"), Doc)
    assert nlp.resume_training()
    debug_config(output / "model-last" / "config.cfg")
    large = str(corpus.with_name("large.spacy"))
    debug_data(output / "model-last" / "config.cfg", config_overrides=dict.fromkeys(paths, large))
