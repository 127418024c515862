"""Gold against predicted entities, with the numbers of seqeval, as a spaCy scorer."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .counts import EntityCounts, without_support
from .pairs import DocPair, EntityPair, pair_entities


@dataclass
class EntityScores:
    """Counts of entities and of their tags over annotated texts.

    Attributes:
        counts: Gold, predicted and correct entities by label.
        n_texts: Annotated texts.
        n_tags: Annotated tokens, or characters where gold and prediction are tokenized differently.
        n_wrong_tags: Those of them whose BIO tags differ.
    """

    counts: EntityCounts = field(default_factory=EntityCounts)
    n_texts: int = 0
    n_tags: int = 0
    n_wrong_tags: int = 0

    def add(self, pair: EntityPair) -> None:
        """Count one text."""
        self.counts.add(pair.gold, pair.predicted)
        self.n_texts += 1
        self.n_tags += int(np.count_nonzero(pair.known))
        if pair.gold != pair.predicted:
            self.n_wrong_tags += pair.count_wrong_tags()

    def report(self, pairs: Sequence[EntityPair] | None = None) -> dict[str, Any] | None:
        """Return what `score_entities` does.

        Args:
            pairs: All texts, if seqeval itself is to score them.
        """
        if not self.n_texts:
            return None
        if pairs is None:
            report = self.counts.report()
            reports = {"strict": report, "default": report}
        else:
            # It loads scikit-learn, which no pipeline needs that only predicts.
            from .reference import seqeval_reports

            reports = seqeval_reports(pairs, self.counts.zero_division)
        return {**reports, "accuracy": self.accuracy, "n_texts": self.n_texts}

    @property
    def accuracy(self) -> float:
        """Share of tags that are correct, from 0 to 1."""
        return (self.n_tags - self.n_wrong_tags) / max(self.n_tags, 1)


def score_entities(examples: Iterable[DocPair], *, use_seqeval: bool = False) -> dict[str, Any] | None:
    """Score ``doc.ents`` as seqeval does.

    Entities are compared by tokens, or by characters where the two docs are tokenized differently, so that no
    entity is lost. Tokens that the gold leaves open are left out, and so are entities predicted there.

    seqeval defines these scores but does not compute them, unless asked to: writing entities as tags and
    parsing them again, in two modes, takes many times as long as comparing sets, and importing seqeval takes
    over a second. The result is the same. Tags written from entities always begin with ``B-``, so seqeval's
    strict mode (IOB2) and its default mode (conlleval) read back exactly the entities that were written, and
    every score follows from the sets of ``(start, end, label)``. A property test holds the two equal.

    Args:
        examples: Predicted docs with references.
        use_seqeval: Whether seqeval itself computes the scores.

    Returns:
        An `EntityReport` for each of seqeval's modes, ``strict`` and ``default``; ``accuracy``, the share of
        tags that are correct, from 0 to 1; and ``n_texts``. None if no example is annotated.

    Raises:
        ValueError: If gold and predicted text differ in more than white space.
    """
    pairs: Iterable[EntityPair] = _annotated_pairs(examples)
    kept = [*pairs] if use_seqeval else None
    return _sum_up(pairs if kept is None else kept).report(kept)


def count_entities(examples: Iterable[DocPair]) -> EntityCounts:
    """Count ``doc.ents`` of annotated examples by label, for scores of some of the labels."""
    return _sum_up(_annotated_pairs(examples)).counts


def is_annotated(docs: DocPair) -> bool:
    """Return whether the gold doc is annotated with entities."""
    return bool(docs.reference.has_annotation("ENT_IOB"))


def build_seqeval_scorer_v1() -> Callable[..., dict[str, Any]]:
    """Build a scorer with the keys of spaCy's own entity scores: ``ents_p``, ``ents_r``, ``ents_f``.

    These are strict and micro-averaged. Further keys: ``ents_acc`` (accuracy of tags), ``ents_macro_p/r/f``,
    ``ents_default_p/r/f`` (seqeval's default mode), ``ents_per_type``.
    """
    return seqeval_scorer


def seqeval_scorer(examples: Iterable[DocPair], **kwargs: Any) -> dict[str, Any]:
    """Score examples for spaCy; all scores are None if no example is annotated."""
    scores = score_entities(examples)
    averages = {"": ("strict", "micro"), "macro_": ("strict", "macro"), "default_": ("default", "micro")}
    result: dict[str, Any] = {"ents_acc": None, "ents_per_type": None}
    for prefix, (mode, average) in averages.items():
        row = scores[mode][average] if scores else dict.fromkeys("prf")
        result |= {f"ents_{prefix}{key}": row[key] for key in "prf"}
    if scores:
        per_type = scores["strict"]["per_type"]
        result["ents_acc"] = scores["accuracy"]
        result["ents_per_type"] = {label: without_support(row) for label, row in per_type.items()}
    return result


def _annotated_pairs(examples: Iterable[DocPair]) -> Iterable[EntityPair]:
    return (pair_entities(eg) for eg in examples if is_annotated(eg))


def _sum_up(pairs: Iterable[EntityPair]) -> EntityScores:
    scores = EntityScores()
    for pair in pairs:
        scores.add(pair)
    return scores
