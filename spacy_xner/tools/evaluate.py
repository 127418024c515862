"""Scores of a pipeline on raw text."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from spacy.language import Language
from spacy.tokens import Doc

from ..corpus.docbin import check_docbins, read_docs
from ..loading import load
from ..models.warm_start import component_names
from ..pipeline.xcat import TextClassifier
from ..scoring.entities import count_entities, score_entities
from ..scoring.pairs import Prediction
from ..scoring.spans import score_spans
from ..scoring.texts import score_texts

NO_ANNOTATION = "The corpus must have annotated texts, found none in {}. Check its conversion."


def evaluate(
    model: str | Path,
    corpus: str | Path,
    *,
    device: str = "auto",
    use_seqeval: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score a pipeline on the raw text of a corpus.

    Args:
        model: A folder or an installed package.
        corpus: A ``.spacy`` file.
        device: Device to predict on, as in the components' setting.
        use_seqeval: Whether seqeval itself scores the entities, which is slower; see `score_entities`.
        on_progress: Called with the number of texts done and their total.

    Returns:
        The result of `score_entities` if ``doc.ents`` is annotated; in ``spans``, that of `score_spans` if
        ``doc.spans`` is; in ``cats``, that of `score_texts` by component if texts are classified.

    Raises:
        OSError: If pipeline or corpus are missing.
        ValueError: If the corpus has no annotated text.

    Examples:
        >>> import spacy_xner
        >>> scores = spacy_xner.evaluate("pipeline", "dev.spacy", device="cpu")
        >>> round(scores["strict"]["micro"]["f"], 3)
        1.0
        >>> sorted(scores["strict"]["per_type"])
        ['COURIER', 'LOC', 'PER', 'PHONE']
    """
    check_docbins(Path(corpus))
    nlp = load(model, device)
    predictions = predict_corpus(nlp, Path(corpus), on_progress)
    scores = _score_entities(predictions, use_seqeval=use_seqeval)
    cats = _score_cats(nlp, predictions)
    if not scores and not cats:
        raise ValueError(NO_ANNOTATION.format(corpus))
    return scores | ({"cats": cats} if cats else {})


def compare(
    model: str | Path,
    before: str | Path,
    corpus: str | Path,
    *,
    device: str = "auto",
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score two pipelines on the same raw text: what the new one has forgotten, and what it has learned.

    Args:
        model: The new pipeline.
        before: The old pipeline, or a Hugging Face token-classification checkpoint.
        corpus: A ``.spacy`` file.
        device: Device to predict on, as in the components' setting.
        on_progress: Called with the number of texts done and their total, for each pipeline in turn.

    Returns:
        ``before`` and ``after``: what `score_entities` returns, with ``spans`` if entities overlap.
        ``change``: for each label, for all old and for all new labels together, the strict F1 ``before`` and
        ``after``, and the ``loss``; ``before`` and ``loss`` are None if the old pipeline lacks the label.

    Raises:
        OSError: If a pipeline or the corpus are missing.
        ValueError: If the corpus has no annotated text.

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
    nlp = load(before, device)
    old = {label for labels in nlp.pipe_labels.values() for label in labels}
    predictions = {"before": predict_corpus(nlp, corpus, on_progress)}
    predictions["after"] = predict_corpus(load(model, device), corpus, on_progress)
    scores = {name: _score_entities(part) for name, part in predictions.items()}
    if not scores["before"]:
        raise ValueError(NO_ANNOTATION.format(corpus))
    counts = {name: count_entities(part) for name, part in predictions.items()}
    labels = sorted({label for part in counts.values() for label in part.labels})
    groups = {label: {label} for label in labels}
    groups |= {"all old": old & set(labels), "all new": set(labels) - old}
    change = {
        title: _change(*(counts[name].micro(group)["f"] for name in counts), is_new=not group & old)
        for title, group in groups.items()
        if group
    }
    return {**scores, "change": change}


def _change(before: float, after: float, *, is_new: bool) -> dict[str, float | None]:
    if is_new:
        return {"before": None, "after": after, "loss": None}
    return {"before": before, "after": after, "loss": before - after}


def _score_entities(predictions: list[Prediction], *, use_seqeval: bool = False) -> dict[str, Any]:
    scores = score_entities(predictions, use_seqeval=use_seqeval) or {}
    spans = score_spans(predictions)
    return scores | ({} if spans is None else {"spans": spans})


def _score_cats(nlp: Language, predictions: list[Prediction]) -> dict[str, Any]:
    if not any(prediction.reference.cats for prediction in predictions):
        return {}
    pipes = {name: cast(TextClassifier, nlp.get_pipe(name)) for name in component_names(nlp, "xcat")}
    return {
        name: score_texts(
            predictions, labels=pipe.labels, is_exclusive=pipe.is_exclusive, threshold=pipe.threshold
        )
        for name, pipe in pipes.items()
    }


def predict_corpus(
    nlp: Language, corpus: Path, on_progress: Callable[[int, int], None] | None = None
) -> list[Prediction]:
    """Predict the raw texts of a corpus.

    Raises:
        OSError: If the corpus is missing.
    """
    gold = read_docs(corpus, nlp.vocab)
    predictions = []
    for done, prediction in enumerate(predict(nlp, gold), start=1):
        predictions.append(prediction)
        if on_progress is not None:
            on_progress(done, len(gold))
    return predictions


def predict(nlp: Language, gold: Sequence[Doc]) -> Iterator[Prediction]:
    """Predict the raw texts of gold docs."""
    for doc, reference in zip(nlp.pipe(doc.text for doc in gold), gold, strict=True):
        yield Prediction(doc, reference)
