"""The thinc shim that saves, loads and updates the torch network with its model."""

from collections.abc import Sequence
from pathlib import Path

import torch
from spacy.tokens import Doc
from thinc.api import Optimizer, Shim

from ..hub.encoder import Checkpoint
from ..nn.encoder.encoder import plan_batches
from ..nn.runtime.exchange import add_up
from ..nn.runtime.processes import own_share, world_size
from ..pipeline.interfaces import AnyModel, TextVectors
from ..pipeline.rates import BASE_WIDTH
from .building import Blueprint, Built, Design, Origin, build, restore
from .execution import Execution, VectorSource
from .files import pack, reading, unpack, write_folder
from .manifest import Storage
from .runners import check_cpu, describe
from .settings import EncoderSettings, Runtime
from .storage import Saved, check_saved, dump_network

# Encoder batches in each group of docs that a head decodes at once.
PREDICT_GROUP_BATCHES = 4


class ModelShim(Shim):
    """Holds a network, which is built at initialization or loaded with the pipeline.

    Args:
        design: Determines the modules of the network.
        encoder: Settings of the encoder, or None if token vectors come from another component.
        source: The other component's encoder, if it is shared.

    Attributes:
        execution: Runs the network.
        storage: Precision of the weights on disk.
        origin: The trained model that the next initialization starts from, or None.
    """

    def __init__(
        self, design: Blueprint, encoder: EncoderSettings | None, source: VectorSource | None = None
    ) -> None:
        super().__init__(None)
        self.design = design
        self.encoder = encoder
        self.execution = Execution(encoder, source)
        self.storage: Storage = "float32"
        self.origin: Origin | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the network's head."""
        return tuple(self.execution.network.head.labels)

    @property
    def is_initialized(self) -> bool:
        """Whether there is a network."""
        return self.execution.built is not None

    @property
    def encoder_width(self) -> int | None:
        """Width of the encoder. See `Weights.encoder_width`."""
        encoder = self.execution.network.encoder if self.is_initialized else None
        return encoder.width if encoder is not None else None if self.encoder is None else BASE_WIDTH

    def configure(self, *, device: str, precision: str, max_batch_pieces: int, backend: str) -> None:
        """Set device, precision, batch budget and backend; the network moves when it is next used.

        Raises:
            ValueError: If backend or precision need an encoder and the component has none.
        """
        runtime = Runtime(device, precision, max_batch_pieces, backend)
        if runtime.runner is not None and self.encoder is None:
            raise ValueError(
                f"{describe(*runtime.runner)} needs a component with its own encoder, found one that uses "
                'the vectors of another component. Use backend = "torch" in fp32.'
            )
        self.execution.configure(check_cpu(runtime))

    def initialize(
        self, design: Design, labels: Sequence[str], width: int | None, checkpoint: Checkpoint | None
    ) -> None:
        """Build the network. See `build` for the arguments."""
        built = build(design, self.encoder, labels, width=width, checkpoint=checkpoint)
        self.execution.install(built)

    def plan(self, lengths: Sequence[int], *, is_train: bool) -> list[list[int]]:
        """Group docs of similar length within the budget of pieces. See `Weights.plan`."""
        order = sorted((i for i, length in enumerate(lengths) if length), key=lengths.__getitem__)
        budget = self.execution.runtime.max_batch_pieces * (1 if is_train else PREDICT_GROUP_BATCHES)
        return [order[first:last] for first, last in plan_batches([lengths[i] for i in order], budget)]

    def share(self, docs: Sequence[Doc]) -> list[int]:
        """Choose the docs of a batch that this process runs. See `Weights.share`."""
        if world_size() == 1:
            return list(range(len(docs)))
        has_encoder = self.encoder is not None
        return own_share(
            [len(text.ids) for text in self.execution.cut(docs)] if has_encoder else [*map(len, docs)]
        )

    def add_up(self, value: float) -> float:
        """Sum a number over all processes. See `Weights.add_up`."""
        return add_up(value)

    def text_vectors(self, docs: Sequence[Doc]) -> TextVectors:
        """Compute mean vectors of docs, at least one of which has a token. See `Weights.text_vectors`."""
        execution = self.execution
        execution.prepare(0.0, is_train=False)
        with torch.no_grad(), execution.autocast():
            vectors, mask = execution.encode(docs, is_train=False)
        # (batch, tokens)
        shares = mask / mask.sum(dim=1, keepdim=True).clamp(min=1)
        # (batch, width)
        means = torch.einsum("btw,bt->bw", vectors.float(), shares)
        return means.cpu().numpy()

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update the weights."""
        self.execution.step(optimizer, self.id)

    def discard_gradients(self) -> None:
        """Clear the gradients that were accumulated for the next update, in a shared encoder as well."""
        self.execution.network.zero_grad(set_to_none=True)
        if self.execution.source is not None:
            self.execution.source.discard_gradients()

    def to_device(self, device_type: str, device_id: int) -> None:
        """Do nothing: the component's `device` setting decides where the network is, not thinc's ops."""

    def save(self, path: Path) -> None:
        """Write a folder. See `write_folder`."""
        write_folder(self._dump(), path)

    def load(self, path: Path, *, verify: bool) -> None:
        """Load a folder written by `save`.

        Raises:
            OSError: If a file is missing.
            ValueError: If a file is damaged or does not match the other files or the pipeline's config.
        """
        with_graph = self.execution.runtime.backend == "onnx"
        with reading(path, self.encoder, with_graph=with_graph, verify=verify) as saved:
            self._restore(saved)

    def to_disk(self, path: str | Path) -> None:
        """Write a folder."""
        self.save(Path(path))

    def from_disk(self, path: str | Path) -> "ModelShim":
        """Load a folder written by `to_disk`. Raises the errors of `load`."""
        self.load(Path(path), verify=True)
        return self

    def to_bytes(self) -> bytes:
        """Serialize the network; returns no bytes before initialization."""
        return pack(self._dump()) if self.is_initialized else b""

    def from_bytes(self, data: bytes) -> "ModelShim":
        """Load the bytes that `to_bytes` returned."""
        if data:
            self._restore(unpack(data))
        return self

    def _dump(self) -> Saved:
        execution = self.execution
        execution.is_dirty = False
        with_graph = execution.runtime.backend == "onnx"
        if with_graph and self.encoder is not None and not self.encoder.keeps_base:
            execution.use_runner()
        network, (_, cutter, base) = execution.network, execution.built or Built(execution.network)
        return dump_network(network, cutter, self.encoder, base, self.storage, with_graph=with_graph)

    def _restore(self, saved: Saved) -> None:
        check_saved(saved)
        self.storage = saved.manifest.storage
        self.execution.install(restore(self.design.design_for(saved), self.encoder, saved))


def find_shim(model: AnyModel | None) -> ModelShim | None:
    """Return the shim of a model, or None if the model is not from this package."""
    shim = model.shims[0] if model is not None and model.shims else None
    return shim if isinstance(shim, ModelShim) else None


def get_shim(model: AnyModel) -> ModelShim:
    """Return the shim of a model.

    Raises:
        TypeError: If the model is not from this package.
    """
    shim = find_shim(model)
    if shim is None:
        raise TypeError(
            f"The model must be from spacy_xner, found {model.name!r}. Use the model of an xner or xcat."
        )
    return shim
