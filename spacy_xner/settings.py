"""What a config says about an encoder, and about the machine it runs on."""

from typing import NamedTuple

from .nn.encoder import Pooling, Specials
from .nn.pieces import PrefixSpace

# Fine-tuning on short texts hardly reaches far positions: in windows of 512 pieces, more entities differ from
# those of the sentence alone (benchmarks/long_text.py).
DEFAULT_WINDOW = 256


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

    @property
    def keeps_base(self) -> bool:
        """Whether the encoder itself is not saved with the pipeline, only the adapters are."""
        return self.lora is not None and self.lora.adapter_only


class Runtime(NamedTuple):
    """What may change from one machine to the next without changing the model."""

    device: str = "auto"
    precision: str = "fp32"
    max_batch_pieces: int = 1024


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
