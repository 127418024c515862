"""The factories of the ``xner`` and ``xcat`` components.

spaCy imports this module whenever it creates a pipeline: nothing here imports torch or transformers.
"""

from collections.abc import Callable
from typing import Any, Union

from spacy.language import Language
from thinc.api import Model

from .interfaces import AnyModel, Sharable
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
        "spans_key": "xner",
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
    threshold: float,
    spans_key: str,
    overwrite: bool,  # noqa: FBT001 - spaCy passes all by name
    verify: bool,  # noqa: FBT001
    scorer: Callable[..., dict[str, Any]] | None,
) -> EntityRecognizer:
    """Create the component.

    Args:
        nlp: The pipeline.
        name: The component's name in it.
        model: A `spacy_xner.EntityModel.v1`.
        device: ``auto`` (cuda, then mps, then cpu), or a torch device.
        precision: ``fp32``, ``bf16``, ``fp16`` (prediction only), ``auto`` (bf16 where a GPU has it), or
            ``int8``: prediction on a CPU in 8 bits, everything else in fp32.
        max_batch_pieces: Pieces that go through the encoder at once, padding included.
        backend: What predicts on a CPU: ``torch``, or ``onnx`` for ONNX Runtime, which is faster. Training
            and GPUs use torch.
        threshold: Entities less probable than this are left out, from 0 to 1.
        spans_key: Key in ``doc.spans`` for all entities with their scores.
        overwrite: Whether predicted entities replace those that a doc already has.
        verify: Whether loading checks that no file of the model has changed since it was saved.
        scorer: Scores examples, for `nlp.evaluate` and `spacy train`.
    """
    _join(model, nlp)
    return EntityRecognizer(
        nlp.vocab,
        model,
        name,
        runtime=_runtime(device, precision, max_batch_pieces, backend),
        threshold=threshold,
        spans_key=spans_key,
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
        "verify": True,
        "scorer": {"@scorers": "spacy_xner.text_scorer.v1"},
    },
    default_score_weights={
        "cats_score": 1.0,
        "cats_score_desc": None,
        **dict.fromkeys(["cats_acc", "cats_micro_auc", "cats_macro_auc"], 0.0),
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
    threshold: Union[float, dict[str, float]],  # noqa: UP007 - confection reads it
    verify: bool,  # noqa: FBT001
    scorer: Callable[..., dict[str, Any]] | None,
) -> TextClassifier:
    """Create the component.

    Args:
        nlp: The pipeline.
        name: The component's name in it.
        model: A `spacy_xner.TextModel.v1`.
        device: As for `make_xner`; so are the next three.
        precision: See there.
        max_batch_pieces: See there.
        backend: See there.
        threshold: Probability from which a text has a label, if it may have several: for all labels, or by
            label. ``doc.cats`` has the probabilities themselves.
        verify: Whether loading checks that no file of the model has changed since it was saved.
        scorer: Scores examples, for `nlp.evaluate` and `spacy train`.
    """
    _join(model, nlp)
    return TextClassifier(
        nlp.vocab,
        model,
        name,
        runtime=_runtime(device, precision, max_batch_pieces, backend),
        threshold=threshold,
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


def _join(model: AnyModel, nlp: Language) -> None:
    """Connect a model that may share an encoder to the pipeline."""
    task = model.attrs["task"]
    if isinstance(task, Sharable):
        task.join(model, nlp)
