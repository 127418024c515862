"""The factory of the ``xcat`` component.

spaCy imports this module whenever it makes a pipeline: nothing here imports torch or transformers.
"""

from collections.abc import Callable
from typing import Any, Union

from spacy.language import Language
from thinc.api import Model

from .default_encoder import DEFAULT_ENCODER
from .xcat import TextClassifier

DEFAULT_TEXT_MODEL = {
    "@architectures": "spacy_xner.TextModel.v1",
    "encoder": {**DEFAULT_ENCODER, "cut": "text"},
    "neck": None,
    "pooling": {"@architectures": "spacy_xner.MeanPooling.v1"},
    "head": {"@architectures": "spacy_xner.ExclusiveHead.v1"},
}


@Language.factory(
    "xcat",
    assigns=["doc.cats"],
    default_config={
        "model": DEFAULT_TEXT_MODEL,
        "device": "auto",
        "precision": "fp32",
        "max_batch_pieces": 1024,
        "backend": "torch",
        "threshold": 0.5,
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
    scorer: Callable[..., dict[str, Any]] | None,
) -> TextClassifier:
    """Make the component.

    Args:
        nlp: The pipeline.
        name: The component's name in it.
        model: A `spacy_xner.TextModel.v1`.
        device: ``auto`` (cuda, then mps, then cpu), or a torch device.
        precision: ``fp32``, ``bf16``, ``fp16`` (prediction only), ``auto`` (bf16 where a GPU has it), or
            ``int8``: predictions on a processor in 8 bits, all else in fp32.
        max_batch_pieces: Pieces that go through the encoder at once, padding included.
        backend: What predicts on a processor: ``torch``, or ``onnx``, ONNX Runtime, which is faster. Training
            and a GPU take torch.
        threshold: From which probability on a text counts as having a label, where it may have several: for
            all labels, or by label. ``doc.cats`` has the probabilities themselves.
        scorer: Scores examples, for `nlp.evaluate` and `spacy train`.
    """
    model.attrs["join"](model, nlp)
    return TextClassifier(
        nlp.vocab,
        model,
        name,
        device=device,
        precision=precision,
        max_batch_pieces=max_batch_pieces,
        backend=backend,
        threshold=threshold,
        scorer=scorer,
    )
