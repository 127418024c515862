"""Fine-tune XLM-R-style encoders as spaCy components for multilingual sequence labelling.

The names in `__all__` are the public API. They are imported on first use, so that ``import spacy_xner`` loads
neither torch nor spaCy. Other modules are internal and may change in any release; pipelines, configs and
registered names keep working.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .corpus.convert import convert
    from .corpus.export import export
    from .corpus.reading.options import ReadOptions, WriteOptions
    from .corpus.records import read_records
    from .loading import adopt, load
    from .publishing.export import export_hf
    from .publishing.push import push
    from .tools.calibrate import calibrate
    from .tools.compare import compare
    from .tools.encoders.mini import write_mini_encoder
    from .tools.encoders.prune import prune_encoder
    from .tools.evaluate import evaluate
    from .tools.inspection import inspect
    from .tools.packaging import package
    from .tools.review import review
    from .tools.selection import select
    from .tools.shrink import shrink
    from .tools.starting import init_config, init_project, train
    from .tools.synth import synthesize
    from .tools.tune import tune_thresholds
    from .types import Entity

__all__ = [
    "Entity",
    "ReadOptions",
    "WriteOptions",
    "__version__",
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
]

__version__ = version("spacy-xner")

# The module of each public name.
_HOMES = {
    "Entity": "types",
    "ReadOptions": "corpus.reading.options",
    "WriteOptions": "corpus.reading.options",
    "adopt": "loading",
    "calibrate": "tools.calibrate",
    "compare": "tools.compare",
    "convert": "corpus.convert",
    "evaluate": "tools.evaluate",
    "export": "corpus.export",
    "export_hf": "publishing.export",
    "init_config": "tools.starting",
    "init_project": "tools.starting",
    "inspect": "tools.inspection",
    "load": "loading",
    "package": "tools.packaging",
    "prune_encoder": "tools.encoders.prune",
    "push": "publishing.push",
    "read_records": "corpus.records",
    "review": "tools.review",
    "select": "tools.selection",
    "shrink": "tools.shrink",
    "synthesize": "tools.synth",
    "train": "tools.starting",
    "tune_thresholds": "tools.tune",
    "write_mini_encoder": "tools.encoders.mini",
}


class _SpacyImport:
    """A finder in ``sys.meta_path`` that registers attributes of docs and spans when spaCy is imported.

    Scores and records of saved docs can then be read without a pipeline, and ``import spacy_xner`` need not
    import spaCy, which takes ten times as long.
    """

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Let the other finders find ``spacy.tokens``, and register the attributes after its import."""
        if name != "spacy.tokens":
            return None
        finders = [finder for finder in sys.meta_path if finder is not self]
        specs = (finder.find_spec(name, path, target) for finder in finders)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                sys.meta_path.remove(self)
                _register_extension()

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def _register_extension() -> None:
    import_module(".pipeline.entities", __name__).register_extensions()
    import_module(".records.values", __name__).register_extension()


if "spacy.tokens" in sys.modules:
    _register_extension()
else:
    sys.meta_path.insert(0, _SpacyImport())

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name on first use (PEP 562)."""
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        """List the public names, imported or not, beside what is loaded."""
        return sorted({*globals(), *__all__})
