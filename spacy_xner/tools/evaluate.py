"""Scores of a pipeline on raw text."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from spacy.language import Language
from spacy.tokens import Doc

from ..corpus.docbin import check_docbins, read_docs
from ..loading import load
from ..pipeline.xcat import TextClassifier
from ..pipeline.xner import EntityRecognizer
from ..scoring.details import detail_cats
from ..scoring.entities import count_entities, score_entities
from ..scoring.pairs import Prediction
from ..scoring.spans import score_spans
from ..scoring.texts import score_texts
from .report import add_details, test_differences, write_page
from .report.groups import SCRIPT

Pipe = TypeVar("Pipe", EntityRecognizer, TextClassifier)
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
        on_progress: Called with the number of texts done and their total.

    Returns:
        The result of `score_entities` if ``doc.ents`` is annotated; in ``spans``, that of `score_spans` if
        ``doc.spans`` is; in ``cats``, that of `score_texts` by component if texts are classified. With a page
        or details, also `EntityDetails` and ``by``; in each of ``cats``, what `detail_cats` returns.

    Raises:
        OSError: If pipeline or corpus are missing.
        ValueError: If the corpus has no annotated text, or texts cannot be grouped that way.

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
    details = details or html is not None
    cats = _score_cats(nlp, predictions, details=details)
    if not scores and not cats:
        raise ValueError(NO_ANNOTATION.format(corpus))
    scores |= {"cats": cats} if cats else {}
    texts = add_details(scores, predictions, by) if details else []
    if html is not None:
        write_page(Path(html), scores, texts, model=str(model), corpus=Path(corpus).name)
    return scores


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
        ``before`` and ``after``: what `score_entities` returns, with ``spans`` if entities overlap.
        ``change``: for each label, for all old and for all new labels together, the strict F1 ``before`` and
        ``after``, and the ``loss``; ``before`` and ``loss`` are None if the old pipeline lacks the label.
        With a page or details, ``before`` and ``after`` have them as in `evaluate`, and ``test`` has
        `Differences`.

    Raises:
        OSError: If a pipeline or the corpus are missing.
        ValueError: If the corpus has no annotated text, or texts cannot be grouped that way.

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
    result: dict[str, Any] = {**scores, "change": change}
    if details or html is not None:
        texts = {name: add_details(scores[name], predictions[name], by) for name in predictions}
        result["test"] = test_differences(texts["before"], texts["after"])
        if html is not None:
            names = {"model": str(model), "corpus": corpus.name, "before": str(before)}
            write_page(Path(html), result, texts["after"], **names)
    return result


def _change(before: float, after: float, *, is_new: bool) -> dict[str, float | None]:
    if is_new:
        return {"before": None, "after": after, "loss": None}
    return {"before": before, "after": after, "loss": before - after}


def _score_entities(predictions: list[Prediction], *, use_seqeval: bool = False) -> dict[str, Any]:
    scores = score_entities(predictions, use_seqeval=use_seqeval) or {}
    spans = score_spans(predictions)
    return scores | ({} if spans is None else {"spans": spans})


def _score_cats(nlp: Language, predictions: list[Prediction], *, details: bool) -> dict[str, Any]:
    if not any(prediction.reference.cats for prediction in predictions):
        return {}
    pipes = get_pipes(nlp, TextClassifier)
    scores = {
        name: score_texts(
            predictions, labels=pipe.labels, is_exclusive=pipe.is_exclusive, threshold=pipe.threshold
        )
        for name, pipe in pipes.items()
    }
    if details:
        for name, pipe in pipes.items():
            scores[name] |= detail_cats(
                predictions, pipe.labels, is_exclusive=pipe.is_exclusive, threshold=pipe.threshold
            )
    return scores


def get_pipes(nlp: Language, kind: type[Pipe]) -> dict[str, Pipe]:
    """Return the components of a kind by name."""
    return {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, kind)}


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
