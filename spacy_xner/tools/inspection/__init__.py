"""Reports what a corpus contains and what is wrong with it, before a model is trained on it."""

from .facts import Inspection, SplitFacts, inspect
from .page import render_page
from .table import render_inspection

__all__ = ["Inspection", "SplitFacts", "inspect", "render_inspection", "render_page"]
