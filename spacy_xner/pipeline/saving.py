"""The folder of a saved component. This module must not import torch or transformers. See `factories`."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spacy import util

from .interfaces import Adopted
from .labels import check_saved_labels
from .sealing import read_cfg, seal

if TYPE_CHECKING:
    from .component import Component


def write_folder(pipe: "Component[Any]", path: str | Path, exclude: Iterable[str]) -> None:
    """Write a folder: labels and changed settings, the model, and its thinc layers."""
    write: dict[str, Callable[[Path], Any]] = {
        "cfg": lambda p: p.write_text(seal({**pipe.cfg, "labels": pipe.label_data}), encoding="utf-8"),
        "model": pipe.weights.save,
    }
    write |= {f"layer{i}": layer.to_disk for i, layer in enumerate(pipe.model.layers)}
    util.to_disk(path, write, exclude)


def read_folder(pipe: "Component[Any]", path: str | Path, exclude: set[str]) -> None:
    """Load a folder written by `write_folder`.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is damaged, or the files are not those of one component.
    """
    read: dict[str, Callable[[Path], Any]] = {
        "cfg": lambda p: pipe.cfg.update(read_cfg(p, verify=pipe.verify)),
        "model": lambda p: pipe.weights.load(p, verify=pipe.verify),
    }
    read |= {f"layer{i}": layer.from_disk for i, layer in enumerate(pipe.model.layers)}
    util.from_disk(path, read, exclude)
    if not exclude & {"cfg", "model"}:
        own = pipe.task.labels(pipe.model) if isinstance(pipe.task, Adopted) else pipe.weights.labels
        check_saved_labels(pipe.cfg["labels"], own, Path(path))
