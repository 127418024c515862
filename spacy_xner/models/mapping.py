"""Weights in memory-mapped files, whose pages several processes share."""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from spacy.language import Language

from ..pipeline.component import Component
from .files import WEIGHTS
from .shim import find_shim


def map_weights(nlp: Language) -> int:
    """Replace the weights of a pipeline that was loaded from a folder by its memory-mapped files.

    Processes that do so share the pages of these files. Weights that differ from their file, such as those
    that are stored with fewer bits or are not on a CPU, stay as they are. The files must not be overwritten
    while they are in use; to replace a pipeline, write another folder and rename it.

    Args:
        nlp: The pipeline. It predicts as before.

    Returns:
        Number of bytes that are shared.
    """
    if nlp.path is None:
        return 0
    n_bytes = 0
    for name, pipe in nlp.pipeline:
        file = Path(nlp.path) / name / "model" / WEIGHTS
        if isinstance(pipe, Component) and file.is_file():
            n_bytes += _map_component(pipe, file)
    return n_bytes


def _map_component(pipe: Component[Any], file: Path) -> int:
    shim = find_shim(pipe.model)
    if shim is None or not shim.is_initialized:
        return 0
    stored, n_bytes = load_file(file), 0
    for name, weight in shim.execution.network.state_dict(keep_vars=True).items():
        mapped = stored.get(name)
        if mapped is None or (mapped.dtype, mapped.shape) != (weight.dtype, weight.shape):
            continue
        if weight.device.type == "cpu" and weight.equal(mapped):
            weight.data = mapped
            n_bytes += mapped.nbytes
    return n_bytes
