"""Finds what is probably labelled wrongly in a corpus."""

from .page import render_page
from .result import Review, render_review, review_to_json
from .run import review
from .tasks import TASK_FORMATS, write_tasks

__all__ = [
    "TASK_FORMATS",
    "Review",
    "render_page",
    "render_review",
    "review",
    "review_to_json",
    "write_tasks",
]
