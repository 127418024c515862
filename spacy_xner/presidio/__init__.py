"""Pipelines in Presidio, with the scores of the model: an NLP engine, a recognizer, and an analyzer.

Presidio finds recognizers of its YAML files by class name, once this package is imported.
"""

from importlib.util import find_spec

if find_spec("presidio_analyzer") is None:
    raise ImportError(
        "spacy_xner.presidio needs the package presidio-analyzer. Install it with: "
        'pip install "spacy-xner[presidio]"'
    )

from .analyzer import create_analyzer
from .engine import XnerNlpEngine
from .recognizer import XnerRecognizer
from .suffixes import OfflineEmailRecognizer

__all__ = ["OfflineEmailRecognizer", "XnerNlpEngine", "XnerRecognizer", "create_analyzer"]
