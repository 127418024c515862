"""Write and read a saved network as a folder of files or as bytes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import srsly
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save, save_file

from ..atomic import new_folder
from ..errors import first_line
from ..pipeline.sealing import COPY_AGAIN
from .manifest import FORMAT_VERSION, FileDigest, Manifest, digest_bytes, digest_file, verify_files
from .settings import EncoderSettings
from .storage import CONFIG, TOKENIZER, Saved

MANIFEST, WEIGHTS, GRAPH = "xner.json", "weights.safetensors", "encoder.onnx"
# Names in formats 1 and 2. With them, transformers took the folder for a checkpoint, and loaded it with
# random weights in place of those that it did not find.
OLD_NAMES = {CONFIG: "config.json", WEIGHTS: "model.safetensors"}


def write_folder(saved: Saved, folder: Path) -> None:
    """Write JSON files, the weights, an ONNX model if there is one, and the manifest: all or none of them.

    Raises:
        OSError: If they cannot be written.
    """
    with new_folder(folder, replace=True) as part:
        for name, text in saved.texts.items():
            (part / name).write_text(text, encoding="utf-8")
        try:
            save_file(saved.state, part / WEIGHTS)
        except SafetensorError as err:
            raise OSError(f"{folder / WEIGHTS} cannot be written: {first_line(err)}") from err
        if saved.graph:
            (part / GRAPH).write_bytes(saved.graph)
        files = {file.name: digest_file(file) for file in sorted(part.iterdir())}
        (part / MANIFEST).write_text(replace(saved.manifest, files=files).to_json(), encoding="utf-8")


@contextmanager
def reading(
    folder: Path, settings: EncoderSettings | None, *, with_graph: bool, verify: bool
) -> Iterator[Saved]:
    """Read a folder written by `write_folder`; errors inside the context become one-line messages.

    Args:
        folder: The folder.
        settings: Settings of the encoder, or None.
        with_graph: Whether to read an ONNX model too.
        verify: Whether to check that no file has changed, and that the config still fits.

    Raises:
        OSError: If a file is missing.
        ValueError: If a file is damaged or does not match the other files or the pipeline's config.
    """
    has_encoder = settings is not None and not settings.keeps_base
    parts = [*((CONFIG, TOKENIZER) if has_encoder else ()), MANIFEST, WEIGHTS]
    is_old = (folder / OLD_NAMES[WEIGHTS]).is_file() and not (folder / WEIGHTS).is_file()
    names = [OLD_NAMES.get(part, part) if is_old else part for part in parts]
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise OSError(
            f"{folder} must contain {', '.join(names)}, but {', '.join(missing)} is missing. {COPY_AGAIN}"
        )
    try:
        manifest = Manifest.from_json((folder / MANIFEST).read_text("utf-8"), verify=verify)
        if verify:
            verify_files(folder, manifest.files)
        else:
            manifest = replace(manifest, settings={})
        files = dict(zip(parts, names, strict=True))
        texts = {part: (folder / files[part]).read_text("utf-8") for part in parts[:-2]}
        graph = folder / GRAPH
        data = graph.read_bytes() if with_graph and graph.is_file() else b""
        yield Saved(manifest, texts, load_file(folder / files[WEIGHTS]), data)
    except Exception as err:  # the libraries raise anything for damaged files
        raise ValueError(
            f"{folder} must contain the files of one saved model, but they do not load: {first_line(err)} "
            f"{COPY_AGAIN}"
        ) from err


def pack(saved: Saved) -> bytes:
    """Serialize a saved network."""
    state = save(saved.state)
    files = _digests(saved.texts, state, saved.graph)
    texts = {MANIFEST: replace(saved.manifest, files=files).to_json(), **saved.texts}
    return bytes(srsly.msgpack_dumps({"texts": texts, "state": state, "graph": saved.graph}))


def unpack(data: bytes) -> Saved:
    """Deserialize the bytes that `pack` returned.

    Raises:
        ValueError: If they are damaged, or a newer version of the package wrote them.
    """
    try:
        parts = srsly.msgpack_loads(data)
        texts, state, graph = dict(parts["texts"]), parts["state"], parts["graph"]
        manifest = Manifest.from_json(texts.pop(MANIFEST))
        # Older versions wrote no digests.
        if manifest.files and manifest.files != _digests(texts, state, graph, manifest.format_version):
            raise ValueError("they have changed since they were made.")
        texts = {CONFIG if name == OLD_NAMES[CONFIG] else name: text for name, text in texts.items()}
        return Saved(manifest, texts, load(state), graph)
    except Exception as err:  # the libraries raise anything for damaged bytes
        raise ValueError(
            f"The bytes must be those of one saved model, but they do not load: {first_line(err)} "
            "Make them anew."
        ) from err


def _digests(
    texts: Mapping[str, str], state: bytes, graph: bytes, version: int = FORMAT_VERSION
) -> dict[str, FileDigest]:
    weights = WEIGHTS if version == FORMAT_VERSION else OLD_NAMES[WEIGHTS]
    parts = {**{name: text.encode() for name, text in texts.items()}, weights: state, GRAPH: graph}
    return {name: digest_bytes(part) for name, part in parts.items() if part}
