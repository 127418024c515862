"""The public API: the names in `__all__`, the example of each, and what importing the package loads."""

import ast
import doctest
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import DocBin
from transformers import AutoTokenizer

import spacy_xner

from .conftest import SLIPS, make_examples, train_nlp, write_checkpoint
from .pipeline import test_xcat as texts

PUBLIC = {
    "Entity",
    "ReadOptions",
    "WriteOptions",
    "adopt",
    "calibrate",
    "compare",
    "convert",
    "evaluate",
    "export",
    "export_hf",
    "init_config",
    "init_project",
    "inspect",
    "load",
    "package",
    "prune_encoder",
    "push",
    "read_records",
    "review",
    "select",
    "shrink",
    "synthesize",
    "train",
    "tune_thresholds",
    "write_mini_encoder",
}
# These examples take seconds; one needs the installed weights.
SLOW = {"package", "write_mini_encoder"}
CONLL = {
    "train.conll": "Bo\tB-PER\nmet\tO\nAnn\tB-PER\n\nDHL\tB-COURIER\n\ncall\tO\n030-1234\tB-PHONE\n",
    "dev.conll": "DHL\tB-COURIER\n\nAnn\tB-PER\n",
}


def test_exported_names() -> None:
    assert set(spacy_xner.__all__) == PUBLIC | {"__version__"}
    assert len(spacy_xner.__all__) == len(PUBLIC) + 1
    assert set(spacy_xner.__all__) <= set(dir(spacy_xner))
    for name in PUBLIC:
        value = getattr(spacy_xner, name)
        assert (value.__name__, value.__module__.split(".")[0]) == (name, "spacy_xner")


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(spacy_xner.__file__).read_text("utf-8"))
    (block, *_) = [node for node in tree.body if isinstance(node, ast.If)]
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    imported = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported == PUBLIC


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="module 'spacy_xner' has no attribute 'fit'"):
        spacy_xner.fit  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'fit'"):
        from spacy_xner import fit  # noqa: F401


def test_import_loads_neither_torch_nor_spacy() -> None:
    code = (
        "import sys, spacy_xner; dir(spacy_xner); spacy_xner.Entity(0, 1, 'PER')\n"
        "print(spacy_xner.__version__)\n"
        "print(*{name.split('.')[0] for name in sys.modules} & {'torch', 'spacy', 'thinc', 'transformers'})"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == f"{spacy_xner.__version__}\n\n"


def test_python_m_runs_the_command_line() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "spacy_xner", "--help"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "evaluate" in shown


@pytest.fixture(scope="module")
def workspace(trained: Language, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples use: corpora, texts, an encoder, a checkpoint and pipelines."""
    folder = tmp_path_factory.mktemp("workspace")
    for name, lines in CONLL.items():
        (folder / name).write_text(lines, encoding="utf-8")
    (folder / "texts.txt").write_text("\n".join(text for text, _ in SLIPS), encoding="utf-8")
    for part in ("train", "dev"):
        docs = [eg.reference for eg in make_examples(trained)]
        DocBin(docs=docs).to_disk(folder / f"{part}.spacy")
    trained.to_disk(folder / "pipeline")
    people = [(text, [ent for ent in ents if ent[1] == "PER"]) for text, ents in SLIPS]
    train_nlp(tiny, slips=people).to_disk(folder / "old_pipeline")
    shutil.copytree(tiny, folder / "encoder")
    write_checkpoint(folder / "checkpoint", tiny, ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
    AutoTokenizer.from_pretrained(tiny).save_pretrained(folder / "checkpoint")
    classifier = texts.make_nlp(tiny, "MultiLabelHead")
    examples = texts.train(classifier, texts.TEXTS)
    classifier.to_disk(folder / "text_pipeline")
    DocBin(docs=[eg.reference for eg in examples], store_user_data=True).to_disk(folder / "texts.spacy")
    return folder


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in sorted(PUBLIC)]
)
def test_examples_run(
    name: str,
    workspace: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(workspace, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    doc = inspect.getdoc(getattr(spacy_xner, name)) or ""
    assert "Examples:\n" in doc
    example = doctest.DocTestParser().get_doctest(doc.split("Examples:\n")[1], {}, name, None, None)
    assert any(f"spacy_xner.{name}(" in part.source for part in example.examples)
    failed, tried = doctest.DocTestRunner().run(example, clear_globs=False)
    assert (failed, tried) == (0, len(example.examples)), capsys.readouterr().out
