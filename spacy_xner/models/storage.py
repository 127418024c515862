"""Convert a trained network to JSON texts and tensors, and back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, cast

import torch
from spacy.util import logger
from torch import Tensor, nn

from ..errors import NonFiniteError
from ..hub.checks import check_sizes
from ..hub.encoder import build_transformer, dump_config, load_checkpoint, make_config, read_tokenizer
from ..nn.encoder.encoder import Encoder, Specials
from ..nn.encoder.lora import adapter_state, add_lora, count_parameters, is_adapter, merged_state
from ..nn.encoder.pieces import PieceCutter
from ..nn.encoder.trimming import keep_layers
from ..nn.model import Network
from ..nn.runtime.onnx import Graph
from ..pipeline.sealing import parse_object
from .manifest import EncoderManifest, GraphPrecision, Manifest, Setting, Storage
from .runners import restore_graph
from .settings import EncoderSettings

CONFIG, TOKENIZER = "encoder.json", "tokenizer.json"
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
        ValueError: If a weight does not fit the storage precision, or is NaN or infinite.
    """
    manifest = Manifest(
        tuple(network.head.labels), storage=storage, settings=describe_settings(network, settings)
    )
    encoder = network.encoder
    if encoder is None or cutter is None or settings is None:
        manifest = replace(manifest, width=network.head.width)
        return Saved(manifest, {}, _cast(_state(network), storage))
    prefix, suffix, pad_id = encoder.specials
    details = EncoderManifest(encoder.capacity, encoder.overlap, prefix, suffix, pad_id, cutter.unk_id)
    manifest = replace(manifest, encoder=details)
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
    for name, x in state.items():
        # Unlike isfinite, these take no memory; both are NaN if any value is.
        if x.is_floating_point() and x.numel() and not torch.stack(x.aminmax()).isfinite().all():
            raise NonFiniteError(
                f"Weights must be finite to be saved, found others in {name}. Load the last saved pipeline, "
                "and train it with a lower learning rate."
            )
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


def describe_settings(network: Network, settings: EncoderSettings | None) -> dict[str, Setting]:
    """Describe what the config decides about predictions and the shapes of weights do not show.

    A manifest contains the names of these modules: renaming one of the classes takes a new format version.
    """
    modules = {"neck": network.neck, "pooling": network.pooling, "head": network.head}
    described: dict[str, Setting] = {
        name: type(module).__name__ for name, module in modules.items() if module is not None
    }
    for module in network.neck.modules() if network.neck is not None else ():
        n_heads = getattr(module, "n_heads", None)
        if isinstance(n_heads, int):
            described["neck.n_heads"] = n_heads
    if settings is not None:
        described |= {
            f"encoder.{name}": getattr(settings, name) for name in ("pooling", "prefix_space", "cut")
        }
        if settings.keeps_base and settings.lora is not None:
            described["encoder.lora.alpha"] = settings.lora.alpha
    return described


def check_settings(saved: Mapping[str, Setting], current: Mapping[str, Setting]) -> None:
    """Check that a config still decides as it did when the model was saved.

    Raises:
        ValueError: If it does not.
    """
    for name in saved:
        here, there = current.get(name), saved[name]
        if here != there:
            raise ValueError(
                f"the config must have {name} = {there!r} as when the model was saved, found {here!r} "
                "(verify = false skips this check)."
            )


def check_saved(saved: Saved) -> None:
    """Check, before a network is built, that its weights can be as large as the other files say.

    Raises:
        ValueError: If they cannot.
    """
    manifest, details = saved.manifest, saved.manifest.encoder
    n_weights = sum(value.numel() for name, value in saved.state.items() if not name.startswith(PREFIX))
    for name, size in (("labels", len(manifest.labels)), ("width", manifest.width or 0)):
        if size > n_weights:
            raise ValueError(
                f"the manifest must have no more {name} than there are weights, found {size} and {n_weights}."
            )
    if details is not None and details.overlap >= details.capacity:
        raise ValueError(
            f"overlap must be less than capacity, found {details.overlap} and {details.capacity}."
        )
    if CONFIG in saved.texts:
        config = make_config(parse_object(saved.texts[CONFIG]))
        check_sizes(config, {name: value.shape for name, value in saved.state.items()})


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
        transformer = build_transformer(parse_object(saved.texts[CONFIG]), weights)
        # Training goes on with new adapters. See `renew_lora`.
        transformer.requires_grad_(settings.lora is None)
        tokenizer = read_tokenizer(saved.texts[TOKENIZER])
    check_ids(details, transformer)
    encoder = Encoder(
        transformer,
        Specials(details.prefix, details.suffix, details.pad_id),
        pooling=settings.pooling,
        capacity=details.capacity,
        overlap=details.overlap,
    )
    if saved.graph and saved.manifest.graph:
        encoder.runner = restore_graph(saved.graph, saved.manifest.graph)
    return encoder, PieceCutter(tokenizer, prefix_space=settings.prefix_space, unk_id=details.unk_id)


def check_ids(details: EncoderManifest, transformer: Any) -> None:
    """Check that an encoder has the special pieces.

    Raises:
        ValueError: If it lacks one.
    """
    n_rows = transformer.get_input_embeddings().num_embeddings
    highest = max(*details.prefix, *details.suffix, details.pad_id, details.unk_id)
    if highest >= n_rows:
        raise ValueError(f"ids of pieces must be below {n_rows}, the encoder's rows, found {highest}.")


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
    """Add new adapters, which the settings ask for, to a transformer whose old ones have been merged."""
    if not adapter_state(transformer):
        apply_lora(transformer, settings)
        counts = count_parameters(transformer)
        logger.info(
            "New adapters: those of the saved encoder are merged. Parameters: %d trained of %d", *counts
        )


def digest_weights(state: Mapping[str, Tensor]) -> str:
    """Compute a digest of weights."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(state):
        # As bytes: numpy has no bfloat16.
        content = state[name].cpu().contiguous().flatten().view(torch.uint8)
        digest.update(name.encode() + content.numpy().tobytes())
    return digest.hexdigest()
