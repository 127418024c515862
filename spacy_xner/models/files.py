"""Write and read a saved network as a folder of files or as bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import srsly
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save, save_file

from .manifest import Manifest, digest_file, verify_files
from .settings import EncoderSettings
from .storage import CONFIG, TOKENIZER, Saved

MANIFEST, WEIGHTS, GRAPH = "xner.json", "model.safetensors", "encoder.onnx"
ADVICE = "Copy the pipeline's folder again, or retrain the pipeline."


def write_folder(saved: Saved, folder: Path) -> None:
    """Write JSON files, the weights, an ONNX model if there is one, and finally the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in saved.texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    save_file(saved.state, folder / WEIGHTS)
    names = [*saved.texts, WEIGHTS]
    if saved.graph:
        (folder / GRAPH).write_bytes(saved.graph)
        names.append(GRAPH)
    else:
        # A pipeline saved earlier to the same folder may have left one.
        (folder / GRAPH).unlink(missing_ok=True)
    files = {name: digest_file(folder / name) for name in names}
    (folder / MANIFEST).write_text(replace(saved.manifest, files=files).to_json(), encoding="utf-8")


@contextmanager
def reading(
    folder: Path, settings: EncoderSettings | None, *, with_graph: bool, verify: bool
) -> Iterator[Saved]:
    """Read a folder written by `write_folder`; errors inside the context become one-line messages.

    Args:
        folder: The folder.
        settings: Settings of the encoder, or None.
        with_graph: Whether to read an ONNX model too.
        verify: Whether to check that no file has changed.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is damaged or does not match the other files or the pipeline's config.
    """
    has_encoder = settings is not None and not settings.keeps_base
    names = [*((CONFIG, TOKENIZER) if has_encoder else ()), MANIFEST, WEIGHTS]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise OSError(
            f"{folder} must contain {', '.join(names)}, but {', '.join(missing)} is missing. {ADVICE}"
        )
    try:
        manifest = Manifest.from_json((folder / MANIFEST).read_text("utf-8"))
        if verify:
            verify_files(folder, manifest.files)
        texts = {name: (folder / name).read_text("utf-8") for name in names[:-2]}
        graph = folder / GRAPH
        data = graph.read_bytes() if with_graph and graph.is_file() else b""
        yield Saved(manifest, texts, load_file(folder / WEIGHTS), data)
    except (ValueError, KeyError, RuntimeError, OSError, SafetensorError) as err:
        reason = str(err).strip().splitlines()[0]
        raise ValueError(
            f"{folder} must contain the files of one saved model, but they do not load: {reason} {ADVICE}"
        ) from err


def pack(saved: Saved) -> bytes:
    """Serialize a saved network."""
    texts = {MANIFEST: saved.manifest.to_json(), **saved.texts}
    return bytes(srsly.msgpack_dumps({"texts": texts, "state": save(saved.state), "graph": saved.graph}))


def unpack(data: bytes) -> Saved:
    """Deserialize the bytes that `pack` returned.

    Raises:
        ValueError: If a newer version of the package wrote them.
    """
    files = srsly.msgpack_loads(data)
    texts = dict(files["texts"])
    manifest = Manifest.from_json(texts.pop(MANIFEST))
    return Saved(manifest, texts, load(files["state"]), files["graph"])
