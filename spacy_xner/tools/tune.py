"""Thresholds of a trained pipeline, from a corpus that it was not trained on."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spacy.language import Language

from ..corpus.docbin import check_docbins
from ..errors import XnerWarning, check_range
from ..loading import check_pipeline_folder, load, save_pipeline
from ..pipeline.xcat import TextClassifier
from ..pipeline.xner import EntityRecognizer
from ..scoring.calibration import choose_threshold
from ..scoring.judged import JudgedCorpus, judge, judge_texts
from ..scoring.thresholds import threshold_of
from .evaluate import NO_ANNOTATION, get_pipes
from .predictions import predict_corpus


def tune_thresholds(
    model: str | Path,
    corpus: str | Path,
    output: str | Path | None = None,
    *,
    precision: float | None = None,
    recall: float | None = None,
    device: str = "auto",
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, dict[str, float]]:
    """Tune the thresholds of a pipeline's entities and labels of texts on a corpus.

    Args:
        model: A folder or an installed package with an ``xner`` or a multi-label ``xcat``.
        corpus: A ``.spacy`` file, neither the training corpus nor the test corpus.
        output: Folder for the pipeline with the new thresholds: new, empty, or a pipeline to replace, which
            may be the same; None to write nothing.
        precision: Wanted precision of each label, from 0 to 1; None for the best F1.
        recall: Wanted recall of each label, from 0 to 1; None for the best F1.
        device: Device to predict on, as in the components' setting.
        on_progress: Called with the number of texts done and their total.

    Returns:
        Thresholds by component and label.

    Raises:
        OSError: If pipeline or corpus are missing.
        ValueError: If the pipeline has nothing to tune, or the corpus no annotation for it.
        FileExistsError: If the output folder holds anything but a pipeline.

    Examples:
        >>> import spacy_xner
        >>> thresholds = spacy_xner.tune_thresholds("text_pipeline", "texts.spacy", "tuned", device="cpu")
        >>> sorted(thresholds["xcat"])
        ['english', 'parcel']
        >>> spacy_xner.load("tuned").get_pipe("xcat").threshold == thresholds["xcat"]
        True
    """
    _check_wanted(precision, recall)
    nlp = load_checked(model, corpus, output, device)
    entity_pipes = get_pipes(nlp, EntityRecognizer)
    text_pipes = {
        name: pipe for name, pipe in get_pipes(nlp, TextClassifier).items() if not pipe.is_exclusive
    }
    if not entity_pipes and not text_pipes:
        raise ValueError(
            f"{model} must have a component xner, or an xcat with several labels per text, found components "
            f"{', '.join(nlp.pipe_names) or 'none'}. Exclusive labels need no threshold."
        )
    for pipe in entity_pipes.values():
        pipe.threshold = 0.0
    predictions = predict_corpus(nlp, Path(corpus), on_progress)
    tuned = {}
    for name, pipe in entity_pipes.items():
        judged = judge(predictions, pipe.labels, pipe.spans_key)
        if judged.n_gold:
            tuned[name] = _choose(judged, precision=precision, recall=recall)
    if any(prediction.reference.cats for prediction in predictions):
        for name, text_pipe in text_pipes.items():
            chosen = _choose(judge_texts(predictions, text_pipe.labels), precision=precision, recall=recall)
            # Labels that all texts have, or none, keep theirs.
            current = {label: threshold_of(text_pipe.threshold, label) for label in text_pipe.labels}
            tuned[name] = current | chosen
    if not tuned:
        raise ValueError(NO_ANNOTATION.format(corpus))
    if output is not None:
        save_settings(nlp, Path(output), {name: {"threshold": limits} for name, limits in tuned.items()})
    return tuned


def _check_wanted(precision: float | None, recall: float | None) -> None:
    if precision is not None and recall is not None:
        raise ValueError("Either precision or recall must be wanted, found both. Remove one.")
    for name, value in (("precision", precision), ("recall", recall)):
        if value is not None:
            check_range(name, value, 0.0, 1.0)


def _choose(judged: JudgedCorpus, *, precision: float | None, recall: float | None) -> dict[str, float]:
    """Choose the threshold of each label that the gold has."""
    chosen = {
        label: choose_threshold(judged.entities.get(label, []), n_gold, precision=precision, recall=recall)
        for label, n_gold in sorted(judged.n_gold.items())
    }
    missed = [label for label, (_, is_reached) in chosen.items() if not is_reached]
    if missed:
        wanted = f"precision {precision}" if precision is not None else f"recall {recall}"
        warnings.warn(
            f"No threshold reaches {wanted} for {', '.join(missed)}: the nearest was chosen.",
            XnerWarning,
            stacklevel=3,
        )
    return {label: threshold for label, (threshold, _) in chosen.items()}


def load_checked(model: str | Path, corpus: str | Path, output: str | Path | None, device: str) -> Language:
    """Load a pipeline, after a check of the corpus and of the output folder.

    Raises:
        OSError: If pipeline or corpus are missing, or the folder holds anything but a pipeline.
    """
    check_docbins(Path(corpus))
    if output is not None:
        check_pipeline_folder(Path(output))
    return load(model, device)


def save_settings(nlp: Language, output: Path, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Save a pipeline with other settings of its components, by component and name."""
    for name, values in settings.items():
        for key, value in values.items():
            setattr(nlp.get_pipe(name), key, value)
            nlp.get_pipe_config(name)[key] = value
    save_pipeline(nlp, output)
