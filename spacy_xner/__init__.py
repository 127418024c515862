"""Fine-tune XLM-R-style encoders as spaCy components for multilingual sequence labelling.

The names in `__all__` are the public API. They are imported on first use, so that ``import spacy_xner`` loads
neither torch nor spaCy. Other modules are internal and may change in any release; pipelines, configs and
registered names keep working.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .corpus.convert import convert
    from .corpus.export import export
    from .corpus.reading.options import ReadOptions, WriteOptions
    from .corpus.records import read_records
    from .loading import adopt, load
    from .tools.encoders.mini import write_mini_encoder
    from .tools.encoders.prune import prune_encoder
    from .tools.evaluate import compare, evaluate, tune_thresholds
    from .tools.inspection import inspect
    from .tools.shrink import shrink
    from .tools.synth import synthesize
    from .types import Entity

__all__ = [
    "Entity",
    "ReadOptions",
    "WriteOptions",
    "__version__",
    "adopt",
    "compare",
    "convert",
    "evaluate",
    "export",
    "inspect",
    "load",
    "prune_encoder",
    "read_records",
    "shrink",
    "synthesize",
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
    "compare": "tools.evaluate",
    "convert": "corpus.convert",
    "evaluate": "tools.evaluate",
    "export": "corpus.export",
    "inspect": "tools.inspection",
    "load": "loading",
    "prune_encoder": "tools.encoders.prune",
    "read_records": "corpus.records",
    "shrink": "tools.shrink",
    "synthesize": "tools.synth",
    "tune_thresholds": "tools.evaluate",
    "write_mini_encoder": "tools.encoders.mini",
}

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
