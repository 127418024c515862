"""How a network runs: device, precision, batches, processes, updates."""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from spacy.tokens import Doc
from spacy.util import logger
from thinc.api import Optimizer
from torch import Tensor, nn

from ..nn.encoder.encoder import Encoder
from ..nn.encoder.pieces import PieceCutter, Pieces, Word, as_pieces
from ..nn.model import Network
from ..nn.runtime.device import autocast, check_fork, release_freed, resolve_device
from ..nn.runtime.gradients import sum_gradients
from ..nn.runtime.setup import setup
from ..pipeline.interfaces import AnyModel
from .building import Built
from .foreign import step_arrays
from .runners import describe, make_runner
from .settings import EncoderSettings, Runtime
from .storage import renew_lora
from .vector_cache import VectorCache

# Predicted tokens between two returns of freed memory to the system; so many that the cost is negligible.
RELEASE_EVERY = 4_000


@runtime_checkable
class TorchOptimizer(Protocol):
    """An optimizer that steps a whole torch module at once."""

    def step_module(self, module: nn.Module, *, is_borrowed: bool = False) -> None:
        """Update the module's parameters from their gradients, then clear these. See `Execution.step`."""
        ...


class VectorScores(NamedTuple):
    """A head's scores for a batch of docs.

    Attributes:
        network: The network that computed them.
        scores: Scores of tokens or texts. Shape: ``(batch, tokens, ...)`` or ``(batch, ...)``.
        mask: True at real tokens. Shape: ``(batch, tokens)``.
    """

    network: Network
    scores: Tensor
    mask: Tensor


class VectorSource(Protocol):
    """Another component's encoder."""

    def encode(self, docs: Sequence[Doc], *, is_train: bool) -> list[Tensor]:
        """Return the token vectors of each doc, ``(tokens, width)``."""
        ...

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update the encoder from the gradients of the borrower's loss, if that is to train it."""
        ...

    def discard_gradients(self) -> None:
        """Clear the gradients of the borrower's loss."""
        ...


class Execution:
    """Runs a network.

    Args:
        settings: Settings of the encoder, or None if token vectors come from another component.
        source: The other component's encoder, if it is shared.

    Attributes:
        runtime: Settings that may differ between machines.
        built: The network, or None before initialization.
        cache: Token vectors for components that share the encoder; None if there are no such components.
    """

    def __init__(self, settings: EncoderSettings | None, source: VectorSource | None = None) -> None:
        self.settings = settings
        self.source = source
        self.runtime = Runtime()
        self._runner_kind = self.runtime.runner
        self.built: Built | None = None
        self.cache: VectorCache | None = None
        # Set by training until the next save. Until then no runner is built: evaluations during training
        # would each need a new one.
        self.is_dirty = False
        self._pid = os.getpid()
        self._has_moved = False
        self._n_unreleased = 0

    def install(self, built: Built) -> None:
        """Set the network, replacing any other."""
        if self.cache is not None:
            self.cache.clear()
        self.is_dirty = False
        self._has_moved = False
        # Last: other threads use the network as soon as it is there.
        self.built = built

    def configure(self, runtime: Runtime) -> None:
        """Change the runtime; the network moves when it is next used."""
        self.runtime = runtime
        self._runner_kind = runtime.runner
        self._has_moved = False

    @property
    def network(self) -> Network:
        """The network, on its device.

        Raises:
            ValueError: If the model is not initialized, or is on a GPU in a forked process.
        """
        if self.built is None:
            raise ValueError(
                "The model must be initialized before use, found no weights. "
                "Call nlp.initialize(), or load a trained pipeline."
            )
        network = self.built.network
        if not self._has_moved:
            self._move(network)
        if os.getpid() != self._pid:
            check_fork(network.device)
            self._pid = os.getpid()
        return network

    @setup
    def _move(self, network: Network) -> None:
        """Move a network to its device."""
        device = resolve_device(self.runtime.device)
        network.to(device)
        if network.encoder is not None:
            network.encoder.set_sparse_gradient(is_sparse=device.type in ("cpu", "cuda"))
        self._has_moved = True

    @property
    def cutter(self) -> PieceCutter | None:
        """Splits tokens or texts into pieces; None if token vectors come from another component."""
        return None if self.built is None else self.built.cutter

    @cutter.setter
    def cutter(self, cutter: PieceCutter) -> None:
        assert self.built is not None  # callers have read the cutter of a built network
        self.built = self.built._replace(cutter=cutter)

    def prepare(self, dropout: float, *, is_train: bool) -> Network:
        """Switch the network to training or prediction.

        Raises:
            ValueError: If the precision does not support training.
        """
        if is_train and self.runtime.precision == "fp16":
            raise ValueError(
                "precision must be fp32, bf16 or auto for training, found fp16, in which small gradients "
                "vanish. Choose another; fp16 is for prediction only."
            )
        network = self.network
        if network.training != is_train:
            self.set_mode(is_train=is_train)
        if is_train:
            network.dropout.p = dropout
        else:
            self.use_runner()
        return network

    def set_mode(self, *, is_train: bool) -> None:
        """Switch the network between training and prediction.

        An encoder that was saved with its adapters merged gets new ones when it is trained again: until then,
        it costs no more than one that never had any.
        """
        network, settings = self.network, self.settings
        if is_train and network.encoder is not None and settings is not None and settings.lora is not None:
            with setup:
                renew_lora(network.encoder.transformer, settings)
        network.train(is_train)

    def use_runner(self) -> None:
        """Build the runner that the runtime settings ask for, or remove one that they do not."""
        network, kind = self.network, self._runner_kind
        encoder = network.encoder
        if encoder is None:
            return
        if kind is None or self.is_dirty or network.device.type != "cpu":
            encoder.runner = None
        elif encoder.runner is None or encoder.runner.kind != kind:
            self._make_runner(encoder, *kind)

    @setup
    def _make_runner(self, encoder: Encoder, backend: str, precision: str) -> None:
        # Another thread may have made it in the meantime.
        if encoder.runner is None or encoder.runner.kind != (backend, precision):
            logger.info("Preparing the encoder for prediction with %s", describe(backend, precision))
            encoder.runner = make_runner(encoder.transformer, backend, precision)

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context that sets the precision of the network's computations."""
        if self.runtime.precision == "fp32":
            return nullcontext()
        return autocast(self.network.device, self.runtime.precision)

    def score(self, docs: Sequence[Doc], dropout: float, *, is_train: bool) -> VectorScores:
        """Score docs, at least one of which has a token."""
        network = self.prepare(dropout, is_train=is_train)
        if not is_train:
            self.count_predicted(sum(map(len, docs)))
        with torch.set_grad_enabled(is_train), self.autocast():
            vectors, mask = self.encode(docs, is_train=is_train)
            return VectorScores(network, network(vectors, mask), mask)

    def encode(self, docs: Sequence[Doc], *, is_train: bool) -> tuple[Tensor, Tensor]:
        """Encode docs, at least one of which has a token.

        Returns:
            Vectors and mask. See `Network.encode`.
        """
        network = self.network
        if self.source is not None:
            rows = self.source.encode(docs, is_train=is_train)
            return network.pad([row.to(network.device) for row in rows])
        vectors, mask = network.encode(self.cut(docs), self.runtime.max_batch_pieces)
        if self.cache is not None and not is_train:
            self.cache.put(docs, vectors)
        return vectors, mask

    def cut(self, docs: Sequence[Doc]) -> list[Pieces]:
        """Split docs into pieces, token by token or each text as a whole."""
        assert self.cutter is not None  # callers check that there is an encoder
        assert self.settings is not None
        if self.settings.cut == "text":
            may_be_empty = self.settings.may_be_empty
            return [as_pieces(self.cutter.cut_text(doc.text, may_be_empty=may_be_empty)) for doc in docs]
        return self.cutter.cut_all([doc_words(doc) for doc in docs])

    def count_predicted(self, n_tokens: int) -> None:
        """Count predicted tokens and, every `RELEASE_EVERY`, return freed memory to the system."""
        self._n_unreleased += n_tokens
        if self._n_unreleased >= RELEASE_EVERY:
            self._n_unreleased = 0
            release_freed()

    def step(self, optimizer: Optimizer, key: int, *, is_borrowed: bool = False) -> None:
        """Update the parameters from their gradients, then clear the gradients; includes a shared encoder.

        Args:
            optimizer: A `TorchOptimizer`, or any thinc optimizer.
            key: The network's key in a thinc optimizer.
            is_borrowed: Whether the gradients come from another component that uses the encoder.

        Raises:
            NonFiniteError: If a gradient is NaN or infinite; the weights stay as they are.
        """
        network = self.network
        if self.cache is not None:
            self.cache.clear()
        self.is_dirty = True
        if network.encoder is not None:
            network.encoder.runner = None
        sum_gradients(network)
        if isinstance(optimizer, TorchOptimizer):
            optimizer.step_module(network, is_borrowed=is_borrowed)
        else:
            step_arrays(network, optimizer, key)
        if self.source is not None:
            self.source.finish_update(optimizer)


def get_execution(model: AnyModel) -> Execution:
    """Return the object that runs a model's network."""
    execution: Execution = model.shims[0].execution  # type: ignore[attr-defined]
    return execution


def doc_words(doc: Doc) -> list[Word]:
    """List a doc's tokens, each with whether white space or the start of the text precedes it."""
    words = []
    has_space = True
    for token in doc:
        text = token.text
        words.append(Word(text, has_space))
        has_space = bool(token.whitespace_) or text.isspace()
    return words
