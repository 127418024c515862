"""Adopted checkpoints: loaded once, on first use, and saved with the pipeline."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import srsly
from spacy.util import logger
from torch import nn
from transformers import AutoModelForSequenceClassification

from ..hub.classifier import is_exclusive, load_classifier, load_text_classifier
from ..hub.encoder import Checkpoint
from ..hub.top import build_top
from ..nn.heads.base import AnyHead
from ..nn.heads.checkpoint import FIXED_LABELS, CheckpointHead
from ..nn.heads.text import ExclusiveHead, MultiLabelHead
from ..nn.necks.pooling import MeanPooling
from ..nn.runtime.setup import setup
from ..pipeline.interfaces import AnyModel
from .building import Built, Design, TextDesign, TokenDesign, build
from .settings import EncoderSettings
from .shim import ModelShim, get_shim
from .storage import CONFIG, Saved


@dataclass(frozen=True)
class AdoptedTokens:
    """Design of an adopted token-classification checkpoint."""

    def design_for(self, saved: Saved) -> Design:
        """Return the design of a saved network, whose config names the layers above the encoder."""
        config = srsly.json_loads(saved.texts[CONFIG])
        has_top = any(name.startswith("neck.") for name in saved.state)
        return TokenDesign(CheckpointHead, (lambda _: build_top(config)) if has_top else None)

    def load(self, settings: EncoderSettings) -> Built:
        """Load the checkpoint that the settings name.

        Raises:
            OSError: If it does not exist.
            ValueError: If its classifier is not supported.
        """
        checkpoint, top, output, names = load_classifier(settings.name)
        design = TokenDesign(CheckpointHead, None if top is None else lambda _: top)
        built = _build(design, settings, checkpoint, names)
        cast(CheckpointHead, built.network.head).output.load_state_dict(output.state_dict())
        return built


@dataclass(frozen=True)
class AdoptedTexts:
    """Design of an adopted sequence-classification checkpoint."""

    def design_for(self, saved: Saved) -> Design:
        """Return the design of a saved network, whose config names the layers above the encoder."""
        config = srsly.json_loads(saved.texts[CONFIG])
        top = build_top(config, AutoModelForSequenceClassification)
        return TextDesign(partial(_build_text_head, config, top), MeanPooling)

    def load(self, settings: EncoderSettings) -> Built:
        """Load the checkpoint that the settings name. Raises the errors of `AdoptedTokens.load`."""
        checkpoint, top, names = load_text_classifier(settings.name)
        config = checkpoint.transformer.config.to_dict()  # type: ignore[union-attr, operator]
        design = TextDesign(partial(_build_text_head, config, top), MeanPooling)
        return _build(design, settings, checkpoint, names)


def _build_text_head(config: dict[str, Any], top: nn.Module, width: int, labels: Sequence[str]) -> AnyHead:
    """Build a head that scores texts with the layers of a checkpoint."""
    head = (ExclusiveHead if is_exclusive(config) else MultiLabelHead)(width, labels)
    head.output = top
    return head


def _build(design: Design, settings: EncoderSettings, checkpoint: Checkpoint, names: Sequence[str]) -> Built:
    settings = settings._replace(window=settings.window or checkpoint.max_pieces)
    built = build(design, settings, names, checkpoint=checkpoint)
    logger.info("Labels of %s: %s", settings.name, ", ".join(names))
    return built


def load_once(model: AnyModel, load: Callable[[EncoderSettings], Built]) -> ModelShim:
    """Load a model's checkpoint unless it is loaded already. Raises the errors of `AdoptedTokens.load`.

    A saved pipeline contains the weights and does not need the checkpoint.
    """
    shim = get_shim(model)
    if not shim.is_initialized:
        # Threads that use a model at the same time load its checkpoint once.
        with setup:
            if not shim.is_initialized:
                reload(shim, load)
    return shim


def reload(shim: ModelShim, load: Callable[[EncoderSettings], Built]) -> None:
    """Load a checkpoint and discard any training. Raises the errors of `AdoptedTokens.load`."""
    assert shim.encoder is not None  # an adopted model always has encoder settings
    shim.execution.install(load(shim.encoder))


def check_labels(known: Sequence[str], labels: Sequence[str]) -> None:
    """Check that all labels are among a checkpoint's.

    Raises:
        ValueError: If any is missing.
    """
    new = [label for label in labels if label not in known]
    if new:
        raise ValueError(
            f"Labels must be among the checkpoint's ({', '.join(known)}), found {', '.join(new)}. "
            "To add labels, start a new model from it with init_from."
        )


def refuse_origin() -> tuple[str, ...]:
    """Refuse to start from another model.

    Raises:
        ValueError: Always, because the labels of an adopted checkpoint are fixed.
    """
    raise ValueError(FIXED_LABELS)
