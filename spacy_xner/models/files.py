"""A saved module as a folder of files, or as bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import srsly
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save, save_file

from .settings import EncoderSettings
from .storage import GRAPH, WEIGHTS, Saved, file_names


def write_folder(saved: Saved, folder: Path) -> None:
    """Write JSON files, one of safetensors, and the ONNX model if there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in saved.texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    save_file(saved.state, folder / WEIGHTS)
    if saved.graph:
        (folder / GRAPH).write_bytes(saved.graph)
    else:
        # Of what was here before.
        (folder / GRAPH).unlink(missing_ok=True)


@contextmanager
def reading(folder: Path, settings: EncoderSettings | None, *, with_graph: bool) -> Iterator[Saved]:
    """Read what `write_folder` wrote, and tell in one line what fails while it is used.

    Args:
        folder: The folder.
        settings: Of the encoder, or None.
        with_graph: Whether an ONNX model is read too.

    Raises:
        OSError: If a file is missing.
        ValueError: If the files do not fit each other or the pipeline's config.
    """
    names = file_names(settings)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise OSError(
            f"{folder} must hold {', '.join(names)}, but {', '.join(missing)} is missing. "
            "Copy the pipeline's folder again, or train it anew."
        )
    texts = {name: (folder / name).read_text("utf-8") for name in names if name != WEIGHTS}
    graph = folder / GRAPH
    try:
        state = load_file(folder / WEIGHTS)
        yield Saved(texts, state, graph.read_bytes() if with_graph and graph.is_file() else b"")
    except (ValueError, KeyError, RuntimeError, OSError, SafetensorError) as err:
        reason = str(err).strip().splitlines()[0]
        raise ValueError(
            f"{folder} must hold the files of one saved model, but they do not load: {reason} "
            "Copy the pipeline's folder again, or train it anew."
        ) from err


def pack(saved: Saved) -> bytes:
    """Make bytes of a saved module."""
    return bytes(srsly.msgpack_dumps({**saved._asdict(), "state": save(saved.state)}))


def unpack(data: bytes) -> Saved:
    """Read what `pack` made."""
    files = srsly.msgpack_loads(data)
    return Saved(files["texts"], load(files["state"]), files["graph"])
