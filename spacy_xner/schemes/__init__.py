"""Tagging schemes, and how corpora spell their tags."""

from .scheme import (
    ALIASES,
    OUTSIDE,
    ROLES,
    SCHEMES,
    Repair,
    Scheme,
    TagScheme,
    is_label_first,
    join_roles,
)
from .spelling import Spelling

__all__ = [
    "ALIASES",
    "OUTSIDE",
    "ROLES",
    "SCHEMES",
    "Repair",
    "Scheme",
    "Spelling",
    "TagScheme",
    "is_label_first",
    "join_roles",
]
