"""The registered parts of an entity model, and the thinc model that joins them."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, cast

import torch
from spacy.tokens import Doc
from thinc.api import Model, torch2xp, xp2torch
from thinc.types import Floats2d
from torch import Tensor

from .nn.encoder import plan_batches
from .nn.head import Head
from .origin import Origin, check_origin, inherit, load_origin
from .settings import EncoderSettings, LoRASettings, Runtime
from .shim import EntityShim, MakeHead, MakeNeck
from .types import NO_LESSON, Entity, Gold, Lesson, Target


class TokenScores(NamedTuple):
    """A head's scores of some docs, and their mask."""

    scores: Tensor
    mask: Tensor


EntityModel = Model[list[Doc], TokenScores]
# Groups of docs that a head decodes at once hold this many batches of the encoder.
PREDICT_GROUP_BATCHES = 4


def build_entity_model_v1(
    encoder: EncoderSettings | Model[list[Doc], list[Floats2d]],
    head: MakeHead,
    neck: MakeNeck | None = None,
) -> EntityModel:
    """Build the model of the ``xner`` component.

    Args:
        encoder: `spacy_xner.Encoder.v1`, or any spaCy tok2vec layer, such as
            `spacy-transformers.TransformerListener.v1`.
        head: One of `spacy_xner.heads`.
        neck: One of `spacy_xner.necks`: a function from the vectors' width to a torch module
            ``(vectors, mask) -> vectors``. Or None.
    """
    layers: list[Model[list[Doc], list[Floats2d]]] = []
    settings = None
    if isinstance(encoder, Model):
        layers.append(encoder)
    else:
        settings = encoder
        if settings.pooling == "cls":
            raise ValueError("pooling must be first, last or mean for entities, found cls. Change it.")
    return Model(
        "xner",
        forward,
        init=init,
        layers=layers,
        shims=[EntityShim(settings, neck, head)],
        attrs={"dropout_rate": 0.0, "plan": plan, "loss": loss, "decode": decode}
        | {"configure": configure, "is_initialized": is_initialized}
        | {"is_nested": is_nested, "set_origin": set_origin, "distill": distill, "lessons": lessons},
    )


def build_encoder_v1(
    name: str,
    prefix_space: Literal["text", "always"] = "text",
    pooling: Literal["first", "last", "mean", "cls"] = "mean",
    window: int | None = None,
    overlap: int | None = None,
    freeze: str | int | list[str] | None = None,
    gradient_checkpointing: bool = False,  # noqa: FBT001, FBT002 - confection passes all by name
    layers: int | list[int] | None = None,
    lora: LoRASettings | None = None,
) -> EncoderSettings:
    """Describe a Hugging Face encoder; it is loaded when the pipeline is initialized, never later.

    Args:
        name: Hub id or folder.
        prefix_space: ``"text"`` puts a leading space before a token only where the text has one,
            ``"always"`` before every token, for checkpoints that were trained so.
        pooling: Which of a token's pieces make its vector; or ``"cls"``, for `spacy_xner.TextModel.v1`
            alone: the special piece before the text makes the text's.
        window: Pieces that the encoder sees at once, special ones included; None for 256, or all it can if
            that is less.
        overlap: Pieces that two windows of a long text share; None for a quarter of the window.
        freeze: ``"embeddings"``, a number of lower layers (embeddings included), name patterns, or None.
        gradient_checkpointing: Compute activations twice to save memory in training.
        layers: How many layers to keep, evenly spaced, or their indices from 0 at the bottom; None for all.
        lora: `spacy_xner.LoRA.v1`: adapters are trained, the encoder itself is not. None to train all of it.
    """
    return EncoderSettings(
        name, prefix_space, pooling, window, overlap, freeze, gradient_checkpointing, layers, lora
    )


def build_lora_v1(
    rank: int = 8,
    alpha: float = 16.0,
    dropout: float = 0.0,
    targets: tuple[str, ...] | list[str] = ("query", "key"),
    adapter_only: bool = False,  # noqa: FBT001, FBT002 - confection passes all by name
) -> LoRASettings:
    """Describe low-rank adapters in an encoder, by peft.

    Args:
        rank: Of each adapter.
        alpha: What an adapter adds is multiplied by ``alpha / rank``.
        dropout: Of an adapter's input, from 0 to 1.
        targets: Names of the linear layers that get one, such as ``query``, ``key``, ``value``, ``dense``.
        adapter_only: Whether the pipeline is saved without the encoder, which it then needs, by its name, and
            peft to be loaded. False to add the adapters to the weights when it is saved.
    """
    if rank < 1 or not targets:
        raise ValueError(f"rank must be at least 1 and targets not empty, found {rank} and {list(targets)}.")
    return LoRASettings(rank, alpha, dropout, tuple(targets), adapter_only)


def init(model: EntityModel, X: list[Doc] | None = None, Y: Sequence[str] | None = None) -> None:
    """Initialize with a sample of docs and the labels, which thinc hands over as ``X`` and ``Y``."""
    width = None
    for layer in model.layers:
        layer.initialize(X=X)
        width = layer.get_dim("nO") if layer.has_dim("nO") else None
    shim = get_shim(model)
    origin: Origin | None = model.attrs.pop("origin", None)
    shim.initialize(list(Y or ()), width, origin.checkpoint if origin is not None else None)
    if origin is not None:
        inherit(shim.module, origin)


def set_origin(model: EntityModel, name: str, component: str) -> tuple[str, ...]:
    """Load what the next initialization extends.

    Returns:
        Its labels.

    Raises:
        OSError: If there is no such pipeline or checkpoint.
        ValueError: If it cannot be extended by this model.
    """
    origin = load_origin(name, component)
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
    if is_train and shim.runtime.precision == "fp16":
        raise ValueError(
            "precision must be fp32, bf16 or auto for training, found fp16, whose small gradients vanish. "
            "Choose one of these; fp16 is for prediction."
        )
    module = shim.module
    module.train(is_train)
    module.dropout.p = model.attrs["dropout_rate"]
    with torch.set_grad_enabled(is_train), shim.autocast():
        if not model.layers:
            vectors, mask = module.encode(shim.cut(docs), shim.runtime.max_batch_pieces)
            return TokenScores(module(vectors, mask), mask), _backprop_torch
        rows, backprop_layer = model.layers[0](docs, is_train)
        inputs = [xp2torch(row, requires_grad=is_train, device=module.device) for row in rows]
        vectors, mask = module.pad(inputs)
        scores = TokenScores(module(vectors, mask), mask)

    def backprop(loss: Tensor) -> list[Doc]:
        loss.backward()  # type: ignore[no-untyped-call]
        grads = [torch.zeros_like(x) if x.grad is None else x.grad for x in inputs]
        return cast(list[Doc], backprop_layer([torch2xp(grad, ops=model.ops) for grad in grads]))

    return scores, backprop


def _backprop_torch(loss: Tensor) -> list[Doc]:
    loss.backward()  # type: ignore[no-untyped-call]
    return []


def configure(model: EntityModel, device: str, precision: str, max_batch_pieces: int) -> None:
    """Set what may change from one machine to the next."""
    get_shim(model).configure(Runtime(device, precision, max_batch_pieces))


def is_initialized(model: EntityModel) -> bool:
    """Tell whether the model has weights."""
    return get_shim(model).is_initialized


def is_nested(model: EntityModel) -> bool:
    """Tell whether the head finds entities that overlap."""
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


def lessons(model: EntityModel, scores: TokenScores) -> list[Lesson]:
    """Tell what the model would teach about each doc: its tags' log-probabilities and its entities."""
    has_tokens = scores.mask.any(dim=1)
    head = get_head(model)
    with torch.no_grad():
        found = iter(head.lessons(scores.scores[has_tokens], scores.mask[has_tokens]))
    get_shim(model).count_predicted(int(scores.mask.sum()))
    return [next(found) if has else NO_LESSON for has in has_tokens.tolist()]


def distill(
    model: EntityModel, scores: TokenScores, targets: Sequence[Target | None], temperature: float
) -> Tensor:
    """Sum the head's divergence from the teacher over the taught tokens."""
    return get_head(model).distill(scores.scores, scores.mask, targets, temperature)


def get_shim(model: EntityModel) -> EntityShim:
    """Get the part that holds the torch module."""
    return cast(EntityShim, model.shims[0])


def get_head(model: EntityModel) -> Head:
    """Get the head, which is one for entities."""
    return cast(Head, get_shim(model).module.head)
