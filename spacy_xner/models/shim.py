"""What thinc sees of the torch module: device, update, files."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import srsly
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import logger
from thinc.api import Optimizer, Shim
from torch import Tensor, nn

from ..hub.encoder import Checkpoint, checkpoint_activations, load_checkpoint
from ..nn.encoder.encoder import Encoder
from ..nn.encoder.lora import count_parameters
from ..nn.encoder.pieces import PieceCutter, Pieces, as_pieces
from ..nn.encoder.trimming import freeze, keep_layers
from ..nn.heads.base import AnyHead
from ..nn.model import EntityModule
from ..nn.runtime.device import autocast, release_freed, resolve_device
from ..nn.runtime.onednn import use_onednn
from .files import pack, reading, unpack, write_folder
from .runners import check_processor, describe, make_runner
from .settings import EncoderSettings, Runtime, SharedEncoder, window_sizes
from .stepping import step
from .storage import (
    SETTINGS,
    Saved,
    Storage,
    apply_lora,
    digest_weights,
    dump_module,
    load_state,
    restore_encoder,
)
from .vector_cache import VectorStore
from .words import doc_words

# Tokens predicted, after which freed memory goes back to the system: seconds apart, so that it costs nothing.
RELEASE_EVERY = 4_000

MakeHead = Callable[[int, Sequence[str]], AnyHead]
MakeNeck = Callable[[int], nn.Module]


class EntityShim(Shim):
    """Holds an `EntityModule`, which is built at initialization or read from a pipeline's folder.

    Args:
        encoder: Settings of our own encoder; the component whose encoder is shared; or None if token vectors
            come from a thinc layer.
        make_neck: Makes the neck from the vectors' width, or None.
        make_head: Makes the head from the vectors' width and the labels.
    """

    def __init__(
        self,
        encoder: EncoderSettings | SharedEncoder | None,
        make_neck: MakeNeck | None,
        make_head: MakeHead,
    ) -> None:
        super().__init__(None)
        self.encoder = encoder if isinstance(encoder, EncoderSettings) else None
        self.shared = encoder if isinstance(encoder, SharedEncoder) else None
        self.pipeline: Language | None = None
        # Vectors for components that share this one's encoder, once there are any.
        self.store: VectorStore | None = None
        self.make_neck = make_neck
        self.make_head = make_head
        self.runtime = Runtime()
        self.cutter: PieceCutter | None = None
        # Of the weights in files.
        self.storage: Storage = "float32"
        self._digest = ""
        self._pid = os.getpid()
        self._has_moved = False
        # Since it was last saved: while it is, a runner would be made anew for every evaluation.
        self._is_trained_on = False
        self._n_unreleased = 0

    def configure(self, runtime: Runtime) -> None:
        """Set device, precision, batch budget and backend; the module moves when it is next used.

        Raises:
            ValueError: If backend or precision is one of encoders, and there is none.
        """
        if runtime.runner is not None and self.encoder is None:
            raise ValueError(
                f"{describe(*runtime.runner)} must be of a component with an encoder of its own, found one "
                'that takes vectors from another. Use backend = "torch" in fp32 here.'
            )
        self.runtime = check_processor(runtime)
        self._has_moved = False

    @property
    def is_initialized(self) -> bool:
        """Whether there is a module."""
        return self._model is not None

    @property
    def has_token_vectors(self) -> bool:
        """Whether the encoder makes vectors of tokens, which others can share."""
        return self.encoder is not None and self.encoder.has_token_vectors

    @property
    def module(self) -> EntityModule:
        """The module, on its device.

        Raises:
            ValueError: If it has not been initialized, or another process used it on a GPU.
        """
        if self._model is None:
            raise ValueError(
                "The model must be initialized before it is used, but it has no weights yet. "
                "Call nlp.initialize(), or load a trained pipeline."
            )
        if not self._has_moved:
            device = resolve_device(self.runtime.device)
            self._model.to(device)
            if self._model.encoder is not None:
                self._model.encoder.set_sparse_gradient(is_sparse=device.type in ("cpu", "cuda"))
            self._has_moved = True
        if os.getpid() != self._pid:
            self._enter_fork()
        module: EntityModule = self._model
        return module

    def _enter_fork(self) -> None:
        device = next(self._model.parameters()).device
        if device.type != "cpu":
            raise ValueError(
                f"nlp.pipe with n_process > 1 must run on the CPU, found the model on {device}. "
                "Use n_process=1 there, or set the component's device to cpu."
            )
        # The parent's thread pool does not survive a fork: with more than one thread, OpenMP waits forever.
        torch.set_num_threads(1)
        self._pid = os.getpid()

    def autocast(self) -> Any:
        """Make the context in which the module computes."""
        return autocast(self.module.device, self.runtime.precision)

    def use_backend(self) -> None:
        """Make ready for prediction: what runs in the encoder's place if there is to be one, else none."""
        encoder, kind = self.module.encoder, self.runtime.runner
        if encoder is None:
            return
        if kind is None or self._is_trained_on or self.module.device.type != "cpu":
            encoder.runner = None
        elif encoder.runner is None or encoder.runner.kind != kind:
            logger.info("Making the encoder ready for predictions with %s", describe(*kind))
            encoder.runner = make_runner(encoder.transformer, *kind)

    def initialize(
        self, labels: Sequence[str], width: int | None, checkpoint: Checkpoint | None = None
    ) -> None:
        """Build the module: load the encoder, make neck and head.

        Args:
            labels: Entity types.
            width: Width of the token vectors, if they come from a thinc layer.
            checkpoint: The encoder, if it is not to be loaded by its name.
        """
        encoder = None
        if self.encoder is not None:
            if checkpoint is not None and self.encoder.keeps_base:
                raise ValueError(
                    "adapter_only must be false with init_from, whose encoder no name stands for. Name its "
                    "encoder's folder in [components.xner.model.encoder], or save all."
                )
            checkpoint = checkpoint or load_checkpoint(self.encoder.name)
            keep_layers(checkpoint.transformer, self.encoder.layers)
            if self.encoder.keeps_base:
                self._digest = digest_weights(checkpoint.transformer.state_dict())
            capacity, overlap = window_sizes(self.encoder, checkpoint.max_pieces, checkpoint.specials)
            encoder = Encoder(
                checkpoint.transformer,
                checkpoint.specials,
                pooling=self.encoder.pooling,
                capacity=capacity,
                overlap=overlap,
            )
            self.cutter = PieceCutter(
                checkpoint.tokenizer, prefix_space=self.encoder.prefix_space, unk_id=checkpoint.unk_id
            )
        self._build(encoder, labels, width)
        if encoder is not None and self.encoder is not None:
            apply_lora(encoder.transformer, self.encoder)
        logger.info("Parameters: %d trained of %d", *count_parameters(self._model))

    def _build(self, encoder: Encoder | None, labels: Sequence[str], width: int | None) -> None:
        if self.store is not None:
            self.store.clear()
        if encoder is not None and self.encoder is not None:
            freeze(encoder.transformer, self.encoder.freeze)
            use_onednn(encoder.transformer)
            if self.encoder.gradient_checkpointing:
                checkpoint_activations(encoder.transformer)
            width = encoder.width
        if width is None:
            raise ValueError(
                "The width of the token vectors must be known, but the encoder layer sets no nO."
            )
        neck = self.make_neck(width) if self.make_neck is not None else None
        width = getattr(neck, "width", width)
        self._model = EntityModule(encoder, neck, self.make_head(width, labels)).eval()
        self._has_moved = False
        self._is_trained_on = False

    def cut(self, docs: Sequence[Doc]) -> list[Pieces]:
        """Cut the tokens of docs into pieces, or their texts as wholes."""
        assert self.cutter is not None  # only called where there is an encoder of ours
        assert self.encoder is not None
        if self.encoder.cut == "text":
            return [as_pieces(self.cutter.cut_text(doc.text)) for doc in docs]
        return [self.cutter.cut(doc_words(doc)) for doc in docs]

    def encode(self, docs: Sequence[Doc]) -> tuple[Tensor, Tensor]:
        """Compute token vectors with our own encoder, as `EntityModule.encode` does."""
        return self.module.encode(self.cut(docs), self.runtime.max_batch_pieces)

    def count_predicted(self, n_tokens: int) -> None:
        """Take note of tokens predicted, and now and then give freed memory back to the system."""
        self._n_unreleased += n_tokens
        if self._n_unreleased >= RELEASE_EVERY:
            self._n_unreleased = 0
            release_freed()

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update the weights."""
        if self.store is not None:
            self.store.clear()
        self._is_trained_on = True
        if self.module.encoder is not None:
            self.module.encoder.runner = None
        step(self.module, optimizer, self.id)

    def to_device(self, device_type: str, device_id: int) -> None:
        """Do nothing: the module lives where the component's `device` says, whatever thinc's ops are."""

    def _saved(self) -> Saved:
        self._is_trained_on = False
        with_graph = self.runtime.backend == "onnx"
        if with_graph and self.encoder is not None and not self.encoder.keeps_base:
            self.use_backend()
        return dump_module(
            self.module, self.cutter, self.encoder, self._digest, self.storage, with_graph=with_graph
        )

    def to_disk(self, path: str | Path) -> None:
        """Write a folder: see `write_folder`."""
        write_folder(self._saved(), Path(path))

    def from_disk(self, path: str | Path) -> "EntityShim":
        """Read what `to_disk` wrote.

        Raises:
            OSError: If a file is missing.
            ValueError: If the files do not fit each other or the pipeline's config.
        """
        with reading(Path(path), self.encoder, with_graph=self.runtime.backend == "onnx") as saved:
            self._restore(saved)
        return self

    def to_bytes(self) -> bytes:
        """Make what `from_bytes` reads; nothing before initialization."""
        return b"" if self._model is None else pack(self._saved())

    def from_bytes(self, data: bytes) -> "EntityShim":
        """Read what `to_bytes` made."""
        if data:
            self._restore(unpack(data))
        return self

    def _restore(self, saved: Saved) -> None:
        told = srsly.json_loads(saved.texts[SETTINGS])
        encoder = None
        if self.encoder is not None:
            encoder, self.cutter = restore_encoder(saved, self.encoder)
            self._digest = told.get("base", "")
        self.storage = told.get("storage", "float32")
        self._build(encoder, told["labels"], told.get("width"))
        load_state(self._model, saved, self.encoder)
