"""The factory of the ``xner`` component.

spaCy imports this module whenever it makes a pipeline: nothing here imports torch or transformers.
"""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from thinc.api import Model

from .default_encoder import DEFAULT_ENCODER
from .xner import EntityRecognizer

DEFAULT_MODEL = {
    "@architectures": "spacy_xner.EntityModel.v1",
    "encoder": DEFAULT_ENCODER,
    "neck": None,
    "head": {"@architectures": "spacy_xner.SoftmaxHead.v1"},
}


@Language.factory(
    "xner",
    assigns=["doc.ents", "doc.spans", "token.ent_iob", "token.ent_type"],
    default_config={
        "model": DEFAULT_MODEL,
        "device": "auto",
        "precision": "fp32",
        "max_batch_pieces": 1024,
        "backend": "torch",
        "threshold": 0.0,
        "spans_key": "xner",
        "overwrite": False,
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
    scorer: Callable[..., dict[str, Any]] | None,
) -> EntityRecognizer:
    """Make the component.

    Args:
        nlp: The pipeline.
        name: The component's name in it.
        model: A `spacy_xner.EntityModel.v1`.
        device: ``auto`` (cuda, then mps, then cpu), or a torch device.
        precision: ``fp32``, ``bf16``, ``fp16`` (prediction only), ``auto`` (bf16 where a GPU has it), or
            ``int8``: predictions on a processor in 8 bits, all else in fp32.
        max_batch_pieces: Pieces that go through the encoder at once, padding included.
        backend: What predicts on a processor: ``torch``, or ``onnx``, ONNX Runtime, which is faster. Training
            and a GPU take torch.
        threshold: Entities less probable than this are left out, from 0 to 1.
        spans_key: Key in ``doc.spans`` for all entities with their scores.
        overwrite: Whether entities that a doc has already make way for these.
        scorer: Scores examples, for `nlp.evaluate` and `spacy train`.
    """
    model.attrs["join"](model, nlp)
    return EntityRecognizer(
        nlp.vocab,
        model,
        name,
        device=device,
        precision=precision,
        max_batch_pieces=max_batch_pieces,
        backend=backend,
        threshold=threshold,
        spans_key=spans_key,
        overwrite=overwrite,
        scorer=scorer,
    )
