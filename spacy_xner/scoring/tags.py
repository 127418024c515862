"""Gold against predicted tags of tokens, with the numbers of scikit-learn."""

import warnings
from collections import Counter
from collections.abc import Iterable
from typing import TypedDict

from ..schemes import TagScheme
from ..types import Entity
from .counts import LabelledSpan, ScoreRow, ZeroDivision
from .pairs import DocPair, pair_on_gold_tokens


class TagReport(TypedDict):
    """Scores of tags, as `sklearn.metrics.classification_report` has them.

    Attributes:
        scheme: The tagging scheme.
        per_tag: Scores of each tag that is in the gold or was predicted, ``O`` among them, sorted.
        accuracy: Share of tokens with the right tag, from 0 to 1.
        macro: Means over tags.
        weighted: Means over tags, weighted by support.
        n_tokens: Number of annotated tokens.
    """

    scheme: str
    per_tag: dict[str, ScoreRow]
    accuracy: float
    macro: ScoreRow
    weighted: ScoreRow
    n_tokens: int


class TagScores:
    """Counts of the tags of annotated tokens, which are those of the gold docs.

    Args:
        scheme: Name of the tagging scheme; see `SCHEMES`.
        zero_division: Precision without predictions, and recall without gold.

    Raises:
        ValueError: If the scheme is unknown.
    """

    def __init__(self, scheme: str = "IOB2", zero_division: ZeroDivision = 0) -> None:
        self._scheme = TagScheme(scheme)
        self._zero_division: ZeroDivision = zero_division
        # Of gold and predicted tags.
        self.counts: Counter[tuple[str, str]] = Counter()

    def add(self, docs: DocPair) -> None:
        """Count the tags of an annotated text: those of ``doc.ents``.

        A token of the gold doc into which a predicted entity reaches is in the entity.
        """
        pair = pair_on_gold_tokens(docs)
        gold, predicted = (self._write(spans, len(pair.known)) for spans in (pair.gold, pair.predicted))
        tags = zip(gold, predicted, pair.known, strict=True)
        self.counts.update((tag, other) for tag, other, is_known in tags if is_known)

    def report(self) -> TagReport | None:
        """Return the scores; None if no token is annotated."""
        if not self.counts:
            return None
        # It is slow to import, and only this needs it.
        from sklearn.metrics import classification_report

        from .reference import read_row

        gold, predicted = zip(*self.counts, strict=True)
        with warnings.catch_warnings():
            # The support of a tag without gold or without predictions shows why it scores 0 or 1.
            warnings.simplefilter("ignore")
            table = classification_report(
                gold,
                predicted,
                sample_weight=[*self.counts.values()],
                output_dict=True,
                zero_division=self._zero_division,
            )
        accuracy = float(table.pop("accuracy"))
        rows = {name: read_row(row) for name, row in table.items()}
        macro, weighted = rows.pop("macro avg"), rows.pop("weighted avg")
        return {
            "scheme": self._scheme.name,
            "per_tag": rows,
            "accuracy": accuracy,
            "macro": macro,
            "weighted": weighted,
            "n_tokens": self.counts.total(),
        }

    def _write(self, spans: Iterable[LabelledSpan], n_tokens: int) -> list[str]:
        return self._scheme.encode([Entity(*span) for span in spans], n_tokens)
