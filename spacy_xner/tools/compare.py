"""Scores of two pipelines on the same raw text."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..corpus.docbin import check_docbins
from ..loading import load
from ..pipeline.xcat import TextClassifier
from ..scoring.cats import CatsLog
from ..scoring.changes import CatsChange, CatsRule, compare_cats, list_changes
from ..scoring.pairs import Prediction
from .evaluate import NO_ANNOTATION, EntityEvaluation, get_pipes, score_cats
from .predictions import stream_predictions
from .report import Details, test_differences, write_page
from .report.groups import SCRIPT

NO_CLASSIFIER = (
    "Texts of the corpus have labels, which both pipelines must predict with an xcat; found none in {} or in "
    "{}. Evaluate each pipeline by itself."
)


class Side:
    """One of the two pipelines: its scores, and what they are computed from.

    Args:
        details: What details of entities need; None for none.

    Attributes:
        entities: Counts of entities.
        cats: Labels of texts.
        rules: How each of its classifiers chooses labels, by name.
        labels: Labels of all its components.
    """

    def __init__(self, details: Details | None) -> None:
        self.entities = EntityEvaluation()
        self.entities.details = details
        self.cats = CatsLog()
        self.rules: dict[str, CatsRule] = {}
        self.labels: set[str] = set()

    def add(self, prediction: Prediction) -> None:
        """Count the next text of the corpus."""
        self.entities.add(prediction)
        self.cats.add(prediction)

    def score(self, nlp: Language) -> dict[str, Any]:
        """Return the scores, and details if they are wanted; empty if the corpus has no annotation."""
        self.labels = {label for labels in nlp.pipe_labels.values() for label in labels}
        for name, pipe in get_pipes(nlp, TextClassifier).items():
            self.rules[name] = CatsRule(tuple(pipe.labels), pipe.is_exclusive, pipe.threshold)
        details = self.entities.details
        scores = self.entities.score()
        cats = score_cats(nlp, self.cats, details=details is not None)
        scores |= {"cats": cats} if cats else {}
        return scores | (details.report() if scores and details is not None else {})

    @property
    def entity_labels(self) -> list[str]:
        """Labels of entities that are in the gold or were predicted."""
        return self.entities.scores.counts.labels

    def f_score(self, labels: Collection[str]) -> float:
        """Return the F1 of the entities of some labels together."""
        return self.entities.scores.counts.micro(labels)["f"]


def compare(
    model: str | Path,
    before: str | Path,
    corpus: str | Path,
    *,
    device: str = "auto",
    details: bool = False,
    html: str | Path | None = None,
    by: str = SCRIPT,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score two pipelines on the same raw text: what the new one has forgotten, and what it has learned.

    Args:
        model: The new pipeline.
        before: The old pipeline, or a Hugging Face token-classification checkpoint.
        corpus: A ``.spacy`` file.
        device: Device to predict on, as in the components' setting.
        details: Whether to compute 95 % intervals, kinds of errors, calibration, scores of groups and a
            paired test, too.
        html: File for a page that shows all this, and the texts with the most errors; it is replaced.
        by: What texts are grouped by: ``script``; ``cats`` for their labels; a file with a line for each
            text; or a key of ``doc.user_data``.
        on_progress: Called with the number of texts done and their total, for each pipeline in turn.

    Returns:
        ``before`` and ``after``: what `evaluate` returns. If entities are annotated, ``change``: for each
        label, for all old and for all new labels together, the strict F1 ``before`` and ``after``, and the
        ``loss``; ``before`` and ``loss`` are None if the old pipeline lacks the label. In ``cats``, for each
        classifier of texts, `CatsChange`; the older one is that of the same name, or the only one.
        With a page or details, ``before`` and ``after`` have them as in `evaluate`, and ``test`` has
        `Differences`.

    Raises:
        OSError: If a pipeline or the corpus are missing.
        ValueError: If the corpus has no annotated text, or none of a kind that both pipelines predict; or if
            texts cannot be grouped that way.

    Examples:
        >>> import spacy_xner
        >>> scores = spacy_xner.compare("pipeline", "old_pipeline", "dev.spacy", device="cpu")
        >>> scores["change"]["PER"]
        {'before': 1.0, 'after': 1.0, 'loss': 0.0}
        >>> scores["change"]["PHONE"]
        {'before': None, 'after': 1.0, 'loss': None}
    """
    corpus = Path(corpus)
    check_docbins(corpus)
    sides = {}
    scores = {}
    for name, path in (("before", before), ("after", model)):
        has_samples = html is not None and name == "after"
        wanted = Details(by, has_samples=has_samples) if details or html is not None else None
        side = sides[name] = Side(wanted)
        nlp = load(path, device)
        stream_predictions(nlp, corpus, side.add, on_progress)
        scores[name] = side.score(nlp)
    if not any(scores.values()):
        raise ValueError(NO_ANNOTATION.format(corpus))
    old, new = sides["before"], sides["after"]
    result: dict[str, Any] = {**scores}
    if scores["after"].keys() & {"strict", "spans"}:
        labels = sorted({*old.entity_labels, *new.entity_labels})
        result["change"] = list_changes(labels, old.labels, old.f_score, new.f_score)
    cats = _compare_cats(old, new)
    result |= {"cats": cats} if cats else {}
    if not {"change", "cats"} & result.keys():
        raise ValueError(NO_CLASSIFIER.format(before, model))
    first, second = old.entities.details, new.entities.details
    if first is not None and second is not None:
        if "change" in result:
            result["test"] = test_differences(first.tally, second.tally)
        if html is not None:
            names = {"model": str(model), "corpus": corpus.name, "before": str(before)}
            write_page(Path(html), result, second.list_worst(), **names)
    return result


def _compare_cats(before: Side, after: Side) -> dict[str, CatsChange]:
    """Compare each classifier with the older one of its name, or with the only one if there is only one."""
    details = after.entities.details is not None
    has_one = len(before.rules) == len(after.rules) == 1
    changes = {}
    for name, rule in after.rules.items():
        origin = next(iter(before.rules.values())) if has_one else before.rules.get(name)
        if origin is not None and not after.cats.gold_labels.isdisjoint([*rule.labels, *origin.labels]):
            changes[name] = compare_cats((origin, before.cats), (rule, after.cats), details=details)
    return changes
