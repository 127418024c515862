"""The torch module of a checkpoint that is adopted as it is: loaded when first used, and saved whole."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import srsly
from spacy.tokens import Doc
from spacy.util import logger
from torch import nn
from transformers import AutoModelForSequenceClassification

from ..hub.classifier import build_top, is_exclusive, load_classifier, load_text_classifier
from ..hub.encoder import Checkpoint
from ..nn.encoder.encoder import Encoder
from ..nn.encoder.units import Units
from ..nn.heads.base import AnyHead
from ..nn.heads.checkpoint import CheckpointHead
from ..nn.heads.text import ExclusiveHead, MultiLabelHead
from ..nn.model import EntityModule
from .shim import EntityShim
from .storage import CONFIG, Saved


class CheckpointShim(EntityShim):
    """An `EntityShim` whose module is that of a checkpoint, loaded when it is first used.

    A saved pipeline has its own weights, and never looks for the checkpoint.
    """

    @property
    def module(self) -> EntityModule:
        """The module, on its device."""
        if self._model is None:
            self.adopt()
        return super().module

    def cut_texts(self, docs: Sequence[Doc]) -> list[Units]:
        """Cut texts whole, as `cut` does, with the place of each piece."""
        assert self.cutter is not None  # a checkpoint has a tokenizer
        return [self.cutter.cut_text(doc.text) for doc in docs]

    @property
    def labels(self) -> tuple[str, ...]:
        """What the component finds."""
        return self.module.head.labels

    @abstractmethod
    def adopt(self) -> None:
        """Load the checkpoint.

        Raises:
            OSError: If there is none.
            ValueError: If its classifier cannot be used.
        """

    def _take(self, checkpoint: Checkpoint, names: Sequence[str]) -> None:
        """Build the module around the encoder of a checkpoint."""
        assert self.encoder is not None  # always given
        self.encoder = self.encoder._replace(window=self.encoder.window or checkpoint.max_pieces)
        self.initialize(names, None, checkpoint)
        logger.info("Labels of %s: %s", self.encoder.name, ", ".join(names))


class TaggerShim(CheckpointShim):
    """Of a checkpoint that classifies tokens."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The entity types of its tags."""
        return cast(CheckpointHead, self.module.head).types

    def adopt(self) -> None:
        """Load the checkpoint."""
        assert self.encoder is not None  # always given
        checkpoint, rest, output, names = load_classifier(self.encoder.name)
        self.make_neck = None if rest is None else lambda width: rest
        self._take(checkpoint, names)
        cast(CheckpointHead, self._model.head).output.load_state_dict(output.state_dict())

    def _build(self, encoder: Encoder | None, labels: Sequence[str], width: int | None) -> None:
        super()._build(encoder, labels, width)
        # What made the neck holds a module, and cannot be pickled.
        self.make_neck = None

    def _restore(self, saved: Saved) -> None:
        config = srsly.json_loads(saved.texts[CONFIG])
        has_rest = any(name.startswith("neck.") for name in saved.state)
        self.make_neck = (lambda width: build_top(config)) if has_rest else None
        super()._restore(saved)


class TextShim(CheckpointShim):
    """Of a checkpoint that classifies texts."""

    def adopt(self) -> None:
        """Load the checkpoint."""
        assert self.encoder is not None  # always given
        checkpoint, rest, names = load_text_classifier(self.encoder.name)
        config = checkpoint.transformer.config.to_dict()  # type: ignore[union-attr, operator]
        self.make_head = partial(_make_text_head, config, rest)
        self._take(checkpoint, names)

    def _build(self, encoder: Encoder | None, labels: Sequence[str], width: int | None) -> None:
        super()._build(encoder, labels, width)
        # What made the head holds a module.
        self.make_head = ExclusiveHead

    def _restore(self, saved: Saved) -> None:
        config = srsly.json_loads(saved.texts[CONFIG])
        rest = build_top(config, AutoModelForSequenceClassification)
        self.make_head = partial(_make_text_head, config, rest)
        super()._restore(saved)


def _make_text_head(config: dict[str, Any], rest: nn.Module, width: int, labels: Sequence[str]) -> AnyHead:
    """Make a head whose scores are those of a checkpoint's own layers."""
    head = (ExclusiveHead if is_exclusive(config) else MultiLabelHead)(width, labels)
    head.output = rest  # type: ignore[assignment]
    return head
