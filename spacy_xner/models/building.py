"""Build a network from the settings of a model, or restore it from its files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from spacy.util import logger
from torch import nn

from ..hub.encoder import Checkpoint, checkpoint_activations, load_checkpoint
from ..nn.encoder.encoder import Encoder
from ..nn.encoder.lora import count_parameters
from ..nn.encoder.pieces import PieceCutter
from ..nn.encoder.trimming import freeze, keep_layers
from ..nn.heads.base import AnyHead
from ..nn.model import Network
from ..nn.runtime.onednn import use_onednn
from ..nn.runtime.setup import setup
from .settings import EncoderSettings, window_sizes
from .storage import (
    Saved,
    apply_lora,
    check_settings,
    describe_settings,
    digest_weights,
    load_state,
    restore_encoder,
)

# Arguments: width of the vectors, labels.
MakeHead = Callable[[int, Sequence[str]], AnyHead]
# Argument: width of the vectors.
MakeModule = Callable[[int], nn.Module]


class Design(Protocol):
    """The modules of a network besides its encoder."""

    def assemble(self, encoder: Encoder | None, width: int, labels: Sequence[str]) -> Network:
        """Assemble a network.

        Args:
            encoder: The encoder, or None if token vectors come from another component.
            width: Width of the token vectors.
            labels: The head's labels.
        """
        ...


class Blueprint(Protocol):
    """Determines the design of a saved network, from the pipeline's config or from the saved files."""

    def design_for(self, saved: Saved) -> Design:
        """Return the design of a saved network."""
        ...


@dataclass(frozen=True)
class TokenDesign:
    """Design of a network that scores tokens: encoder, neck and head."""

    make_head: MakeHead
    make_neck: MakeModule | None = None

    def design_for(self, saved: Saved) -> "TokenDesign":
        """Return this design, which the pipeline's config defines."""
        return self

    def assemble(self, encoder: Encoder | None, width: int, labels: Sequence[str]) -> Network:
        """Assemble a network. See `Design`."""
        neck = None if self.make_neck is None else self.make_neck(width)
        return Network(encoder, neck, None, self.make_head(_width(neck, width), labels))


@dataclass(frozen=True)
class TextDesign:
    """Design of a network that scores whole texts: encoder, neck, pooling and head."""

    make_head: MakeHead
    make_pooling: MakeModule
    make_neck: MakeModule | None = None

    def design_for(self, saved: Saved) -> "TextDesign":
        """Return this design, which the pipeline's config defines."""
        return self

    def assemble(self, encoder: Encoder | None, width: int, labels: Sequence[str]) -> Network:
        """Assemble a network. See `Design`."""
        neck = None if self.make_neck is None else self.make_neck(width)
        pooling = self.make_pooling(_width(neck, width))
        return Network(encoder, neck, pooling, self.make_head(_width(pooling, width), labels))


def _width(module: nn.Module | None, width: int) -> int:
    return width if module is None else int(getattr(module, "width", width))


class Origin(NamedTuple):
    """The parts of a trained model that a new model starts from.

    Attributes:
        checkpoint: Encoder, or None if token vectors came from another component.
        settings: Settings of the encoder, or None if they are unknown.
        neck: Neck, or None.
        pooling: Pooling, or None if the head scores tokens.
        head: Head.
    """

    checkpoint: Checkpoint | None
    settings: EncoderSettings | None
    neck: nn.Module | None
    pooling: nn.Module | None
    head: AnyHead


class Built(NamedTuple):
    """A network and what it needs to run.

    Attributes:
        network: The network.
        cutter: Splits tokens or texts into the encoder's pieces; None if token vectors come from another
            component.
        base: Digest of the encoder's weights before training, if the pipeline is saved without them.
    """

    network: Network
    cutter: PieceCutter | None = None
    base: str = ""


@setup
def build(
    design: Design,
    settings: EncoderSettings | None,
    labels: Sequence[str],
    *,
    width: int | None = None,
    checkpoint: Checkpoint | None = None,
) -> Built:
    """Build a network for training.

    Args:
        design: The modules of the network.
        settings: Settings of the encoder, or None if token vectors come from another component.
        labels: The head's labels.
        width: Width of the token vectors that come from another component.
        checkpoint: The encoder; None to load it by its name in the settings.

    Raises:
        OSError: If the encoder does not exist.
        ValueError: If settings contradict each other or do not fit the encoder.
    """
    if settings is None:
        built = Built(_assemble(design, None, None, labels, width))
    else:
        built = _build_with_encoder(design, settings, labels, checkpoint)
    logger.info("Parameters: %d trained of %d", *count_parameters(built.network))
    return built


def _build_with_encoder(
    design: Design, settings: EncoderSettings, labels: Sequence[str], checkpoint: Checkpoint | None
) -> Built:
    if checkpoint is not None and settings.keeps_base:
        raise ValueError(
            "adapter_only must be false with init_from, whose encoder has no name, found true. Name the "
            "encoder's folder in [components.xner.model.encoder], or set adapter_only to false."
        )
    checkpoint = checkpoint or load_checkpoint(settings.name)
    transformer = checkpoint.transformer
    keep_layers(transformer, settings.layers)
    base = digest_weights(transformer.state_dict()) if settings.keeps_base else ""
    capacity, overlap = window_sizes(settings, checkpoint.max_pieces, checkpoint.specials)
    encoder = Encoder(
        transformer, checkpoint.specials, pooling=settings.pooling, capacity=capacity, overlap=overlap
    )
    cutter = PieceCutter(checkpoint.tokenizer, prefix_space=settings.prefix_space, unk_id=checkpoint.unk_id)
    network = _assemble(design, encoder, settings, labels)
    apply_lora(transformer, settings)
    return Built(network, cutter, base)


@setup
def restore(design: Design, settings: EncoderSettings | None, saved: Saved) -> Built:
    """Restore a network from its files.

    Raises:
        OSError: If the encoder is not saved with its adapters and does not exist.
        ValueError: If the files contradict each other or the settings.
        RuntimeError: If weights are missing or unknown.
    """
    manifest = saved.manifest
    encoder, cutter = (None, None) if settings is None else restore_encoder(saved, settings)
    network = _assemble(design, encoder, settings, manifest.labels, manifest.width)
    check_settings(manifest.settings, describe_settings(network, settings))
    load_state(network, saved, settings)
    return Built(network, cutter, manifest.base)


def _assemble(
    design: Design,
    encoder: Encoder | None,
    settings: EncoderSettings | None,
    labels: Sequence[str],
    width: int | None = None,
) -> Network:
    if encoder is not None and settings is not None:
        transformer = encoder.transformer
        freeze(transformer, settings.freeze)
        use_onednn(transformer)
        if settings.gradient_checkpointing:
            checkpoint_activations(transformer)
        width = encoder.width
    if width is None:
        raise ValueError(
            "The encoder layer must set its output width nO, found none. Name a layer that sets it."
        )
    return design.assemble(encoder, width, labels).eval()
