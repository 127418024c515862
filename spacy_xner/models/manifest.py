"""The manifest of a saved model: what its files contain, and their sizes and digests."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from ..pipeline.sealing import parse_object, seal, unseal

# The version that this package writes. Format 2 names two files differently; see `OLD_NAMES` in `files`.
# Format 1 has no format_version and no digests either, and stores a text model's pooling inside its neck.
FORMAT_VERSION = 3
Storage = Literal["float32", "float16", "bfloat16"]
GraphPrecision = Literal["", "fp32", "int8"]
Count = Annotated[int, Field(ge=0, le=1 << 31)]
Ids = Annotated[tuple[Count, ...], Field(max_length=1 << 10)]
Labels = Annotated[tuple[Annotated[str, Field(max_length=1 << 16)], ...], Field(max_length=1 << 20)]
Setting = str | int | float | None
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class EncoderManifest:
    """How to run an encoder.

    Attributes:
        capacity: Pieces per window, special ones excluded.
        overlap: Pieces shared by neighbouring windows of a long text.
        prefix: Ids of the special pieces before a text.
        suffix: Ids of the special pieces after a text.
        pad_id: Id of the padding piece.
        unk_id: Id of the unknown piece.
    """

    capacity: Annotated[int, Field(ge=1, le=1 << 31)]
    overlap: Count
    prefix: Ids
    suffix: Ids
    pad_id: Count
    unk_id: Count


@dataclass(frozen=True, slots=True)
class FileDigest:
    """Size of a file in bytes and SHA-256 of its content in hexadecimal digits."""

    size: Count
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the files of a saved model contain.

    Attributes:
        labels: The head's labels, in the order of its rows.
        width: Width of the token vectors if they come from another component, or None.
        encoder: How to run the encoder, or None if token vectors come from another component.
        storage: Precision of the weights on disk; they are loaded as float32.
        base: Digest of the weights that an adapter was trained on, if they are not saved with it.
        graph: Precision of the ONNX graph; empty if there is none.
        files: Size and digest of each other file.
        settings: Settings of the config that must be those of the training; see `describe_settings`.
        format_version: Version of the format. See `FORMAT_VERSION`.
    """

    labels: Labels
    width: Count | None = None
    encoder: EncoderManifest | None = None
    storage: Storage = "float32"
    base: str = ""
    graph: GraphPrecision = ""
    files: Mapping[str, FileDigest] = field(default_factory=dict)
    settings: Mapping[str, Setting] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """Serialize the manifest, with a digest of its own values."""
        return seal(asdict(self))

    @classmethod
    def from_json(cls, text: str, *, verify: bool = True) -> "Manifest":
        """Parse a manifest written by this or an older version of the package.

        Args:
            text: The manifest.
            verify: Whether to check that it has not changed since it was saved.

        Raises:
            ValueError: If the text is not a valid manifest, has changed, or a newer version of the package
                wrote it.
        """
        try:
            values = parse_object(text)
        except ValueError as err:
            raise ValueError(f"the manifest {err}") from err
        version = values.get("format_version", 1)
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise ValueError(
                f"format_version must be at most {FORMAT_VERSION}, found {version}: a newer spacy-xner "
                "saved this pipeline. Update spacy-xner."
            )
        try:
            manifest = _ADAPTER.validate_json(json.dumps({"format_version": 1} | values), strict=True)
        except ValidationError as err:
            first = err.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"the manifest must have a valid {where}: {first['msg']}") from err
        try:
            unseal(values, verify=verify)
        except ValueError as err:
            raise ValueError(f"the manifest {err}") from err
        return manifest


_ADAPTER = TypeAdapter(Manifest)


def digest_file(file: Path) -> FileDigest:
    """Compute the size and the SHA-256 of a file."""
    digest = hashlib.sha256()
    size = 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return FileDigest(size, digest.hexdigest())


def digest_bytes(content: bytes) -> FileDigest:
    """Compute the size and the SHA-256 of the content of a file."""
    return FileDigest(len(content), hashlib.sha256(content).hexdigest())


def verify_files(folder: Path, files: Mapping[str, FileDigest]) -> None:
    """Check that the files of a folder have not changed since they were saved; skips missing files.

    Raises:
        ValueError: If a file has changed.
    """
    for name, expected in files.items():
        file = folder / name
        if file.is_file() and (file.stat().st_size != expected.size or digest_file(file) != expected):
            raise ValueError(f"{name} has changed since it was saved (verify = false skips this check)")
