"""Calibration of a trained pipeline's scores, on a corpus that it was not trained on."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..pipeline.calibration import calibrate_rows, move_threshold, scale
from ..pipeline.xcat import TextClassifier
from ..pipeline.xner import EntityRecognizer
from ..scoring.calibration import fit_scale, fit_temperature
from ..scoring.judged import Judged, judge
from ..scoring.pairs import Prediction
from ..scoring.reliability import measure_reliability
from ..scoring.texts import decide
from .evaluate import NO_ANNOTATION, get_pipes
from .predictions import predict_corpus
from .tune import load_checked, save_settings


class Fit(NamedTuple):
    """The calibration of a component.

    Attributes:
        settings: Its settings.
        temperature: Temperature of the scores that thresholds apply to.
        bias: Their bias.
        report: What was fitted, and the expected calibration errors before and after.
    """

    settings: dict[str, Any]
    temperature: float
    bias: float
    report: dict[str, float | None]


def calibrate(
    model: str | Path,
    corpus: str | Path,
    output: str | Path | None = None,
    *,
    device: str = "auto",
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, dict[str, float | None]]:
    """Calibrate the scores of a pipeline on a corpus: of entities with a score of 0.9, nine in ten are right.

    Entities and labels stay the same: thresholds that the pipeline has are moved with the scores.

    Args:
        model: A folder or an installed package with an ``xner`` or ``xcat``.
        corpus: A ``.spacy`` file, neither the training corpus nor the test corpus.
        output: Folder for the calibrated pipeline: new, empty, or a pipeline to replace, which may be the
            same; None to write nothing.
        device: Device to predict on, as in the components' setting.
        on_progress: Called with the number of texts done and their total.

    Returns:
        By component: for ``xner`` its setting `calibration`, for ``xcat`` its ``temperature``; and the
        expected calibration error of its scores on the corpus, ``ece_before`` (of the model's own scores) and
        ``ece_after``, None if there is no score.

    Raises:
        OSError: If pipeline or corpus are missing.
        ValueError: If the pipeline has nothing to calibrate, or the corpus no annotation for it.
        FileExistsError: If the output folder holds anything but a pipeline.

    Examples:
        >>> import spacy_xner
        >>> fitted = spacy_xner.calibrate("pipeline", "dev.spacy", "calibrated", device="cpu")
        >>> fitted["xner"]["temperature"] > 0
        True
        >>> spacy_xner.load("calibrated").get_pipe("xner").calibration["bias"] == fitted["xner"]["bias"]
        True
    """
    nlp = load_checked(model, corpus, output, device)
    entity_pipes, text_pipes = get_pipes(nlp, EntityRecognizer), get_pipes(nlp, TextClassifier)
    if not entity_pipes and not text_pipes:
        raise ValueError(
            f"{model} must have a component xner or xcat, found components "
            f"{', '.join(nlp.pipe_names) or 'none'}. Name a pipeline with one."
        )
    # What thresholds were chosen for.
    before: dict[str, tuple[Any, float, float]] = {}
    for name, pipe in entity_pipes.items():
        old = pipe.calibration or {"temperature": 1.0, "bias": 0.0}
        before[name] = (pipe.threshold, old["temperature"], old["bias"])
        pipe.calibration, pipe.threshold = None, 0.0
    for name, text_pipe in text_pipes.items():
        before[name] = (text_pipe.threshold, text_pipe.temperature, 0.0)
        text_pipe.temperature = 1.0
    predictions = predict_corpus(nlp, Path(corpus), on_progress)
    fits = {name: _fit_entities(pipe, predictions) for name, pipe in entity_pipes.items()}
    fits |= {name: _fit_texts(pipe, predictions) for name, pipe in text_pipes.items()}
    fitted = {name: fit for name, fit in fits.items() if fit is not None}
    if not fitted:
        raise ValueError(NO_ANNOTATION.format(corpus))
    if output is not None:
        settings = {name: _settings(fit, *before[name]) for name, fit in fitted.items()}
        save_settings(nlp, Path(output), settings)
    return {name: fit.report for name, fit in fitted.items()}


def _settings(
    fit: Fit, threshold: float | Mapping[str, float], temperature: float, bias: float
) -> dict[str, Any]:
    """Return the settings of a component: its calibration, and its thresholds on the new scale."""
    old, new = (temperature, bias), (fit.temperature, fit.bias)
    if isinstance(threshold, Mapping):
        moved: Any = {label: move_threshold(limit, old, new) for label, limit in threshold.items()}
    else:
        moved = move_threshold(threshold, old, new)
    return {**fit.settings, "threshold": moved}


def _fit_entities(pipe: EntityRecognizer, predictions: Sequence[Prediction]) -> Fit | None:
    """Fit the scale of entities and of whole texts; None if the corpus has no entities of the component."""
    judged = judge(predictions, pipe.labels, pipe.spans_key)
    if not judged.n_gold:
        return None
    entities = judged.all_entities()
    temperature, bias = fit_scale(entities)
    text_temperature, text_bias = fit_scale(judged.texts)
    calibration = {
        "temperature": temperature,
        "bias": bias,
        "text_temperature": text_temperature,
        "text_bias": text_bias,
    }
    after = [Judged(scale(entity.score, temperature, bias), entity.is_right) for entity in entities]
    report = {**calibration, **_errors(entities, after)}
    return Fit({"calibration": calibration}, temperature, bias, report)


def _fit_texts(pipe: TextClassifier, predictions: Sequence[Prediction]) -> Fit | None:
    """Fit the temperature of labels of texts; None if the corpus has none of them."""
    pairs = [pair for pair in predictions if all(label in pair.reference.cats for label in pipe.labels)]
    if not pairs:
        return None
    is_exclusive = pipe.is_exclusive
    before = decide(pairs, pipe.labels, is_exclusive=is_exclusive, threshold=pipe.threshold)
    temperature = fit_temperature(before.probabilities, before.has_label, is_exclusive=is_exclusive)
    rows = calibrate_rows([*before.probabilities], temperature, is_exclusive=is_exclusive)
    after = before._replace(probabilities=np.array(rows))
    errors = _errors(*(part.judge(is_exclusive=is_exclusive) for part in (before, after)))
    return Fit({"temperature": temperature}, temperature, 0.0, {"temperature": temperature, **errors})


def _errors(before: Sequence[Judged], after: Sequence[Judged]) -> dict[str, float | None]:
    return {
        "ece_before": measure_reliability(before)["ece"],
        "ece_after": measure_reliability(after)["ece"],
    }
