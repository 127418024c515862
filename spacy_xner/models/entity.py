"""The thinc model of the ``xner`` component and its task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import Floats2d
from torch import Tensor

from ..nn.heads.base import AnyHead, Head, ScoresEntities, check_head
from ..nn.heads.text import TextHead
from ..pipeline.interfaces import AnyModel
from ..schemes import OUTSIDE
from ..types import NO_TARGETS, DistillTarget, Entity, Gold, SoftTargets
from .building import MakeHead, MakeModule, TextDesign, TokenDesign
from .execution import VectorScores, get_execution
from .settings import EncoderSettings, SharedEncoder
from .sharing import BorrowedEncoder
from .shim import ModelShim, get_shim
from .warm_start import check_origin, inherit, load_origin

AnyEncoder = EncoderSettings | SharedEncoder | Model[list[Doc], list[Floats2d]]
Backprop = Callable[[Tensor], list[Doc]]


VectorModel = Model[list[Doc], VectorScores]


def build_entity_model_v1(
    encoder: EncoderSettings | SharedEncoder | Model[list[Doc], list[Floats2d]],
    head: MakeHead,
    neck: MakeModule | None = None,
) -> VectorModel:
    """Build the model of the ``xner`` component.

    Args:
        encoder: `spacy_xner.Encoder.v1`, `spacy_xner.SharedEncoder.v1`, or any spaCy tok2vec layer, such as
            `spacy-transformers.TransformerListener.v1`.
        head: A head for tokens, such as `spacy_xner.CRFHead.v1`.
        neck: A neck, such as `spacy_xner.BiLSTM.v1`, or None. It is a function from the width of the vectors
            to a torch module ``(vectors, mask) -> vectors``.

    Raises:
        ValueError: If the encoder computes no token vectors, or the head lacks a method.
    """
    check_class(head, Head)
    if isinstance(encoder, EncoderSettings) and not encoder.has_token_vectors:
        raise ValueError(
            "The encoder of xner must have pooling first, last or mean, and cut tokens, found pooling "
            f"{encoder.pooling} and cut {encoder.cut}. Change them in its model.encoder."
        )
    return make_model("xner", EntityTask(read_constant(head, "is_nested")), TokenDesign(head, neck), encoder)


def make_model(name: str, task: object, design: TokenDesign | TextDesign, encoder: AnyEncoder) -> VectorModel:
    """Build the thinc model of a component.

    Args:
        name: Name of the model: the factory of the component.
        task: The component's task.
        design: The modules of the network.
        encoder: See `build_entity_model_v1`.
    """
    layers = [encoder] if isinstance(encoder, Model) else []
    settings = encoder if isinstance(encoder, EncoderSettings) else None
    source = BorrowedEncoder(encoder) if isinstance(encoder, SharedEncoder) else None
    return Model(
        name,
        forward,
        init=partial(init, design=design),
        layers=layers,
        shims=[ModelShim(design, settings, source)],
        attrs={"dropout_rate": 0.0, "task": task},
    )


def init(
    model: VectorModel,
    X: list[Doc] | None = None,
    Y: Sequence[str] | None = None,
    *,
    design: TokenDesign | TextDesign,
) -> None:
    """Build the network from a sample of docs and the labels, which thinc passes as ``X`` and ``Y``."""
    width = None
    for layer in model.layers:
        layer.initialize(X=X)
        width = layer.get_dim("nO") if layer.has_dim("nO") else None
    labels = list(Y or ())
    check_class_weights(design.make_head, [*labels, OUTSIDE] if isinstance(design, TokenDesign) else labels)
    shim = get_shim(model)
    source = shim.execution.source
    if isinstance(source, BorrowedEncoder):
        width = source.width
    origin, shim.origin = shim.origin, None
    shim.initialize(design, labels, width, None if origin is None else origin.checkpoint)
    check_made_head(shim.execution.network.head, design)
    if origin is not None:
        inherit(shim.execution.network, origin)


def forward(
    model: VectorModel,
    docs: list[Doc],
    is_train: bool,  # noqa: FBT001 - thinc's signature
) -> tuple[VectorScores, Backprop]:
    """Score docs.

    Args:
        model: The thinc model.
        docs: The docs, at least one of which has a token.
        is_train: Whether gradients are needed.

    Returns:
        The scores, and a callback that backpropagates a loss through torch, then through the thinc layers.
    """
    execution, dropout = get_execution(model), model.attrs["dropout_rate"]
    if not model.layers:
        return execution.score(docs, dropout, is_train=is_train), backprop_torch
    network = execution.prepare(dropout, is_train=is_train)
    rows, backprop_layer = model.layers[0](docs, is_train)
    with torch.set_grad_enabled(is_train), execution.autocast():
        inputs = [xp2torch(row, requires_grad=is_train, device=network.device) for row in rows]
        vectors, mask = network.pad(inputs)
        scores = VectorScores(network, network(vectors, mask), mask)

    def backprop(loss: Tensor) -> list[Doc]:
        loss.backward()  # type: ignore[no-untyped-call]
        grads = [torch.zeros_like(x) if x.grad is None else x.grad for x in inputs]
        return cast(list[Doc], backprop_layer([torch2xp(grad, ops=model.ops) for grad in grads]))

    return scores, backprop


def backprop_torch(loss: Tensor) -> list[Doc]:
    """Backpropagate through torch, for a model without thinc layers."""
    loss.backward()  # type: ignore[no-untyped-call]
    return []


@dataclass(frozen=True)
class EntityTask:
    """Entity recognition. See `spacy_xner.pipeline.interfaces.Task`.

    Attributes:
        is_nested: Whether entities may overlap.
    """

    is_nested: bool

    def decode(self, model: AnyModel, scores: VectorScores) -> list[list[Entity]]:
        """Decode the entities of each doc; a doc without tokens has none."""
        has_tokens = scores.mask.any(dim=1)
        with torch.no_grad():
            entities = iter(_head(scores).decode(scores.scores[has_tokens], scores.mask[has_tokens]))
        return [next(entities) if flag else [] for flag in has_tokens.tolist()]

    def entity_probabilities(
        self, model: AnyModel, scores: VectorScores, entities: Sequence[Sequence[Entity]]
    ) -> list[list[float]]:
        """Compute how probable each of some entities of each doc is."""
        head, has_tokens = _head(scores), scores.mask.any(dim=1)
        if not isinstance(head, ScoresEntities):
            raise ValueError(
                "The head must have entity_probabilities to judge given entities, but "
                f"{type(head).__name__} lacks it. Add the method, or use a head of spacy_xner."
            )
        kept = [text for text, flag in zip(entities, has_tokens.tolist(), strict=True) if flag]
        with torch.no_grad():
            rows = iter(head.entity_probabilities(scores.scores[has_tokens], scores.mask[has_tokens], kept))
        return [next(rows) if flag else [] for flag in has_tokens.tolist()]

    def loss(self, model: AnyModel, scores: VectorScores, gold: Sequence[Gold]) -> Tensor:
        """Sum the head's loss over the annotated tokens."""
        return _head(scores).loss(scores.scores, scores.mask, gold)

    def soft_targets(self, model: AnyModel, scores: VectorScores) -> list[SoftTargets]:
        """Compute tag log-probabilities and entities of each doc."""
        has_tokens = scores.mask.any(dim=1)
        with torch.no_grad():
            soft = _head(scores).soft_targets(scores.scores[has_tokens], scores.mask[has_tokens])
        targets = iter(soft)
        return [next(targets) if flag else NO_TARGETS for flag in has_tokens.tolist()]

    def distill_loss(
        self,
        model: AnyModel,
        scores: VectorScores,
        targets: Sequence[DistillTarget | None],
        temperature: float,
    ) -> Tensor:
        """Sum the head's divergence from the teacher over the tokens that it teaches."""
        return _head(scores).distill_loss(scores.scores, scores.mask, targets, temperature)

    def resume_from(self, model: AnyModel, name: str, component: str) -> tuple[str, ...]:
        """Load the model that the next initialization starts from, and return its labels."""
        return set_origin(model, name, component, "xner")

    def join(self, model: AnyModel, nlp: Language) -> None:
        """Connect the model to the pipeline of its component."""
        join(model, nlp)


def _head(scores: VectorScores) -> Head:
    return cast(Head, scores.network.head)


def read_constant(make_head: MakeHead, name: str) -> bool:
    """Read a class attribute of the head that a builder makes, without making the head."""
    return bool(getattr(_callee(make_head), name, False))


def check_class(make_head: MakeHead, protocol: type) -> None:
    """Check the class of a head before it is made; nothing is known of what a plain function makes.

    Raises:
        ValueError: If a method or a class attribute is missing.
    """
    if isinstance(_callee(make_head), type):
        check_head(_callee(make_head), protocol)


def check_made_head(head: AnyHead, design: TokenDesign | TextDesign) -> None:
    """Check a head that was made: also what is not known of the function that made it.

    Raises:
        ValueError: If an attribute or a method is missing, or a class attribute could not be read before.
    """
    is_token_head = isinstance(design, TokenDesign)
    check_head(head, Head if is_token_head else TextHead)
    constant = "is_nested" if is_token_head else "is_exclusive"
    if getattr(head, constant) != read_constant(design.make_head, constant):
        raise ValueError(
            f"A head with {constant} must be made by its class or by a functools.partial of it, found "
            f"{design.make_head!r}. Return one of these from the builder."
        )


def _callee(make_head: MakeHead) -> object:
    return getattr(make_head, "func", make_head)


def check_class_weights(make_head: MakeHead, labels: Sequence[str]) -> None:
    """Check that a head's class weights, if it has any, are those of its labels.

    Raises:
        ValueError: If a label is unknown.
    """
    weights: dict[str, float] = getattr(make_head, "keywords", {}).get("class_weights") or {}
    unknown = [label for label in weights if label not in labels]
    if unknown:
        raise ValueError(
            f"class_weights must name labels of the component ({', '.join(labels)}), found {unknown[0]!r}. "
            "Change the names, or remove them."
        )


def set_origin(model: AnyModel, name: str, component: str, factory: str) -> tuple[str, ...]:
    """Load the model that the next initialization starts from. See `Task.resume_from`."""
    shim = get_shim(model)
    origin = load_origin(name, component, factory)
    check_origin(origin, shim.encoder, name)
    shim.origin = origin
    return origin.head.labels


def join(model: AnyModel, nlp: Language) -> None:
    """Connect a model to its pipeline if it shares the encoder of another component."""
    source = get_execution(model).source
    if isinstance(source, BorrowedEncoder):
        source.join(nlp)
