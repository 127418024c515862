"""The factories of the ``xner`` and ``xcat`` components.

spaCy imports this module whenever it creates a pipeline, so it must not import torch or transformers.
"""

import warnings
from collections.abc import Callable
from typing import Any

from spacy.language import Language
from thinc.api import Model

from ..errors import XnerWarning
from .interfaces import AnyModel, Sharable
from .language import adapt
from .runtime import RuntimeSettings
from .xcat import TextClassifier
from .xner import EntityRecognizer

DEFAULT_ENCODER: dict[str, Any] = {
    "@architectures": "spacy_xner.Encoder.v1",
    "name": "xlm-roberta-base",
    "prefix_space": "text",
    "pooling": "mean",
    "window": None,
    "overlap": None,
    "freeze": None,
    "gradient_checkpointing": False,
    "layers": None,
    "lora": None,
    "cut": "tokens",
}
DEFAULT_MODEL = {
    "@architectures": "spacy_xner.EntityModel.v1",
    "encoder": DEFAULT_ENCODER,
    "neck": None,
    "head": {"@architectures": "spacy_xner.SoftmaxHead.v1"},
}
DEFAULT_TEXT_MODEL = {
    "@architectures": "spacy_xner.TextModel.v1",
    "encoder": {**DEFAULT_ENCODER, "cut": "text"},
    "neck": None,
    "pooling": {"@architectures": "spacy_xner.MeanPooling.v1"},
    "head": {"@architectures": "spacy_xner.ExclusiveHead.v1"},
}
DEFAULT_RUNTIME: RuntimeSettings = {
    "device": "auto",
    "precision": "fp32",
    "max_batch_pieces": 1024,
    "backend": "torch",
}


@Language.factory(
    "xner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type"],
    default_config={
        "model": DEFAULT_MODEL,
        **DEFAULT_RUNTIME,
        "threshold": 0.0,
        "calibration": None,
        "spans_key": "xner",
        "within": None,
        "overwrite": False,
        "verify": True,
        "scorer": {"@scorers": "spacy_xner.seqeval_scorer.v1"},
    },
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_xner(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    device: str,
    precision: str,
    max_batch_pieces: int,
    backend: str,
    threshold: Any,  # a type would be checked by confection, whose message has many lines
    calibration: dict[str, float] | None,
    spans_key: str | None,
    within: list[str] | str | None,  # a text is refused in one line
    overwrite: bool,  # noqa: FBT001 - spaCy passes all by name
    verify: bool,  # noqa: FBT001
    scorer: Callable[..., dict[str, Any]] | None,
) -> EntityRecognizer:
    """Create an ``xner`` component.

    Args:
        nlp: The pipeline.
        name: Name of the component in the pipeline.
        model: A `spacy_xner.EntityModel.v1` or `spacy_xner.CheckpointModel.v1`.
        device: ``auto`` (the first available of cuda, mps and cpu), or a torch device.
        precision: ``fp32``, ``bf16``, ``fp16`` (prediction only), ``auto`` (bf16 on GPUs that support it),
            or ``int8`` (8 bits for prediction on a CPU, fp32 otherwise).
        max_batch_pieces: Pieces per batch of the encoder, padding included.
        backend: Runtime for prediction on a CPU: ``torch``, or ``onnx`` for ONNX Runtime, which is faster.
            Training and GPUs always use torch.
        threshold: Minimum probability of an entity, from 0 to 1, for all labels or by label; less probable
            ones are dropped. Labels that are not named have none. ``doc.user_data["xner_threshold"]``
            replaces it for one doc.
        calibration: Temperature and bias of the log-odds of entities and of whole texts (``temperature``,
            ``bias``, ``text_temperature``, ``text_bias``), as ``spacy-xner calibrate`` fits them; None for
            the model's own probabilities.
        spans_key: Key in ``doc.spans`` for all entities with their scores; None to write ``doc.ents`` alone.
        within: Labels of entities in ``doc.ents``, such as ``["ADDRESS"]``. Prediction then reads each
            as a text of its own, and writes what it finds to ``doc.spans[spans_key]`` alone; training still
            reads whole texts. None to read whole texts always.
        overwrite: Whether predicted entities replace those that a doc already has.
        verify: Whether loading checks that no file of the model has changed since it was saved.
        scorer: Scorer for `nlp.evaluate` and `spacy train`.

    Raises:
        ValueError: If a setting is unknown or out of range, or two settings are incompatible.
    """
    _join(model, nlp)
    _warn_shared_key(nlp, name, spans_key)
    return EntityRecognizer(
        nlp.vocab,
        model,
        name,
        runtime=_runtime(device, precision, max_batch_pieces, backend),
        threshold=threshold,
        calibration=calibration,
        spans_key=spans_key,
        within=within,
        overwrite=overwrite,
        verify=verify,
        scorer=scorer,
    )


@Language.factory(
    "xcat",
    assigns=["doc.cats"],
    default_config={
        "model": DEFAULT_TEXT_MODEL,
        **DEFAULT_RUNTIME,
        "threshold": 0.5,
        "temperature": 1.0,
        "verify": True,
        "scorer": {"@scorers": "spacy_xner.text_scorer.v1"},
    },
    default_score_weights={
        "cats_selection": 1.0,
        "cats_score_desc": None,
        **dict.fromkeys(["cats_score", "cats_acc", "cats_micro_auc", "cats_macro_auc"], 0.0),
        **dict.fromkeys([f"cats_{mean}_{key}" for mean in ("micro", "macro") for key in "prf"], 0.0),
        **dict.fromkeys(["cats_f_per_type", "cats_auc_per_type"]),
    },
)
def make_xcat(
    nlp: Language,
    name: str,
    model: Model[Any, Any],
    device: str,
    precision: str,
    max_batch_pieces: int,
    backend: str,
    threshold: Any,  # a type would be checked by confection, whose message has many lines
    temperature: float,
    verify: bool,  # noqa: FBT001
    scorer: Callable[..., dict[str, Any]] | None,
) -> TextClassifier:
    """Create an ``xcat`` component.

    Args:
        nlp: The pipeline.
        name: Name of the component in the pipeline.
        model: A `spacy_xner.TextModel.v1` or `spacy_xner.TextCheckpointModel.v1`.
        device: See `make_xner`.
        precision: See `make_xner`.
        max_batch_pieces: See `make_xner`.
        backend: See `make_xner`.
        threshold: Minimum probability for a text to have a label, from 0 to 1, for all labels or by label.
            Used for scores and exports if a text may have several labels; ``doc.cats`` holds probabilities.
        temperature: Divides the logits behind the probabilities, as ``spacy-xner calibrate`` fits it.
        verify: Whether loading checks that no file of the model has changed since it was saved.
        scorer: Scorer for `nlp.evaluate` and `spacy train`.

    Raises:
        ValueError: If a setting is unknown or out of range, or two settings are incompatible.
    """
    _join(model, nlp)
    return TextClassifier(
        nlp.vocab,
        model,
        name,
        runtime=_runtime(device, precision, max_batch_pieces, backend),
        threshold=threshold,
        temperature=temperature,
        verify=verify,
        scorer=scorer,
    )


def _runtime(device: str, precision: str, max_batch_pieces: int, backend: str) -> RuntimeSettings:
    return {
        "device": device,
        "precision": precision,
        "max_batch_pieces": max_batch_pieces,
        "backend": backend,
    }


def _warn_shared_key(nlp: Language, name: str, spans_key: str | None) -> None:
    """Warn if another ``xner`` writes the same span group."""
    for other, pipe in nlp.components:
        if isinstance(pipe, EntityRecognizer) and other != name and pipe.spans_key == spans_key is not None:
            warnings.warn(
                f"Components {other!r} and {name!r} both write doc.spans[{spans_key!r}], which keeps only "
                "entities of the later one. Set spans_key of one of them to another key, or to null.",
                XnerWarning,
                stacklevel=2,
            )


def _join(model: AnyModel, nlp: Language) -> None:
    """Connect a model to its pipeline: the pipeline's methods, and the encoder of another component."""
    adapt(nlp)
    task = model.attrs["task"]
    if isinstance(task, Sharable):
        task.join(model, nlp)
