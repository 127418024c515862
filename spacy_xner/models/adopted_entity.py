"""A token-classification checkpoint as the model of ``xner``: what transformers finds, and as it finds it."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, cast

import torch
from spacy.tokens import Doc
from thinc.api import Model
from torch import Tensor

from ..nn.encoder.pieces import as_pieces
from ..nn.encoder.units import Aggregation, Units, merge_words
from ..nn.heads.checkpoint import OWN_LABELS, CheckpointHead, group_units
from ..nn.heads.spans import warn_lost
from ..types import Entity, Gold, SoftTargets
from .adopted import CheckpointShim, TaggerShim
from .entity import (
    backprop_torch,
    configure,
    finish_shared,
    get_shim,
    is_initialized,
    is_nested,
    join,
    plan,
    prepare,
)
from .settings import EncoderSettings

Alignment = Literal["strict", "contract", "expand"]


class UnitScores(NamedTuple):
    """A head's scores of the pieces of some docs.

    Attributes:
        scores: Of each piece. Shape: ``(batch, pieces, tags)``.
        mask: True at real pieces. Shape: ``(batch, pieces)``.
        units: The pieces of each doc.
        docs: The docs.
    """

    scores: Tensor
    mask: Tensor
    units: list[Units]
    docs: list[Doc]


UnitModel = Model[list[Doc], UnitScores]
AnyModel = Model[Any, Any]


def build_checkpoint_model_v1(
    name: str,
    aggregation_strategy: Aggregation = "simple",
    stride: int | None = None,
    alignment_mode: Alignment = "expand",
    window: int | None = None,
    freeze: str | int | list[str] | None = None,
    gradient_checkpointing: bool = False,  # noqa: FBT001, FBT002 - confection passes all by name
) -> UnitModel:
    """Build the model of an ``xner`` component from a trained Hugging Face checkpoint.

    Texts are cut whole by the checkpoint's own tokenizer, and its tags read as transformers'
    ``TokenClassificationPipeline`` reads them: the same entities with the same scores. Nothing is truncated.

    Args:
        name: Folder or hub id of a token-classification checkpoint. It is loaded when the component is first
            used, and not any more once the pipeline was saved.
        aggregation_strategy: ``simple`` for the tags of pieces; ``first``, ``average`` or ``max`` for those
            of words. For scripts without spaces, whose lines would be one word: ``simple``.
        stride: Pieces that two windows of a long text share; None for a quarter of the window.
        alignment_mode: What becomes of an entity with a border inside a token: ``expand``, ``contract``, or
            ``strict`` to drop it, as in `spacy.tokens.Doc.char_span`.
        window: Pieces that the encoder sees at once, special ones included; None for all it can.
        freeze: As for `spacy_xner.Encoder.v1`.
        gradient_checkpointing: Compute activations twice to save memory in training.
    """
    settings = EncoderSettings(
        name, "text", "first", window, stride, freeze, gradient_checkpointing, cut="text"
    )
    return Model(
        "xner",
        forward,
        init=init,
        shims=[TaggerShim(settings, None, CheckpointHead)],
        attrs=ADOPTED
        | {"loss": loss, "decode": decode, "soft_targets": soft_targets, "is_nested": is_nested}
        | {"aggregation": aggregation_strategy, "alignment": alignment_mode},
    )


def init(model: AnyModel, X: list[Doc] | None = None, Y: Sequence[str] | None = None) -> None:
    """Load the checkpoint anew; ``Y`` are labels, all of which it must have."""
    shim = get_checkpoint_shim(model)
    shim.adopt()
    new = [label for label in Y or () if label not in shim.labels]
    if new:
        raise ValueError(
            f"Labels must be among the checkpoint's ({', '.join(shim.labels)}), found {', '.join(new)}. "
            "Go on from it with init_from to add labels."
        )


def adopt(model: AnyModel) -> tuple[str, ...]:
    """Give the labels of the checkpoint."""
    return get_checkpoint_shim(model).labels


def set_origin(model: AnyModel, name: str, component: str) -> tuple[str, ...]:
    """Refuse to go on from another model."""
    raise ValueError(OWN_LABELS)


# What the models of all checkpoints have.
ADOPTED: dict[str, Any] = {
    "dropout_rate": 0.0,
    "plan": plan,
    "configure": configure,
    "is_initialized": is_initialized,
    "join": join,
    "finish_shared": finish_shared,
    "set_origin": set_origin,
    "adopt": adopt,
}


def forward(
    model: UnitModel,
    docs: list[Doc],
    is_train: bool,  # noqa: FBT001 - thinc calls it so
) -> tuple[UnitScores, Callable[[Tensor], list[Doc]]]:
    """Score the pieces of docs. Arguments and result as those of `model.forward`."""
    shim = get_checkpoint_shim(model)
    module = prepare(model, is_train=is_train)
    units = shim.cut_texts(docs)
    with torch.set_grad_enabled(is_train), shim.autocast():
        vectors, mask = module.encode([as_pieces(text) for text in units], shim.runtime.max_batch_pieces)
        return UnitScores(module(vectors, mask), mask, units, docs), backprop_torch


def loss(model: UnitModel, scores: UnitScores, gold: Sequence[Gold]) -> Tensor:
    """Sum the head's loss over the annotated pieces."""
    found = [
        _gold_of_units(doc, text, known)
        for doc, text, known in zip(scores.docs, scores.units, gold, strict=True)
    ]
    lost = sum(len(known.entities) - len(text.entities) for known, text in zip(gold, found, strict=True))
    if lost:
        warn_lost(lost, "share all their pieces with others")
    return _head(model).loss(scores.scores, scores.mask, found)


def decode(model: UnitModel, scores: UnitScores) -> list[list[Entity]]:
    """Find the entities of each doc."""
    with torch.no_grad():
        probs = scores.scores[scores.mask].float().softmax(dim=-1).cpu()
        probs, offsets = merge_words(probs, scores.units, model.attrs["aggregation"])
        found = iter(_head(model).decode_units(probs))
    get_shim(model).count_predicted(int(scores.mask.sum()))
    return [
        _on_tokens(doc, places, group_units([next(found) for _ in places]), model.attrs["alignment"])
        for doc, places in zip(scores.docs, offsets, strict=True)
    ]


def soft_targets(model: UnitModel, scores: UnitScores) -> list[SoftTargets]:
    """Refuse to teach: what it says of pieces is not what a student learns of tokens."""
    raise ValueError(
        "A teacher must say what it sees at each token, found a pipeline of a checkpoint, which does so at "
        "each piece. Name the checkpoint itself."
    )


def get_checkpoint_shim(model: AnyModel) -> CheckpointShim:
    """Get the part that holds the checkpoint."""
    return cast(CheckpointShim, get_shim(model))


def _head(model: UnitModel) -> CheckpointHead:
    return cast(CheckpointHead, get_shim(model).module.head)


def _on_tokens(
    doc: Doc, offsets: Sequence[tuple[int, int]], entities: Sequence[Entity], alignment: Alignment
) -> list[Entity]:
    """Give entities on pieces their tokens; of several on the same ones, the likeliest is left."""
    found: dict[tuple[int, int, str], float] = {}
    # A doc puts its text together each time.
    text = doc.text
    for start, end, label, score in entities:
        for first, last in _trim(text, offsets[start][0], offsets[end - 1][1]):
            span = doc.char_span(first, last, alignment_mode=alignment)
            if span is not None and len(span):
                key = (span.start, span.end, label)
                found[key] = max(score, found.get(key, 0.0))
    return [Entity(*key, score) for key, score in sorted(found.items())]


def _trim(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Leave out white space around what is between two offsets; nothing if it is all that there is."""
    part = text[start:end]
    if part.strip():
        yield start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())


def _gold_of_units(doc: Doc, units: Units, gold: Gold) -> Gold:
    """Move what is known of tokens to the pieces that they are in; entities that share one are cut."""
    starts, ends = ([offset[side] for offset in units.offsets] for side in (0, 1))
    entities: list[Entity] = []
    for ent in gold.entities:
        char_start, char_end = doc[ent.start].idx, doc[ent.end - 1].idx + len(doc[ent.end - 1])
        first = max(bisect_right(ends, char_start), entities[-1].end if entities else 0)
        stop = bisect_left(starts, char_end)
        if first < stop:
            entities.append(Entity(first, stop, ent.label))
    borders = [token.idx for token in doc]
    # A space before the first token belongs to it.
    known = [gold.known[max(bisect_right(borders, end - 1) - 1, 0)] for end in ends]
    return Gold(entities, known, gold.open)
