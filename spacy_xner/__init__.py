"""Fine-tune XLM-R-style encoders as spaCy components for multilingual sequence labelling."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("spacy-xner")
