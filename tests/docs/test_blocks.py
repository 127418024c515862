"""Every block of code in the READMEs and the documentation, run as people type it, or at least parsed."""

import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from spacy.language import Language
from spacy.tokens import DocBin

import spacy_xner
from spacy_xner.tools.encoders.tiny import write_tiny

from ..conftest import SLIPS, make_examples, write_checkpoint
from .blocks import PAGES, read_blocks, read_starting_files
from .commands import TEXTS, Quick, parse, run
from .shell import Shell

# Pages that run in the default suite; the blocks of the others are parsed there.
FAST = {"docs/get-started.md", "docs/guides/your-data.md"}


@pytest.fixture(scope="module")
def checkpoint(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny token-classification checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoint")
    return write_checkpoint(folder, tiny, ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])


@pytest.fixture
def provide(trained: Language, tiny: Path) -> Callable[[Path], None]:
    """Return a function that writes a file or folder which a page starts with, known by its name."""

    def write(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".spacy":
            DocBin(docs=[eg.reference for eg in make_examples(trained)]).to_disk(path)
        elif path.suffix == ".txt":
            path.write_text("\n".join(text for text, _ in SLIPS), encoding="utf-8")
        elif path.suffix == ".conll":
            path.write_text("Ida\tB-PER\nran\tO\n\nBo\tB-PER\nEk\tI-PER\n", encoding="utf-8")
        elif path.parent.name == "encoder":
            shutil.copytree(tiny, path)
        else:
            trained.to_disk(path)

    return write


@pytest.fixture
def shell(tmp_path: Path, checkpoint: Path, tiny: Path) -> Shell:
    """Bash in an empty folder."""
    for name in ("page", "calls"):
        (tmp_path / name).mkdir()
    return Shell(tmp_path / "page", tmp_path / "calls", partial(run, quick=Quick(checkpoint, tiny)))


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=() if page in FAST else pytest.mark.slow) for page in PAGES]
)
def test_blocks_run(
    page: str, shell: Shell, provide: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shell.folder)
    for name in read_starting_files(page):
        provide(shell.folder / name)
    monkeypatch.setattr(spacy_xner, "write_mini_encoder", _write_tiny_encoder)
    few_steps = {"training.max_steps": 4, "training.eval_frequency": 2}
    monkeypatch.setattr(spacy_xner, "train", partial(spacy_xner.train, overrides=few_steps))
    names: dict[str, object] = {"__name__": "__main__"}
    for block in read_blocks(page):
        if block.reason is None and block.language == "bash":
            output = shell.run(block.code)
            assert output.code == 0, f"{block.place}\n{output.stdout.decode()}{output.stderr.decode()}"
        elif block.reason is None and block.language == "python":
            torch.manual_seed(0)
            exec(compile(block.code, block.place, "exec"), names)


def _write_tiny_encoder(folder: str | Path, **settings: object) -> None:
    write_tiny(Path(folder), TEXTS.read_text("utf-8").splitlines())


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_exist(page: str, tmp_path: Path) -> None:
    (tmp_path / "calls").mkdir()
    shell = Shell(tmp_path, tmp_path / "calls", parse)
    for block in read_blocks(page):
        if block.language == "python":
            compile(block.code, block.place, "exec")
        else:
            output = shell.run(block.code)
            assert output.code == 0, f"{block.place}: {output.stderr.decode()}"


def test_few_blocks_cannot_run() -> None:
    reasons = [block.reason for page in PAGES for block in read_blocks(page) if block.reason is not None]
    assert len(reasons) <= 6, reasons


def test_translations_show_the_same_examples() -> None:
    for page in PAGES:
        translated = "README.zh-CN.md" if page == "README.md" else page.replace("docs/", "docs/zh/")
        if translated in PAGES and page != translated:
            assert _without_comments(page) == _without_comments(translated), translated


def _without_comments(page: str) -> list[tuple[str, str]]:
    return [(block.language, re.sub(r" *# .*", "", block.code)) for block in read_blocks(page)]
