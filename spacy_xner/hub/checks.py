"""Names of Hugging Face folders and hub models, and checks of what they contain."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from huggingface_hub import constants
from safetensors import safe_open

from ..errors import first_line

# Sizes in a configuration that are dimensions of weights.
DIMENSIONS = ("vocab_size", "hidden_size")
# Largest values of others that weights need not show. A damaged number would take all memory.
LIMITS = {
    "intermediate_size": 1 << 14,
    "max_position_embeddings": 1 << 17,
    "num_attention_heads": 1 << 10,
    "type_vocab_size": 1 << 10,
}
# Seconds until the hub counts as out of reach.
TIMEOUT_S = 5
HUB_ADVICE = (
    'Check the name, or take the default encoder: pip install "spacy-xner[mini]", spacy-xner encoder mini '
    'DIR, and config={"model": {"encoder": {"name": "DIR"}}} or --paths.encoder DIR.'
)


def parse_name(name: str) -> dict[str, Any]:
    """Return the arguments of transformers' ``from_pretrained`` for a folder or hub id.

    Code that comes with a model is never run.

    Args:
        name: A folder; or a hub id, with a branch, tag or commit after an ``@`` to pin its revision, as in
            the paths of huggingface_hub.

    Raises:
        OSError: If the name looks like a path and is not that of a model's folder.
    """
    folder = os.path.expanduser(name)
    repo, _, revision = (folder, "", "") if os.path.isdir(folder) else name.partition("@")
    looks_local = repo.startswith((".", "/", "~")) or repo.count("/") > 1 or os.path.isdir(folder)
    if looks_local and not (Path(folder) / "config.json").is_file():
        raise OSError(
            f"An encoder must be a hub id or a folder with config.json, found {name!r}, which is neither. "
            + HUB_ADVICE
        )
    return {
        "pretrained_model_name_or_path": repo,
        "revision": revision or "main",
        "trust_remote_code": False,
    }


def make_source(name: str) -> dict[str, Any]:
    """Return what `parse_name` does, and whether only the cache can be read, since the hub is out of reach.

    transformers itself would try again for half a minute, and only then look into the cache.
    """
    source = parse_name(name)
    is_folder = os.path.isdir(source["pretrained_model_name_or_path"])
    return {**source, "local_files_only": not is_folder and not _reaches_hub()}


def _reaches_hub() -> bool:
    """Return whether the hub accepts a connection; True where that is not asked: offline, or with a proxy."""
    if constants.HF_HUB_OFFLINE or getproxies().keys() & {"all", "http", "https"}:
        return True
    hub = urlsplit(constants.ENDPOINT)
    try:
        with socket.create_connection((hub.hostname, hub.port or 443), TIMEOUT_S):
            return True
    except OSError:
        return False


def check_name(name: str) -> None:
    """Check that a name that looks like a path is that of a model's folder.

    Raises:
        OSError: If it is not.
    """
    parse_name(name)


def explain(err: Exception) -> str:
    """Return the reason why transformers cannot load a model, as one line."""
    if "trust_remote_code" in str(err):
        return "it needs Python code of its own (auto_map), which is never run."
    return first_line(err)


def read_shapes(folder: str) -> dict[str, list[int]]:
    """Read the shapes of the weights in the safetensors files of a folder; none for a hub id."""
    shapes: dict[str, list[int]] = {}
    for file in sorted(Path(folder).glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            shapes |= {name: weights.get_slice(name).get_shape() for name in weights.keys()}
    return shapes


def check_sizes(config: Any, shapes: Mapping[str, Sequence[int]]) -> None:
    """Check, before a model is built, that its sizes fit its weights.

    Args:
        config: A configuration of transformers.
        shapes: Shapes of the weights by name; empty if they are unknown.

    Raises:
        ValueError: If a size does not.
    """
    if not shapes:
        return
    dimensions = {size for shape in shapes.values() for size in shape}
    limits = {name: max(limit, *dimensions) for name, limit in LIMITS.items()}
    limits["num_hidden_layers"] = len(shapes)
    for name in (*DIMENSIONS, *limits):
        size = getattr(config, name, None)
        if not isinstance(size, int):
            continue
        if size > limits.get(name, size) or (name in DIMENSIONS and size not in dimensions):
            raise ValueError(f"{name} in the configuration must fit the weights, found {size}.")


def check_fast(tokenizer: Any, name: str) -> None:
    """Check that a tokenizer is a fast one.

    Raises:
        ValueError: If it is not.
    """
    if not tokenizer.is_fast:
        raise ValueError(
            f"An encoder must have a fast tokenizer (tokenizer.json), found only a slow one in {name!r}. "
            "Convert it with transformers' AutoTokenizer and save it beside the weights."
        )


def check_complete(missing: Sequence[str], name: str) -> None:
    """Check that no weights are missing.

    Raises:
        ValueError: If some are.
    """
    if missing:
        raise ValueError(
            f"An encoder must have all its weights, but {name!r} lacks {len(missing)}, such as {missing[0]}. "
            "Check that the folder is complete and of the architecture that its config.json names."
        )
