"""Settings of encoders, and of the machine that a model runs on."""

from typing import Literal, NamedTuple

from ..errors import check_range
from ..nn.encoder.encoder import Pooling, Specials
from ..nn.encoder.pieces import PrefixSpace

# Fine-tuning on short texts hardly trains high positions: with windows of 512 pieces, more entities differ
# from those of each sentence on its own (benchmarks/long_text.py).
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
    """How to load and run an encoder. See `build_encoder_v1` for the meaning of each.

    Attributes:
        may_be_empty: Whether a text of which the tokenizer leaves nothing is run without pieces, between the
            special ones, as transformers does; else as one unknown piece.
    """

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
    may_be_empty: bool = False

    @property
    def has_token_vectors(self) -> bool:
        """Whether the encoder computes token vectors, as entity recognition and shared encoders require."""
        return self.pooling != "cls" and self.cut == "tokens"

    @property
    def keeps_base(self) -> bool:
        """Whether the pipeline is saved with its adapters only, without the encoder."""
        return self.lora is not None and self.lora.adapter_only


class SharedEncoder(NamedTuple):
    """The encoder of another component. See `build_shared_encoder_v1` for the meaning of each."""

    component: str
    train: bool


class Runtime(NamedTuple):
    """Settings that may differ between machines and do not change the model. See `make_xner`."""

    device: str = "auto"
    precision: str = "fp32"
    max_batch_pieces: int = 1024
    backend: str = "torch"

    @property
    def runner(self) -> tuple[str, str] | None:
        """Backend and precision of the runner that predicts on a CPU, or None if the encoder itself does."""
        kind = (self.backend, "int8" if self.precision == "int8" else "fp32")
        return None if kind == ("torch", "fp32") else kind


def window_sizes(settings: EncoderSettings, max_pieces: int, specials: Specials) -> tuple[int, int]:
    """Compute the size of windows and their overlap, in pieces without the special ones.

    Args:
        settings: Settings of the encoder.
        max_pieces: The encoder's maximum number of pieces, special ones included.
        specials: Special pieces around each window.

    Returns:
        Pieces per window, and pieces that neighbouring windows share.

    Raises:
        ValueError: If the settings do not fit the encoder.
    """
    n_special = len(specials.prefix) + len(specials.suffix)
    window = min(max_pieces, DEFAULT_WINDOW) if settings.window is None else settings.window
    overlap = window // 4 if settings.overlap is None else settings.overlap
    if not n_special < window <= max_pieces:
        raise ValueError(
            f"window must be {n_special + 1} to {max_pieces} pieces for this encoder, found {window}. "
            f"Set it to null for {min(max_pieces, DEFAULT_WINDOW)}."
        )
    if not 0 <= overlap < window - n_special:
        raise ValueError(
            f"overlap must be 0 to {window - n_special - 1} pieces, found {overlap}. "
            "Set it to null for a quarter of the window."
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
    """Configure a Hugging Face encoder. It is loaded only when the pipeline is initialized.

    Args:
        name: Hub id or folder.
        prefix_space: ``"text"`` puts a space before a token only where the text has one; ``"always"`` puts
            one before every token, for checkpoints that were trained this way.
        pooling: Which pieces of a token make up its vector. Or, only for `spacy_xner.TextModel.v1`,
            ``"cls"``: the text's vector is that of the special piece before the text.
        window: Pieces per window, special ones included; None for 256, or the encoder's maximum if smaller.
        overlap: Pieces shared by neighbouring windows of a long text; None for a quarter of the window.
        freeze: ``"embeddings"``, a number of lower layers (embeddings included), name patterns, or None.
        gradient_checkpointing: Recompute activations in the backward pass to save memory.
        layers: Number of layers to keep, evenly spaced, or their indices from 0 at the bottom; None for all.
        lora: `spacy_xner.LoRA.v1` to train adapters only; None to train the whole encoder.
        cut: How texts are split into pieces: ``"tokens"`` for each token separately; or, only for
            `spacy_xner.TextModel.v1`, ``"text"`` for the whole text at once as in pretraining, which yields
            fewer and longer pieces.
    """
    return EncoderSettings(
        name, prefix_space, pooling, window, overlap, freeze, gradient_checkpointing, layers, lora, cut
    )


def build_shared_encoder_v1(
    component: str = "xner",
    train: bool = True,  # noqa: FBT001, FBT002 - confection passes all by name
) -> SharedEncoder:
    """Configure the use of another component's encoder, so that each text is encoded once for both.

    Args:
        component: Name of the other component, an ``xner`` or ``xcat`` that must come first in training.
        train: Whether this component's loss trains the encoder too; False if the other component is frozen.
    """
    return SharedEncoder(component, train)


def build_lora_v1(
    rank: int = 8,
    alpha: float = 16.0,
    dropout: float = 0.0,
    targets: tuple[str, ...] | list[str] = ("query", "key"),
    adapter_only: bool = False,  # noqa: FBT001, FBT002 - confection passes all by name
) -> LoRASettings:
    """Configure low-rank adapters (LoRA, with peft) for an encoder.

    Args:
        rank: Rank of each adapter.
        alpha: The output of an adapter is scaled by ``alpha / rank``.
        dropout: Dropout of an adapter's input, from 0 to 1.
        targets: Names of the linear layers to adapt, such as ``query``, ``key``, ``value`` or ``dense``.
        adapter_only: Whether to save the pipeline without the encoder. Loading it then needs peft and the
            encoder, by its name. False to merge the adapters into the weights on saving.

    Raises:
        ValueError: If a setting is out of range, or there are no targets.
    """
    check_range("alpha", alpha, 0.0, is_open=True)
    check_range("dropout", dropout, 0.0, 1.0)
    if rank < 1 or not targets:
        raise ValueError(
            f"rank must be at least 1 and targets not empty, found {rank} and {list(targets)}. Change them."
        )
    return LoRASettings(rank, alpha, dropout, tuple(targets), adapter_only)
