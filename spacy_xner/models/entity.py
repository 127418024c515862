"""The thinc model of the ``xner`` component, and the task that it is trained for."""

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

from ..nn.heads.base import Head
from ..pipeline.interfaces import AnyModel
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
        head: One of `spacy_xner.models.heads`.
        neck: One of `spacy_xner.models.necks`: a function from the vectors' width to a torch module
            ``(vectors, mask) -> vectors``. Or None.
    """
    if isinstance(encoder, EncoderSettings) and not encoder.has_token_vectors:
        raise ValueError(
            "The encoder must have pooling first, last or mean, and cut tokens, for entities, found pooling "
            f"{encoder.pooling} and cut {encoder.cut}. Change it."
        )
    return make_model("xner", EntityTask(read_constant(head, "is_nested")), TokenDesign(head, neck), encoder)


def make_model(name: str, task: object, design: TokenDesign | TextDesign, encoder: AnyEncoder) -> VectorModel:
    """Make the thinc model of a task.

    Args:
        name: The model's name: that of the component.
        task: What it is trained for.
        design: Its modules.
        encoder: As for `build_entity_model_v1`.
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
    """Initialize with a sample of docs and the labels, which thinc passes as ``X`` and ``Y``."""
    width = None
    for layer in model.layers:
        layer.initialize(X=X)
        width = layer.get_dim("nO") if layer.has_dim("nO") else None
    shim = get_shim(model)
    source = shim.execution.source
    if isinstance(source, BorrowedEncoder):
        width = source.width
    origin, shim.origin = shim.origin, None
    shim.initialize(design, list(Y or ()), width, None if origin is None else origin.checkpoint)
    if origin is not None:
        inherit(shim.execution.network, origin)


def forward(
    model: VectorModel,
    docs: list[Doc],
    is_train: bool,  # noqa: FBT001 - thinc calls it so
) -> tuple[VectorScores, Backprop]:
    """Compute the scores of docs.

    Args:
        model: The thinc model.
        docs: At least one of them has a token.
        is_train: Whether the callback will be called.

    Returns:
        The scores, and a callback that takes the loss and backpropagates through torch, then the layers.
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
    """Backpropagate through torch, where no thinc layer is below."""
    loss.backward()  # type: ignore[no-untyped-call]
    return []


@dataclass(frozen=True)
class EntityTask:
    """Find entities. See `spacy_xner.pipeline.interfaces.Task`.

    Attributes:
        is_nested: Whether entities may overlap.
    """

    is_nested: bool

    def decode(self, model: AnyModel, scores: VectorScores) -> list[list[Entity]]:
        """Find the entities of each doc; a doc without tokens has none."""
        has_tokens = scores.mask.any(dim=1)
        with torch.no_grad():
            entities = iter(_head(scores).decode(scores.scores[has_tokens], scores.mask[has_tokens]))
        return [next(entities) if has else [] for has in has_tokens.tolist()]

    def loss(self, model: AnyModel, scores: VectorScores, gold: Sequence[Gold]) -> Tensor:
        """Sum the head's loss over the annotated tokens."""
        return _head(scores).loss(scores.scores, scores.mask, gold)

    def soft_targets(self, model: AnyModel, scores: VectorScores) -> list[SoftTargets]:
        """Compute the log-probabilities of each doc's tags, and its entities."""
        has_tokens = scores.mask.any(dim=1)
        with torch.no_grad():
            soft = _head(scores).soft_targets(scores.scores[has_tokens], scores.mask[has_tokens])
        targets = iter(soft)
        return [next(targets) if has else NO_TARGETS for has in has_tokens.tolist()]

    def distill_loss(
        self,
        model: AnyModel,
        scores: VectorScores,
        targets: Sequence[DistillTarget | None],
        temperature: float,
    ) -> Tensor:
        """Sum the head's divergence from the teacher over the taught tokens."""
        return _head(scores).distill_loss(scores.scores, scores.mask, targets, temperature)

    def resume_from(self, model: AnyModel, name: str, component: str) -> tuple[str, ...]:
        """Load the model that the next initialization starts from; returns its labels."""
        return set_origin(model, name, component, "xner")

    def join(self, model: AnyModel, nlp: Language) -> None:
        """Connect the model to the pipeline that its component was added to."""
        join(model, nlp)


def _head(scores: VectorScores) -> Head:
    return cast(Head, scores.network.head)


def read_constant(make_head: MakeHead, name: str) -> bool:
    """Read a constant of the head class that a builder names, without making a head."""
    return bool(getattr(getattr(make_head, "func", make_head), name, False))


def set_origin(model: AnyModel, name: str, component: str, factory: str) -> tuple[str, ...]:
    """Load the model that the next initialization starts from. See `Task.resume_from`."""
    shim = get_shim(model)
    origin = load_origin(name, component, factory)
    check_origin(origin, shim.encoder, name)
    shim.origin = origin
    return origin.head.labels


def join(model: AnyModel, nlp: Language) -> None:
    """Connect a model to its pipeline, if it shares the encoder of another component."""
    source = get_execution(model).source
    if isinstance(source, BorrowedEncoder):
        source.join(nlp)
