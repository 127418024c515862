"""A token-classification checkpoint as the model of ``xner``, which finds what transformers finds."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
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
from .adopted import AdoptedTokens, check_labels, load_again, load_once, refuse_origin
from .entity import Backprop, backprop_torch
from .settings import EncoderSettings
from .shim import ModelShim, get_shim

Alignment = Literal["strict", "contract", "expand"]
DESIGN = AdoptedTokens()


class UnitScores(NamedTuple):
    """A head's scores of the pieces of some docs.

    Attributes:
        network: What computed them.
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

    Texts are cut whole by the checkpoint's own tokenizer, and its tags are read as transformers'
    ``TokenClassificationPipeline`` reads them: the same entities with the same scores. Nothing is truncated.

    Args:
        name: Folder or hub id of a token-classification checkpoint. It is loaded when the component is first
            used; a saved pipeline has its own copy.
        aggregation_strategy: ``simple`` for the tags of pieces; ``first``, ``average`` or ``max`` for those
            of words. For scripts without spaces, whose lines would be one word: ``simple``.
        stride: Pieces that two windows of a long text share; None for a quarter of the window.
        alignment_mode: How an entity with a border inside a token is aligned: ``expand``, ``contract``, or
            ``strict`` to drop it, as in `spacy.tokens.Doc.char_span`.
        window: Pieces that the encoder sees at once, special ones included; None for its maximum.
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
        shims=[ModelShim(DESIGN, settings)],
        attrs={"dropout_rate": 0.0, "task": AdoptedEntityTask(aggregation_strategy, alignment_mode)},
    )


def init(model: UnitModel, X: list[Doc] | None = None, Y: Sequence[str] | None = None) -> None:
    """Load the checkpoint anew; ``Y`` are labels, all of which it must have."""
    shim = get_shim(model)
    load_again(shim, DESIGN.load)
    check_labels(_head(shim.execution.network).types, Y or ())


def forward(
    model: UnitModel,
    docs: list[Doc],
    is_train: bool,  # noqa: FBT001 - thinc calls it so
) -> tuple[UnitScores, Backprop]:
    """Compute the scores of the pieces of docs. Arguments and result as those of `entity.forward`."""
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
    """Find the entities that a checkpoint finds. See `spacy_xner.pipeline.interfaces.Task`.

    Attributes:
        aggregation: As `build_checkpoint_model_v1` explains it.
        alignment: As explained there.
    """

    aggregation: Aggregation
    alignment: Alignment

    def labels(self, model: AnyModel) -> tuple[str, ...]:
        """Load the checkpoint, unless that was done, and return the entity types of its tags."""
        return _head(load_once(model, DESIGN.load).execution.network).types

    @property
    def is_nested(self) -> bool:
        """False: tags cannot overlap."""
        return False

    def decode(self, model: AnyModel, scores: UnitScores) -> list[list[Entity]]:
        """Find the entities of each doc."""
        with torch.no_grad():
            probs = scores.scores[scores.mask].float().softmax(dim=-1).cpu()
            probs, offsets = merge_words(probs, scores.units, self.aggregation)
            units = iter(_head(scores.network).decode_units(probs))
        return [
            _on_tokens(doc, places, group_units([next(units) for _ in places]), self.alignment)
            for doc, places in zip(scores.docs, offsets, strict=True)
        ]

    def loss(self, model: AnyModel, scores: UnitScores, gold: Sequence[Gold]) -> Tensor:
        """Sum the head's loss over the annotated pieces."""
        on_units = [
            _gold_of_units(doc, text, known)
            for doc, text, known in zip(scores.docs, scores.units, gold, strict=True)
        ]
        lost = sum(len(a.entities) - len(b.entities) for a, b in zip(gold, on_units, strict=True))
        if lost:
            warn_lost(lost, "share all their pieces with others")
        return _head(scores.network).loss(scores.scores, scores.mask, on_units)

    def resume_from(self, model: AnyModel, name: str, component: str) -> tuple[str, ...]:
        """Refuse to start from another model."""
        return refuse_origin()


def _head(network: Network) -> CheckpointHead:
    return cast(CheckpointHead, network.head)


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
