"""The size of an encoder, read from its configuration alone."""

import json
from pathlib import Path
from typing import NamedTuple

from spacy.util import get_package_path, is_package
from transformers import AutoConfig

from .checks import make_source
from .encoder import make_config, reading


class Size(NamedTuple):
    """Width and number of layers of an encoder."""

    width: int
    n_layers: int


def find_config(name: str) -> Path | None:
    """Find the configuration of an encoder.

    Args:
        name: Folder of an encoder, folder of a pipeline, or installed package of one.

    Returns:
        The file; None if there is none, as for a hub id.
    """
    root = Path(name).expanduser()
    if not root.exists() and is_package(name):
        root = get_package_path(name)
    # Of a checkpoint; of components of a pipeline, also in older formats.
    names = ("encoder.json", "config.json")
    patterns = ("config.json", *(f"{folders}/model/{name}" for folders in ("*", "*/*") for name in names))
    return next((file for pattern in patterns for file in sorted(root.glob(pattern))), None)


def read_size(name: str) -> Size:
    """Read the width of an encoder and the number of its layers.

    Args:
        name: Its hub id or folder, or folder or installed package of a pipeline that has it.

    Raises:
        OSError: If its configuration cannot be read.
        ValueError: If it has none.
    """
    file = find_config(name)
    with reading(f"An encoder must have a configuration, found none that can be read for {name!r}"):
        if file is not None and file.name != "config.json":
            config = make_config(json.loads(file.read_text("utf-8")))
        else:
            config = AutoConfig.from_pretrained(**make_source(str(file.parent) if file else name))
    sizes = Size(getattr(config, "hidden_size", 0), getattr(config, "num_hidden_layers", 0))
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ValueError(
            "An encoder must have a hidden_size and num_hidden_layers for a learning rate that suits it, "
            f"found {sizes.width!r} and {sizes.n_layers!r} for {name!r}. Set vars.learn_rate to a number."
        )
    return sizes
