"""Reports what a corpus contains and what is wrong with it, before a model is trained on it."""

from .advice import Inspection, inspect
from .facts import SplitFacts
from .page import render_page
from .table import render_inspection

__all__ = ["Inspection", "SplitFacts", "inspect", "render_inspection", "render_page"]
