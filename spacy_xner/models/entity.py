"""The registered parts of an entity model, and the thinc model that joins them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import torch
from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model, Optimizer, torch2xp, xp2torch
from thinc.types import Floats2d
from torch import Tensor

from ..nn.encoder.encoder import plan_batches
from ..nn.heads.base import Head
from ..nn.model import EntityModule
from ..types import NO_TARGETS, DistillTarget, Entity, Gold, SoftTargets
from .settings import EncoderSettings, Runtime, SharedEncoder
from .sharing import borrow, find_source
from .shim import EntityShim, MakeHead, MakeNeck
from .warm_start import Origin, check_origin, inherit, load_origin


class TokenScores(NamedTuple):
    """A head's scores of some docs, and their mask."""

    scores: Tensor
    mask: Tensor


EntityModel = Model[list[Doc], TokenScores]
# Groups of docs that a head decodes at once hold this many batches of the encoder.
PREDICT_GROUP_BATCHES = 4


def build_entity_model_v1(
    encoder: EncoderSettings | SharedEncoder | Model[list[Doc], list[Floats2d]],
    head: MakeHead,
    neck: MakeNeck | None = None,
) -> EntityModel:
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
    layers = [encoder] if isinstance(encoder, Model) else []
    settings = None if isinstance(encoder, Model) else encoder
    return Model(
        "xner",
        forward,
        init=init,
        layers=layers,
        shims=[EntityShim(settings, neck, head)],
        attrs={"dropout_rate": 0.0, "plan": plan, "loss": loss, "decode": decode}
        | {"configure": configure, "is_initialized": is_initialized}
        | {
            "join": join,
            "finish_shared": finish_shared,
            "is_nested": is_nested,
            "set_origin": set_origin,
            "distill_loss": distill_loss,
            "soft_targets": soft_targets,
        },
    )


def init(model: EntityModel, X: list[Doc] | None = None, Y: Sequence[str] | None = None) -> None:
    """Initialize with a sample of docs and the labels, which thinc hands over as ``X`` and ``Y``."""
    width = None
    for layer in model.layers:
        layer.initialize(X=X)
        width = layer.get_dim("nO") if layer.has_dim("nO") else None
    shim = get_shim(model)
    if shim.shared is not None:
        width = find_source(shim).module.width
    origin: Origin | None = model.attrs.pop("origin", None)
    shim.initialize(list(Y or ()), width, origin.checkpoint if origin is not None else None)
    if origin is not None:
        inherit(shim.module, origin)


def set_origin(model: EntityModel, name: str, component: str, factory: str = "xner") -> tuple[str, ...]:
    """Load what the next initialization extends: a component of the same kind.

    Returns:
        Its labels.

    Raises:
        OSError: If there is no such pipeline or checkpoint.
        ValueError: If it cannot be extended by this model.
    """
    origin = load_origin(name, component, factory)
    check_origin(origin, get_shim(model).encoder, name)
    model.attrs["origin"] = origin
    return origin.head.labels


def forward(
    model: EntityModel,
    docs: list[Doc],
    is_train: bool,  # noqa: FBT001 - thinc calls it so
) -> tuple[TokenScores, Callable[[Tensor], list[Doc]]]:
    """Score the tokens of docs.

    Args:
        model: The thinc model.
        docs: At least one of them with a token.
        is_train: Whether the callback will be called.

    Returns:
        The scores, and a callback that takes the loss and goes back through torch, then through the layers.
    """
    shim = get_shim(model)
    module = prepare(model, is_train=is_train)
    borrowed = borrow(shim, docs, is_train=is_train) if shim.shared else None
    with torch.set_grad_enabled(is_train), shim.autocast():
        if not model.layers:
            vectors, mask = borrowed or shim.encode(docs)
            if shim.store is not None and not is_train:
                shim.store.put(docs, vectors)
            return TokenScores(module(vectors, mask), mask), backprop_torch
        rows, backprop_layer = model.layers[0](docs, is_train)
        inputs = [xp2torch(row, requires_grad=is_train, device=module.device) for row in rows]
        vectors, mask = module.pad(inputs)
        scores = TokenScores(module(vectors, mask), mask)

    def backprop(loss: Tensor) -> list[Doc]:
        loss.backward()  # type: ignore[no-untyped-call]
        grads = [torch.zeros_like(x) if x.grad is None else x.grad for x in inputs]
        return cast(list[Doc], backprop_layer([torch2xp(grad, ops=model.ops) for grad in grads]))

    return scores, backprop


def prepare(model: Model[Any, Any], *, is_train: bool) -> EntityModule:
    """Set the module up for training or prediction.

    Raises:
        ValueError: If it cannot be trained in its precision.
    """
    shim = get_shim(model)
    if is_train and shim.runtime.precision == "fp16":
        raise ValueError(
            "precision must be fp32, bf16 or auto for training, found fp16, whose small gradients vanish. "
            "Choose one of these; fp16 is for prediction."
        )
    module = shim.module
    if not is_train:
        shim.use_backend()
    module.train(is_train)
    module.dropout.p = model.attrs["dropout_rate"]
    return module


def backprop_torch(loss: Tensor) -> list[Doc]:
    """Go back through torch, where no layer stands below."""
    loss.backward()  # type: ignore[no-untyped-call]
    return []


def configure(model: EntityModel, device: str, precision: str, max_batch_pieces: int, backend: str) -> None:
    """Set what may change from one machine to the next."""
    get_shim(model).configure(Runtime(device, precision, max_batch_pieces, backend))


def join(model: EntityModel, nlp: Language) -> None:
    """Tell the model in which pipeline it is, where the component is that shares its encoder."""
    shim = get_shim(model)
    if shim.shared is None:
        return
    shim.pipeline = nlp
    if shim.shared.component in nlp.component_names:
        # From the first text on, that one keeps its vectors.
        find_source(shim)


def finish_shared(model: EntityModel, optimizer: Optimizer) -> None:
    """Update a shared encoder by what this model's loss says of it, if its own component has not yet."""
    shim = get_shim(model)
    if shim.shared is not None and shim.shared.train:
        find_source(shim).finish_update(optimizer)


def is_initialized(model: EntityModel) -> bool:
    """Return whether the model has weights."""
    return get_shim(model).is_initialized


def is_nested(model: EntityModel) -> bool:
    """Return whether the head finds entities that overlap."""
    shim = get_shim(model)
    head = get_head(model) if shim.is_initialized else cast(Head, shim.make_head(2, ["any"]))
    return head.is_nested


def plan(model: EntityModel, docs: Sequence[Doc], *, is_train: bool) -> list[list[int]]:
    """Group docs that go through the model together: of like length, and within the budget of pieces.

    A layer that listens to another component gets all docs at once, since that one ran them so.

    Returns:
        Indices of docs; docs without tokens are in no group, unless there is a listener.
    """
    if model.layers:
        return [list(range(len(docs)))] if any(len(doc) for doc in docs) else []
    order = sorted((i for i, doc in enumerate(docs) if len(doc)), key=lambda i: len(docs[i]))
    budget = get_shim(model).runtime.max_batch_pieces * (1 if is_train else PREDICT_GROUP_BATCHES)
    return [order[first:last] for first, last in plan_batches([len(docs[i]) for i in order], budget)]


def loss(model: EntityModel, scores: TokenScores, gold: Sequence[Gold]) -> Tensor:
    """Sum the head's loss over the annotated tokens."""
    head = get_head(model)
    return head.loss(scores.scores, scores.mask, gold)


def decode(model: EntityModel, scores: TokenScores) -> list[list[Entity]]:
    """Find the entities of each doc, an empty one's too."""
    has_tokens = scores.mask.any(dim=1)
    head = get_head(model)
    with torch.no_grad():
        found = iter(head.decode(scores.scores[has_tokens], scores.mask[has_tokens]))
    get_shim(model).count_predicted(int(scores.mask.sum()))
    return [next(found) if has else [] for has in has_tokens.tolist()]


def soft_targets(model: EntityModel, scores: TokenScores) -> list[SoftTargets]:
    """Tell what the model would teach about each doc: its tags' log-probabilities and its entities."""
    has_tokens = scores.mask.any(dim=1)
    head = get_head(model)
    with torch.no_grad():
        found = iter(head.soft_targets(scores.scores[has_tokens], scores.mask[has_tokens]))
    get_shim(model).count_predicted(int(scores.mask.sum()))
    return [next(found) if has else NO_TARGETS for has in has_tokens.tolist()]


def distill_loss(
    model: EntityModel, scores: TokenScores, targets: Sequence[DistillTarget | None], temperature: float
) -> Tensor:
    """Sum the head's divergence from the teacher over the taught tokens."""
    return get_head(model).distill_loss(scores.scores, scores.mask, targets, temperature)


def get_shim(model: Model[Any, Any]) -> EntityShim:
    """Get the part that holds the torch module."""
    return cast(EntityShim, model.shims[0])


def get_head(model: EntityModel) -> Head:
    """Get the head, which is one for entities."""
    return cast(Head, get_shim(model).module.head)
