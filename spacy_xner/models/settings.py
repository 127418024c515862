"""What a config says about an encoder, and about the machine it runs on."""

from typing import Literal, NamedTuple

from ..nn.encoder.encoder import Pooling, Specials
from ..nn.encoder.pieces import PrefixSpace

# Fine-tuning on short texts hardly reaches far positions: in windows of 512 pieces, more entities differ from
# those of the sentence alone (benchmarks/long_text.py).
DEFAULT_WINDOW = 256

Cut = Literal["tokens", "text"]


class LoRASettings(NamedTuple):
    """Low-rank adapters in an encoder. See `build_lora_v1` for the meaning of each."""

    rank: int
    alpha: float
    dropout: float
    targets: tuple[str, ...]
    adapter_only: bool


class EncoderSettings(NamedTuple):
    """How to load and run our own encoder. See `build_encoder_v1` for the meaning of each."""

    name: str
    prefix_space: PrefixSpace
    pooling: Pooling
    window: int | None
    overlap: int | None
    freeze: str | int | list[str] | None
    gradient_checkpointing: bool
    layers: int | list[int] | None = None
    lora: LoRASettings | None = None
    cut: Cut = "tokens"

    @property
    def has_token_vectors(self) -> bool:
        """Whether the encoder makes vectors of tokens, which entities need, and others can share."""
        return self.pooling != "cls" and self.cut == "tokens"

    @property
    def keeps_base(self) -> bool:
        """Whether the encoder itself is not saved with the pipeline, only the adapters are."""
        return self.lora is not None and self.lora.adapter_only


class SharedEncoder(NamedTuple):
    """The encoder of another component. See `build_shared_encoder_v1` for the meaning of each."""

    component: str
    train: bool


class Runtime(NamedTuple):
    """What may change from one machine to the next without changing the model. See `make_xner`."""

    device: str = "auto"
    precision: str = "fp32"
    max_batch_pieces: int = 1024
    backend: str = "torch"

    @property
    def runner(self) -> tuple[str, str] | None:
        """Backend and precision of what predicts on a processor in the encoder's place, or None for none."""
        kind = (self.backend, "int8" if self.precision == "int8" else "fp32")
        return None if kind == ("torch", "fp32") else kind


def window_sizes(settings: EncoderSettings, max_pieces: int, specials: Specials) -> tuple[int, int]:
    """Find the pieces of a window, special ones left out, and those that two windows share.

    Args:
        settings: Of the encoder.
        max_pieces: Pieces that the encoder can see at once, special ones included.
        specials: Special pieces around each window.

    Raises:
        ValueError: If the settings do not fit the encoder.
    """
    n_special = len(specials.prefix) + len(specials.suffix)
    window = min(max_pieces, DEFAULT_WINDOW) if settings.window is None else settings.window
    overlap = window // 4 if settings.overlap is None else settings.overlap
    if not n_special < window <= max_pieces:
        raise ValueError(
            f"window must be {n_special + 1} to {max_pieces} pieces for this encoder, found {window}. "
            f"Leave it null for {min(max_pieces, DEFAULT_WINDOW)}."
        )
    if not 0 <= overlap < window - n_special:
        raise ValueError(
            f"overlap must be 0 to {window - n_special - 1} pieces, found {overlap}. "
            "Leave it null for a quarter of the window."
        )
    return window - n_special, overlap


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
    cut: Literal["tokens", "text"] = "tokens",
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
        cut: What is cut into pieces: each token by itself; or, for `spacy_xner.TextModel.v1` alone, the
            ``"text"`` as a whole, as the encoder was pretrained, which gives fewer and longer pieces.
    """
    return EncoderSettings(
        name, prefix_space, pooling, window, overlap, freeze, gradient_checkpointing, layers, lora, cut
    )


def build_shared_encoder_v1(
    component: str = "xner",
    train: bool = True,  # noqa: FBT001, FBT002 - confection passes all by name
) -> SharedEncoder:
    """Describe the encoder of another component of ours, which a text runs through once for both.

    Args:
        component: Its name. In training it must come before this one.
        train: Whether this component's loss trains the encoder too; False if the other is frozen.
    """
    return SharedEncoder(component, train)


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
