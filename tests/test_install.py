"""What an installed package registers, and what it costs to import."""

import inspect
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import EntryPoint, distribution
from importlib.util import find_spec

import pytest
from spacy import registry
from spacy.language import Language

import spacy_xner

ENTRY_POINTS = distribution("spacy-xner").entry_points
# Presidio needs Python 3.11.
HAS_PRESIDIO = find_spec("presidio_analyzer") is not None
HAS_RAY = find_spec("ray") is not None
# Groups that are no registry of spaCy: commands.
COMMANDS = {"console_scripts", "spacy_cli"}


def registry_of(group: str) -> str | None:
    """Return the name of the registry that reads a group of entry points, or None for commands."""
    return None if group in COMMANDS else group.removeprefix("spacy_").removeprefix("thinc_")


@pytest.mark.parametrize("entry_point", ENTRY_POINTS, ids=lambda each: f"{each.group}-{each.name}")
def test_entry_points_resolve(entry_point: EntryPoint) -> None:
    value = entry_point.load()
    name = registry_of(entry_point.group)
    if name is None:
        assert callable(value)
    elif name == "factories":
        assert Language.has_factory(entry_point.name)
    else:
        assert registry.get(name, entry_point.name) is value


def test_every_builder_is_registered() -> None:
    modules = [
        import_module(module.name)
        for module in pkgutil.walk_packages(spacy_xner.__path__, "spacy_xner.")
        if not module.name.endswith("__main__")
        and (HAS_PRESIDIO or "presidio" not in module.name)
        and (HAS_RAY or "on_ray" not in module.name)
    ]
    builders = {
        f"{value.__module__}:{name}"
        for module in modules
        for name, value in inspect.getmembers(module, inspect.isfunction)
        if re.fullmatch(r"build_\w+_v\d+", name)
    }
    assert builders == {each.value for each in ENTRY_POINTS if ":build_" in each.value}


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
    assert loaded[0] == "3"
    heavy = [
        m for m in loaded[1:] if m.split(".")[0] in ("torch", "transformers", "tokenizers", "safetensors")
    ]
    assert heavy == []
    assert [m for m in loaded[1:] if m.startswith("spacy_xner.nn") or m == "spacy_xner.models.entity"] == []


def test_commands_are_there_under_spacy_too() -> None:
    command = [sys.executable, "-W", "ignore", "-m", "spacy", "xner", "--help"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert all(name in shown for name in ("encoder", "convert", "train", "evaluate", "predict", "device"))


def test_light_modules_do_not_import_transformers() -> None:
    modules = "spacy_xner.pipeline.factories, spacy_xner.tokenizer, spacy_xner.cli"
    loaded = run_python(f"import sys, {modules}; print(*sys.modules)").split()
    assert "transformers" not in loaded
    assert "spacy_xner.nn.encoder.encoder" not in loaded


def test_types_are_found_where_it_is_installed() -> None:
    # mypy and editors read files: an import hook of an editable install hides the package from them.
    files = distribution("spacy-xner").files or []
    assert not [file for file in files if "finder" in file.name], "Install again: pip install -e ."
