"""Details of an evaluation, and the page that shows them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...atomic import new_file
from ...scoring.details import detail_entities
from ...scoring.entities import is_annotated
from ...scoring.intervals import Differences, compare_texts
from ...scoring.pairs import DocPair
from ...scoring.tally import TextTally, match_text
from .groups import choose_namer
from .page import render_page
from .samples import WorstTexts, WrongText


class Details:
    """Collects the details of scores of entities, text by text, and no doc.

    Args:
        by: What texts are grouped by. See `choose_namer`.
        has_samples: Whether the texts with the most errors are collected, too.
    """

    def __init__(self, by: str, *, has_samples: bool) -> None:
        self.tally = TextTally()
        self._by = by
        self._namer = choose_namer(by)
        self._worst = WorstTexts() if has_samples else None
        self._n_texts = 0

    def add(self, docs: DocPair) -> None:
        """Add the next text of the corpus."""
        self._n_texts += 1
        group = self._namer.name(docs.reference)
        if not is_annotated(docs):
            return
        text = match_text(docs, self._n_texts, group)
        self.tally.add(text)
        if self._worst is not None:
            self._worst.add(text)

    def report(self) -> dict[str, Any]:
        """Return `EntityDetails` and ``by``; empty if no text is annotated with entities.

        Raises:
            ValueError: If texts cannot be grouped that way.
        """
        self._namer.check()
        return {**detail_entities(self.tally), "by": self._by} if self.tally.counts.n_texts else {}

    def list_worst(self) -> list[WrongText]:
        """List the texts with the most errors, the worst first."""
        return [] if self._worst is None else self._worst.list()


def test_differences(before: TextTally, after: TextTally) -> Differences:
    """Compare two pipelines on the same texts."""
    labels = sorted({*before.counts.labels, *after.counts.labels})
    return compare_texts(before.counts.table(labels), after.counts.table(labels))


def write_page(path: Path, scores: Mapping[str, Any], worst: Sequence[WrongText], **names: str) -> None:
    """Write the page of an evaluation, whole or not at all.

    Args:
        path: The file.
        scores: Scores with details.
        worst: Texts with errors.
        names: Names of ``model`` and ``corpus``, and ``before``.
    """
    page = render_page(scores, worst, **names)
    with new_file(path) as part:
        part.write_text(page, encoding="utf-8")
