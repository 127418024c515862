"""What having the package installed costs, and that all it registers is there."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

GROUPS = [
    "spacy_factories",
    "spacy_architectures",
    "spacy_tokenizers",
    "spacy_scorers",
    "spacy_cli",
    "thinc_optimizers",
]


def test_entry_points_all_resolve() -> None:
    ours = [ep for group in GROUPS for ep in entry_points(group=group) if ep.value.startswith("spacy_xner")]
    assert {ep.group for ep in ours} == set(GROUPS)
    for ep in ours:
        ep.load()


def run_python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_blank_pipeline_loads_neither_our_model_nor_transformers() -> None:
    # Whatever spacy-transformers imports is not ours: it is made unimportable here.
    loaded = run_python(
        "import sys; sys.modules['transformers'] = sys.modules['spacy_transformers'] = None\n"
        "import spacy\n"
        "before = set(sys.modules)\n"
        "from importlib.metadata import entry_points\n"
        "eps = [ep for ep in entry_points(group='spacy_factories') if ep.value.startswith('spacy_xner')]\n"
        "[ep.load() for ep in eps]\n"
        "print(len(eps), *sorted(m for m in set(sys.modules) - before))"
    ).split()
    assert loaded[0] == "2"
    heavy = [
        m for m in loaded[1:] if m.split(".")[0] in ("torch", "transformers", "tokenizers", "safetensors")
    ]
    assert heavy == []
    assert [m for m in loaded[1:] if m.startswith("spacy_xner.nn") or m == "spacy_xner.models.entity"] == []


def test_commands_are_there_under_spacy_too() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "spacy", "xner", "--help"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert all(name in shown for name in ("encoder", "convert", "train", "evaluate", "predict", "device"))


@pytest.mark.parametrize(
    "module", ["spacy_xner.pipeline.factories", "spacy_xner.tokenizer", "spacy_xner.cli"]
)
def test_light_modules_do_not_import_transformers(module: str) -> None:
    loaded = run_python(f"import sys, {module}; print(*sys.modules)").split()
    assert "transformers" not in loaded
    assert "spacy_xner.nn.encoder.encoder" not in loaded
