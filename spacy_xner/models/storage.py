"""A trained module as JSON texts and tensors, and back."""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import srsly
import torch
from torch import Tensor, nn

from ..hub.encoder import build_transformer, dump_config, load_checkpoint, read_tokenizer
from ..nn.encoder.encoder import Encoder, Specials
from ..nn.encoder.lora import adapter_state, add_lora, is_adapter, merged_state
from ..nn.encoder.pieces import PieceCutter
from ..nn.encoder.trimming import keep_layers
from ..nn.model import EntityModule
from ..nn.runtime.onnx import Graph
from .settings import EncoderSettings

WEIGHTS, SETTINGS, CONFIG, TOKENIZER = "model.safetensors", "xner.json", "config.json", "tokenizer.json"
GRAPH = "encoder.onnx"
PREFIX = "encoder.transformer."
Storage = Literal["float32", "float16", "bfloat16"]


class Saved(NamedTuple):
    """A trained module as it is saved.

    Attributes:
        texts: File names and what is in them.
        state: All weights by name; of an encoder that is kept elsewhere, only what was added to it.
        graph: Its encoder as an ONNX model, empty if it has none.
    """

    texts: dict[str, str]
    state: dict[str, Tensor]
    graph: bytes = b""


def file_names(settings: EncoderSettings | None) -> list[str]:
    """List the files of a saved module."""
    has_encoder = settings is not None and not settings.keeps_base
    return [SETTINGS, WEIGHTS, *((CONFIG, TOKENIZER) if has_encoder else ())]


def dump_module(
    module: EntityModule,
    cutter: PieceCutter | None,
    settings: EncoderSettings | None,
    digest: str,
    storage: Storage = "float32",
    *,
    with_graph: bool = False,
) -> Saved:
    """Make what is saved of a module.

    Args:
        module: The module.
        cutter: What cuts its tokens, or None if its vectors come from outside.
        settings: Of its encoder, or None in that case.
        digest: Of the base encoder, where that is kept elsewhere.
        storage: In which precision weights are saved; they are loaded in float32.
        with_graph: Whether the encoder's ONNX model is saved too, if there is one.
    """
    told: dict[str, Any] = {"labels": list(module.head.labels)}
    if storage != "float32":
        told["storage"] = storage
    if module.encoder is None or cutter is None or settings is None:
        told["width"] = module.head.width
        return Saved({SETTINGS: srsly.json_dumps(told, indent=2)}, _stored(_state(module), storage))
    encoder = module.encoder
    prefix, suffix, pad_id = encoder.specials
    told["encoder"] = {
        "capacity": encoder.capacity,
        "overlap": encoder.overlap,
        "prefix": list(prefix),
        "suffix": list(suffix),
        "pad_id": pad_id,
        "unk_id": cutter.unk_id,
    }
    state = {name: value for name, value in _state(module).items() if not name.startswith(PREFIX)}
    if settings.keeps_base:
        told["base"] = digest
        own = adapter_state(encoder.transformer)
        texts = {}
        graph = None
    else:
        own = merged_state(encoder.transformer)
        config = srsly.json_dumps(dump_config(encoder.transformer), indent=2)
        texts = {CONFIG: config, TOKENIZER: cutter.tokenizer.to_str()}
        graph = encoder.runner if with_graph and isinstance(encoder.runner, Graph) else None
    if graph is not None:
        told["graph"] = graph.precision
    state |= {PREFIX + name: value.contiguous() for name, value in own.items()}
    texts = {SETTINGS: srsly.json_dumps(told, indent=2), **texts}
    return Saved(texts, _stored(state, storage), b"" if graph is None else graph.data)


def _stored(state: dict[str, Tensor], storage: Storage) -> dict[str, Tensor]:
    """Give weights the precision of files."""
    if storage == "float32":
        return state
    dtype = getattr(torch, storage)
    stored = {name: x.to(dtype) if x.is_floating_point() else x for name, x in state.items()}
    too_great = [name for name, x in stored.items() if x.is_floating_point() and not x.isfinite().all()]
    if too_great:
        raise ValueError(
            f"Weights must fit {storage} to be saved so, found greater ones in {too_great[0]}. Use float32."
        )
    return stored


def _state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.contiguous() for name, value in module.state_dict().items()}


def restore_encoder(saved: Saved, settings: EncoderSettings) -> tuple[Encoder, PieceCutter]:
    """Build the encoder of a saved module.

    Raises:
        OSError: If its base is kept elsewhere, and is not there.
        ValueError: If that is another than it was, or files do not fit.
    """
    all_told = srsly.json_loads(saved.texts[SETTINGS])
    told = all_told["encoder"]
    if settings.keeps_base:
        base = load_checkpoint(settings.name)
        keep_layers(base.transformer, settings.layers)
        transformer, tokenizer = base.transformer, base.tokenizer
        digest = digest_weights(transformer.state_dict())
        if digest != all_told["base"]:
            raise ValueError(
                f"The adapter must be used with the encoder that it was trained on, but {settings.name!r} "
                "has other weights. Name that encoder, or save with adapter_only = false."
            )
        apply_lora(transformer, settings)
    else:
        weights = {k.removeprefix(PREFIX): v for k, v in saved.state.items() if k.startswith(PREFIX)}
        transformer = build_transformer(srsly.json_loads(saved.texts[CONFIG]), weights)
        tokenizer = read_tokenizer(saved.texts[TOKENIZER])
    encoder = Encoder(
        transformer,
        Specials(tuple(told["prefix"]), tuple(told["suffix"]), told["pad_id"]),
        pooling=settings.pooling,
        capacity=told["capacity"],
        overlap=told["overlap"],
    )
    if saved.graph and "graph" in all_told:
        encoder.runner = Graph(saved.graph, all_told["graph"])
    cutter = PieceCutter(tokenizer, prefix_space=settings.prefix_space, unk_id=told["unk_id"])
    return encoder, cutter


def load_state(module: EntityModule, saved: Saved, settings: EncoderSettings | None) -> None:
    """Set the weights of a module.

    Raises:
        RuntimeError: If some are missing, or have no place.
    """
    missing, unexpected = module.load_state_dict(saved.state, strict=False)
    if settings is not None and settings.keeps_base:
        missing = [name for name in missing if not name.startswith(PREFIX) or is_adapter(name)]
    if missing or unexpected:
        raise RuntimeError(f"weights are missing ({missing[:3]}) or have no place ({unexpected[:3]}).")


def apply_lora(transformer: nn.Module, settings: EncoderSettings) -> None:
    """Put the adapters that the settings ask for into a transformer."""
    if settings.lora is not None:
        rank, alpha, dropout, targets, _ = settings.lora
        add_lora(transformer, rank=rank, alpha=alpha, dropout=dropout, targets=targets)


def digest_weights(state: Mapping[str, Tensor]) -> str:
    """Make what tells an encoder's weights from others."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(state):
        digest.update(name.encode() + state[name].cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
