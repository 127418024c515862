"""Scores of a pipeline on raw text."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from spacy.language import Language

from ..corpus.docbin import check_docbins
from ..loading import load
from ..pipeline.xcat import TextClassifier
from ..pipeline.xner import EntityRecognizer
from ..scoring.cats import CatsLog
from ..scoring.counts import EntityCounts, ZeroDivision
from ..scoring.details import detail_cats
from ..scoring.entities import EntityScores, is_annotated
from ..scoring.pairs import EntityPair, Prediction, pair_entities
from ..scoring.spans import SpanScores
from ..scoring.tags import TagScores
from ..scoring.texts import score_texts
from .losses import LossSums
from .predictions import stream_predictions
from .report import Details, write_page
from .report.groups import SCRIPT

Pipe = TypeVar("Pipe", EntityRecognizer, TextClassifier)
NO_TAGS = (
    "Scores by tag must have texts with entities in doc.ents, found none in {}. Nested entities of span "
    "groups and labels of texts have no tags: leave out --by-tag."
)
NO_ANNOTATION = "The corpus must have annotated texts, found none in {}. Check its conversion."


def evaluate(
    model: str | Path,
    corpus: str | Path,
    *,
    device: str = "auto",
    use_seqeval: bool = False,
    details: bool = False,
    html: str | Path | None = None,
    by: str = SCRIPT,
    by_tag: bool = False,
    scheme: str = "IOB2",
    loss: bool = False,
    zero_division: ZeroDivision = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score a pipeline on the raw text of a corpus.

    Args:
        model: A folder or an installed package.
        corpus: A ``.spacy`` file.
        device: Device to predict on, as in the components' setting.
        use_seqeval: Whether seqeval itself scores the entities, which is slower; see `score_entities`.
        details: Whether to compute 95 % intervals, kinds of errors, calibration and scores of groups, too.
        html: File for a page that shows all this, and the texts with the most errors; it is replaced.
        by: What texts are grouped by: ``script``; ``cats`` for their labels; a file with a line for each
            text; or a key of ``doc.user_data``.
        by_tag: Whether the tags of ``doc.ents`` are scored, too, as scikit-learn does. Tokens are those of
            the corpus; nested entities have no tags.
        scheme: Tagging scheme of these tags: ``IOB2``, ``BIOES``, or another that `convert` reads.
        loss: Whether to compute the loss, as training does, without dropout: each text is run twice.
        zero_division: Precision of labels without predictions, and recall of those without gold. Intervals
            and groups count them as 0.
        on_progress: Called with the number of texts done and their total.

    Returns:
        The result of `score_entities` if ``doc.ents`` is annotated; in ``spans``, that of `score_spans` if
        ``doc.spans`` is; in ``cats``, that of `score_texts` by component if texts are classified. If asked
        for, in ``tags``, a `TagReport`, and in ``loss``, a `MeanLoss` by component. With a page
        or details, also `EntityDetails` and ``by``; in each of ``cats``, what `detail_cats` returns.

    Raises:
        OSError: If pipeline or corpus are missing.
        ValueError: If the corpus has no annotated text, or none with tags if these are asked for; if it has
            labels that the pipeline has no loss for; or if texts cannot be grouped that way.

    Examples:
        >>> import spacy_xner
        >>> scores = spacy_xner.evaluate("pipeline", "dev.spacy", device="cpu")
        >>> round(scores["strict"]["micro"]["f"], 3)
        1.0
        >>> sorted(scores["strict"]["per_type"])
        ['COURIER', 'LOC', 'PER', 'PHONE']
    """
    corpus = Path(corpus)
    check_docbins(corpus)
    entities = EntityEvaluation(use_seqeval=use_seqeval, zero_division=zero_division)
    if by_tag:
        entities.tags = TagScores(scheme, zero_division)
    nlp = load(model, device)
    cats, losses = CatsLog(), LossSums(nlp)
    if details or html is not None:
        entities.details = Details(by, has_samples=html is not None)

    def add(prediction: Prediction) -> None:
        entities.add(prediction)
        cats.add(prediction)

    stream_predictions(nlp, corpus, add, on_progress, on_batch=losses.add if loss else None)
    scores = entities.score()
    scores_of_cats = score_cats(nlp, cats, details=entities.details is not None, zero_division=zero_division)
    if not scores and not scores_of_cats:
        raise ValueError(NO_ANNOTATION.format(corpus))
    if by_tag and "tags" not in scores:
        raise ValueError(NO_TAGS.format(corpus))
    scores |= {"cats": scores_of_cats} if scores_of_cats else {}
    scores |= {"loss": losses.report()} if loss else {}
    if entities.details is not None:
        scores |= entities.details.report()
        if html is not None:
            names = {"model": str(model), "corpus": corpus.name}
            write_page(Path(html), scores, entities.details.list_worst(), **names)
    return scores


class EntityEvaluation:
    """Scores of entities, counted text by text.

    Args:
        use_seqeval: Whether seqeval itself scores them. It needs the entities of all texts.
        zero_division: Precision without predictions, and recall without gold.

    Attributes:
        scores: Counts of ``doc.ents``.
        details: What details need; None for none.
        tags: Counts of the tags of ``doc.ents``; None for none.
    """

    def __init__(self, *, use_seqeval: bool = False, zero_division: ZeroDivision = 0) -> None:
        self.scores = EntityScores(EntityCounts(zero_division))
        self.details: Details | None = None
        self.tags: TagScores | None = None
        self._spans = SpanScores(zero_division=zero_division)
        self._pairs: list[EntityPair] | None = [] if use_seqeval else None

    def add(self, prediction: Prediction) -> None:
        """Count the next text of the corpus."""
        self._spans.add(prediction)
        if is_annotated(prediction):
            pair = pair_entities(prediction)
            self.scores.add(pair)
            if self._pairs is not None:
                self._pairs.append(pair)
            if self.tags is not None:
                self.tags.add(prediction)
        if self.details is not None:
            self.details.add(prediction)

    def score(self) -> dict[str, Any]:
        """Return the result of `score_entities`, with ``spans`` and ``tags`` if there are any; else empty."""
        scores = self.scores.report(self._pairs) or {}
        others = {"spans": self._spans.report(), "tags": self.tags.report() if self.tags else None}
        return scores | {name: part for name, part in others.items() if part is not None}


def score_cats(
    nlp: Language, cats: CatsLog, *, details: bool, zero_division: ZeroDivision = 0
) -> dict[str, Any]:
    """Score the labels of texts of each classifier; empty if there are none, in gold or pipeline."""
    if not cats.gold_labels:
        return {}
    scores: dict[str, Any] = {}
    for name, pipe in get_pipes(nlp, TextClassifier).items():
        settings: dict[str, Any] = {"is_exclusive": pipe.is_exclusive, "threshold": pipe.threshold}
        scores[name] = score_texts(cats, labels=pipe.labels, zero_division=zero_division, **settings)
        if details:
            scores[name] |= detail_cats(cats, pipe.labels, **settings)
    return scores


def get_pipes(nlp: Language, kind: type[Pipe]) -> dict[str, Pipe]:
    """Return the components of a kind by name."""
    return {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, kind)}
