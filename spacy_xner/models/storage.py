"""Convert a trained network to JSON texts and tensors, and back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, cast

import srsly
import torch
from spacy.util import logger
from torch import Tensor, nn

from ..hub.encoder import build_transformer, dump_config, load_checkpoint, read_tokenizer
from ..nn.encoder.encoder import Encoder, Specials
from ..nn.encoder.lora import adapter_state, add_lora, count_parameters, is_adapter, merged_state
from ..nn.encoder.pieces import PieceCutter
from ..nn.encoder.trimming import keep_layers
from ..nn.model import Network
from ..nn.runtime.onnx import Graph
from .manifest import EncoderManifest, GraphPrecision, Manifest, Storage
from .settings import EncoderSettings

CONFIG, TOKENIZER = "config.json", "tokenizer.json"
PREFIX = "encoder.transformer."
# Prefixes of weights in format 1, where a text model's neck module contained both neck and pooling.
RENAMED = {"neck.neck.": "neck.", "neck.pooling.": "pooling."}


class Saved(NamedTuple):
    """The saved form of a trained network.

    Attributes:
        manifest: The manifest.
        texts: Contents of the other text files, by file name.
        state: Weights by name, without those of an encoder that is not saved with its adapters.
        graph: The encoder as an ONNX model; empty if there is none.
    """

    manifest: Manifest
    texts: dict[str, str]
    state: dict[str, Tensor]
    graph: bytes = b""


def dump_network(
    network: Network,
    cutter: PieceCutter | None,
    settings: EncoderSettings | None,
    base: str,
    storage: Storage = "float32",
    *,
    with_graph: bool = False,
) -> Saved:
    """Convert a network to its saved form.

    Args:
        network: The network.
        cutter: The network's cutter, or None if token vectors come from another component.
        settings: Settings of the encoder, or None if token vectors come from another component.
        base: Digest of the base encoder, if it is not saved with its adapters.
        storage: Precision of the weights on disk; they are loaded as float32.
        with_graph: Whether to save the encoder's ONNX model too, if there is one.

    Raises:
        ValueError: If a weight does not fit the storage precision.
    """
    labels = tuple(network.head.labels)
    encoder = network.encoder
    if encoder is None or cutter is None or settings is None:
        manifest = Manifest(labels, width=network.head.width, storage=storage)
        return Saved(manifest, {}, _cast(_state(network), storage))
    prefix, suffix, pad_id = encoder.specials
    details = EncoderManifest(encoder.capacity, encoder.overlap, prefix, suffix, pad_id, cutter.unk_id)
    manifest = Manifest(labels, encoder=details, storage=storage)
    state = {name: value for name, value in _state(network).items() if not name.startswith(PREFIX)}
    if settings.keeps_base:
        state |= _prefixed(adapter_state(encoder.transformer))
        return Saved(replace(manifest, base=base), {}, _cast(state, storage))
    state |= _prefixed(merged_state(encoder.transformer))
    # srsly would round 1e-12, which keeps a layer norm from dividing by zero, to 0.
    config = json.dumps(dump_config(encoder.transformer), indent=2)
    texts = {CONFIG: config, TOKENIZER: cutter.tokenizer.to_str()}
    if with_graph and isinstance(encoder.runner, Graph):
        manifest = replace(manifest, graph=cast(GraphPrecision, encoder.runner.precision))
        return Saved(manifest, texts, _cast(state, storage), encoder.runner.data)
    return Saved(manifest, texts, _cast(state, storage))


def _state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.contiguous() for name, value in module.state_dict().items()}


def _prefixed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name an encoder's weights as the network does; of tied ones, as T5's two tables, the first is kept."""
    first: dict[int, str] = {}
    return {
        PREFIX + name: value.contiguous()
        for name, value in state.items()
        if not value.numel() or first.setdefault(value.data_ptr(), name) == name
    }


def _cast(state: dict[str, Tensor], storage: Storage) -> dict[str, Tensor]:
    """Convert weights to the precision on disk."""
    if storage == "float32":
        return state
    dtype = getattr(torch, storage)
    converted = {name: x.to(dtype) if x.is_floating_point() else x for name, x in state.items()}
    overflowing = [name for name, x in converted.items() if x.is_floating_point() and not x.isfinite().all()]
    if overflowing:
        raise ValueError(
            f"Weights must be within the range of {storage}, found larger ones in {overflowing[0]}. "
            "Save in float32."
        )
    return converted


def restore_encoder(saved: Saved, settings: EncoderSettings) -> tuple[Encoder, PieceCutter]:
    """Restore the encoder of a saved network.

    Raises:
        OSError: If the base encoder is not saved with its adapters and cannot be found.
        ValueError: If the base encoder has changed, or the files contradict each other.
    """
    details = saved.manifest.encoder
    if details is None:
        raise ValueError("the manifest must describe an encoder, found none")
    if settings.keeps_base:
        base = load_checkpoint(settings.name)
        keep_layers(base.transformer, settings.layers)
        transformer, tokenizer = base.transformer, base.tokenizer
        if digest_weights(transformer.state_dict()) != saved.manifest.base:
            raise ValueError(
                f"The adapter must be used with the encoder that it was trained on, but {settings.name!r} "
                "has different weights. Name the original encoder, or save with adapter_only = false."
            )
        apply_lora(transformer, settings)
    else:
        weights = {k.removeprefix(PREFIX): v for k, v in saved.state.items() if k.startswith(PREFIX)}
        transformer = build_transformer(srsly.json_loads(saved.texts[CONFIG]), weights)
        # Training goes on with new adapters. See `renew_lora`.
        transformer.requires_grad_(settings.lora is None)
        tokenizer = read_tokenizer(saved.texts[TOKENIZER])
    encoder = Encoder(
        transformer,
        Specials(details.prefix, details.suffix, details.pad_id),
        pooling=settings.pooling,
        capacity=details.capacity,
        overlap=details.overlap,
    )
    if saved.graph and saved.manifest.graph:
        encoder.runner = Graph(saved.graph, saved.manifest.graph)
    return encoder, PieceCutter(tokenizer, prefix_space=settings.prefix_space, unk_id=details.unk_id)


def load_state(network: Network, saved: Saved, settings: EncoderSettings | None) -> None:
    """Load saved weights into a network.

    Raises:
        RuntimeError: If weights are missing or unknown.
    """
    state = saved.state
    if saved.manifest.format_version == 1:
        state = {_rename(name): value for name, value in state.items()}
    missing, unexpected = network.load_state_dict(state, strict=False)
    if settings is not None and settings.keeps_base:
        missing = [name for name in missing if not name.startswith(PREFIX) or is_adapter(name)]
    if missing:
        weights = network.state_dict()
        loaded = {value.data_ptr() for name, value in weights.items() if name in state}
        missing = [name for name in missing if weights[name].data_ptr() not in loaded]
    if missing or unexpected:
        raise RuntimeError(f"weights are missing or unknown: {', '.join([*missing, *unexpected][:3])}")


def _rename(name: str) -> str:
    """Convert the name of a weight from format 1 to the current format."""
    old = next((prefix for prefix in RENAMED if name.startswith(prefix)), "")
    return RENAMED.get(old, "") + name.removeprefix(old)


def apply_lora(transformer: nn.Module, settings: EncoderSettings) -> None:
    """Add adapters to a transformer if the settings ask for them."""
    if settings.lora is not None:
        rank, alpha, dropout, targets, _ = settings.lora
        add_lora(transformer, rank=rank, alpha=alpha, dropout=dropout, targets=targets)


def renew_lora(transformer: nn.Module, settings: EncoderSettings) -> None:
    """Add new adapters to a transformer if the settings ask for them and its old ones have been merged."""
    if settings.lora is not None and not adapter_state(transformer):
        apply_lora(transformer, settings)
        counts = count_parameters(transformer)
        logger.info(
            "New adapters: those of the saved encoder are merged. Parameters: %d trained of %d", *counts
        )


def digest_weights(state: Mapping[str, Tensor]) -> str:
    """Compute a digest of an encoder's weights."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(state):
        digest.update(name.encode() + state[name].cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
