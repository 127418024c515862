"""Token-classification checkpoints as models of ``xner``, with the same entities as in transformers."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast

import torch
from spacy.tokens import Doc
from thinc.api import Model
from torch import Tensor

from ..nn.encoder.pieces import as_pieces
from ..nn.encoder.units import Aggregation, Units, merge_words
from ..nn.heads.checkpoint import CheckpointHead, group_units
from ..nn.heads.spans import warn_lost
from ..nn.model import Network
from ..pipeline.interfaces import AnyModel
from ..types import Entity, Gold
from .adopted import AdoptedTokens, check_labels, load_once, refuse_origin, reload
from .entity import Backprop, backprop_torch
from .settings import EncoderSettings
from .shim import ModelShim, get_shim

Alignment = Literal["strict", "contract", "expand"]
DESIGN = AdoptedTokens()


class UnitScores(NamedTuple):
    """A head's scores for the pieces of a batch of docs.

    Attributes:
        network: The network that computed them.
        scores: Shape: ``(batch, pieces, tags)``.
        mask: True at real pieces. Shape: ``(batch, pieces)``.
        units: The pieces of each doc.
        docs: The docs.
    """

    network: Network
    scores: Tensor
    mask: Tensor
    units: list[Units]
    docs: list[Doc]


UnitModel = Model[list[Doc], UnitScores]


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

    The checkpoint's tokenizer splits each text as a whole, and tags are decoded as in transformers'
    ``TokenClassificationPipeline``, so that entities and scores are the same. Long texts are not truncated.
    The tags ``E-`` and ``S-`` end an entity, while that pipeline takes them for labels of their own.

    Args:
        name: Folder or hub id of a token-classification checkpoint. It is loaded when the component is first
            used; a saved pipeline contains its weights.
        aggregation_strategy: ``simple`` for tags of pieces; ``first``, ``average`` or ``max`` for tags of
            words. Use ``simple`` for scripts without spaces, in which a whole line would be one word.
        stride: Pieces shared by neighbouring windows of a long text; None for a quarter of the window.
        alignment_mode: How to align an entity that begins or ends inside a token: ``expand``, ``contract``,
            or ``strict`` to drop it, as in `spacy.tokens.Doc.char_span`.
        window: Pieces per window, special ones included; None for the encoder's maximum.
        freeze: See `spacy_xner.Encoder.v1`.
        gradient_checkpointing: Recompute activations in the backward pass to save memory.
    """
    settings = EncoderSettings(
        name, "text", "first", window, stride, freeze, gradient_checkpointing, cut="text"
    )
    return Model(
        "xner",
        forward,
        init=init,
        shims=[ModelShim(DESIGN, settings)],
        attrs={"dropout_rate": 0.0, "task": AdoptedEntityTask(aggregation_strategy, alignment_mode)},
    )


def init(model: UnitModel, X: list[Doc] | None = None, Y: Sequence[str] | None = None) -> None:
    """Reload the checkpoint; it must have all labels, which thinc passes as ``Y``."""
    shim = get_shim(model)
    reload(shim, DESIGN.load)
    check_labels(_head(shim.execution.network).types, Y or ())


def forward(
    model: UnitModel,
    docs: list[Doc],
    is_train: bool,  # noqa: FBT001 - thinc's signature
) -> tuple[UnitScores, Backprop]:
    """Score the pieces of docs. Arguments and return values are those of `entity.forward`."""
    execution = load_once(model, DESIGN.load).execution
    network, cutter = execution.prepare(model.attrs["dropout_rate"], is_train=is_train), execution.cutter
    assert cutter is not None  # a checkpoint has a tokenizer
    units = [cutter.cut_text(doc.text) for doc in docs]
    if not is_train:
        execution.count_predicted(sum(map(len, docs)))
    with torch.set_grad_enabled(is_train), execution.autocast():
        pieces = [as_pieces(text) for text in units]
        vectors, mask = network.encode(pieces, execution.runtime.max_batch_pieces)
        return UnitScores(network, network(vectors, mask), mask, units, docs), backprop_torch


@dataclass(frozen=True)
class AdoptedEntityTask:
    """Entity recognition with an adopted checkpoint. See `spacy_xner.pipeline.interfaces.Task`.

    Attributes:
        aggregation: The ``aggregation_strategy`` of `build_checkpoint_model_v1`.
        alignment: Its ``alignment_mode``.
    """

    aggregation: Aggregation
    alignment: Alignment

    def labels(self, model: AnyModel) -> tuple[str, ...]:
        """Return the entity types of the checkpoint's tags; loads the checkpoint on first use."""
        return _head(load_once(model, DESIGN.load).execution.network).types

    @property
    def is_nested(self) -> bool:
        """False: tags cannot represent overlapping entities."""
        return False

    def decode(self, model: AnyModel, scores: UnitScores) -> list[list[Entity]]:
        """Decode the entities of each doc."""
        with torch.no_grad():
            probs = scores.scores[scores.mask].float().softmax(dim=-1).cpu()
            probs, offsets = merge_words(probs, scores.units, self.aggregation)
            decoded = iter(_head(scores.network).decode_units(probs))
        return [
            _align_entities(doc, places, group_units([next(decoded) for _ in places]), self.alignment)
            for doc, places in zip(scores.docs, offsets, strict=True)
        ]

    def loss(self, model: AnyModel, scores: UnitScores, gold: Sequence[Gold]) -> Tensor:
        """Sum the head's loss over the annotated pieces."""
        aligned = [
            _align_gold(doc, units, text_gold)
            for doc, units, text_gold in zip(scores.docs, scores.units, gold, strict=True)
        ]
        n_lost = sum(len(a.entities) - len(b.entities) for a, b in zip(gold, aligned, strict=True))
        if n_lost:
            warn_lost(n_lost, "share all their pieces with others")
        return _head(scores.network).loss(scores.scores, scores.mask, aligned)

    def resume_from(self, model: AnyModel, name: str, component: str) -> tuple[str, ...]:
        """Refuse to start from another model."""
        return refuse_origin()


def _head(network: Network) -> CheckpointHead:
    return cast(CheckpointHead, network.head)


def _align_entities(
    doc: Doc, offsets: Sequence[tuple[int, int]], entities: Sequence[Entity], alignment: Alignment
) -> list[Entity]:
    """Map entities from pieces to tokens; duplicates keep the highest score.

    Args:
        doc: The doc.
        offsets: Character offsets of each piece or word.
        entities: Entities as indices into the offsets.
        alignment: How to align an entity that begins or ends inside a token.
    """
    best_scores: dict[tuple[int, int, str], float] = {}
    # Doc.text builds the string at each access.
    text = doc.text
    for start, end, label, score in entities:
        char_start, char_end = _strip(text, offsets[start][0], offsets[end - 1][1])
        if char_start >= char_end:
            continue
        span = doc.char_span(char_start, char_end, alignment_mode=alignment)
        if span is not None and len(span):
            key = (span.start, span.end, label)
            best_scores[key] = max(score, best_scores.get(key, 0.0))
    return [Entity(*key, score) for key, score in sorted(best_scores.items())]


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    """Strip white space at both ends of a part of a text, which may leave it empty."""
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), end - len(part) + len(part.rstrip())


def _align_gold(doc: Doc, units: Units, gold: Gold) -> Gold:
    """Map gold annotation from tokens to pieces; a piece shared by two entities belongs to the first."""
    starts, ends = ([offset[side] for offset in units.offsets] for side in (0, 1))
    entities: list[Entity] = []
    for ent in gold.entities:
        char_start, char_end = doc[ent.start].idx, doc[ent.end - 1].idx + len(doc[ent.end - 1])
        first = max(bisect_right(ends, char_start), entities[-1].end if entities else 0)
        stop = bisect_left(starts, char_end)
        if first < stop:
            entities.append(Entity(first, stop, ent.label))
    token_starts = [token.idx for token in doc]
    # A space before the first token belongs to it.
    known = [gold.known[max(bisect_right(token_starts, end - 1) - 1, 0)] for end in ends]
    return gold._replace(entities=entities, known=known)
