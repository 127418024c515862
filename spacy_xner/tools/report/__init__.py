"""Details of an evaluation, and the page that shows them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spacy.tokens import Doc

from ...atomic import new_file
from ...scoring.details import MatchedText, count_texts, detail_entities, list_labels, match_texts
from ...scoring.intervals import Differences, compare_texts
from ...scoring.pairs import Prediction
from .groups import name_groups
from .page import render_page
from .samples import choose_worst


def add_details(scores: dict[str, Any], predictions: Sequence[Prediction], by: str) -> list[MatchedText]:
    """Add the details of scores of entities to them, and return the texts with their errors.

    Raises:
        ValueError: If texts cannot be grouped that way.
    """
    gold: list[Doc] = [prediction.reference for prediction in predictions]
    texts = match_texts(predictions, name_groups(gold, by))
    if texts:
        scores |= {**detail_entities(texts), "by": by}
    return texts


def test_differences(before: Sequence[MatchedText], after: Sequence[MatchedText]) -> Differences:
    """Compare two pipelines on the same texts."""
    labels = list_labels([*before, *after])
    return compare_texts(count_texts(before, labels), count_texts(after, labels))


def write_page(path: Path, scores: Mapping[str, Any], texts: Sequence[MatchedText], **names: str) -> None:
    """Write the page of an evaluation, whole or not at all.

    Args:
        path: The file.
        scores: Scores with details.
        texts: Texts with their errors.
        names: Names of ``model`` and ``corpus``, and ``before``.
    """
    page = render_page(scores, choose_worst(texts), **names)
    with new_file(path) as part:
        part.write_text(page, encoding="utf-8")
