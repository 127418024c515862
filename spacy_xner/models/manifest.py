"""The manifest of a saved model: what its files contain, and their sizes and digests."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import srsly
from pydantic import Field, TypeAdapter, ValidationError

# The version that this package writes. Format 1 has no format_version and no digests, and stores a text
# model's pooling inside its neck.
FORMAT_VERSION = 2
Storage = Literal["float32", "float16", "bfloat16"]
GraphPrecision = Literal["", "fp32", "int8"]
Count = Annotated[int, Field(ge=0, le=1 << 31)]
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
    prefix: tuple[Count, ...]
    suffix: tuple[Count, ...]
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
        format_version: Version of the format. See `FORMAT_VERSION`.
    """

    labels: tuple[str, ...]
    width: Count | None = None
    encoder: EncoderManifest | None = None
    storage: Storage = "float32"
    base: str = ""
    graph: GraphPrecision = ""
    files: Mapping[str, FileDigest] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    def to_json(self) -> str:
        """Serialize the manifest."""
        return str(srsly.json_dumps(asdict(self), indent=2))

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Parse a manifest written by this or an older version of the package.

        Raises:
            ValueError: If the text is not a valid manifest, or a newer version of the package wrote it.
        """
        try:
            values = srsly.json_loads(text)
            version = values.setdefault("format_version", 1)
            if isinstance(version, int) and version > FORMAT_VERSION:
                raise ValueError(
                    f"format_version must be at most {FORMAT_VERSION}, found {version}: a newer spacy-xner "
                    "saved this pipeline. Update spacy-xner."
                )
            return _ADAPTER.validate_json(srsly.json_dumps(values), strict=True)
        except ValidationError as err:
            first = err.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"the manifest must have a valid {where}: {first['msg']}") from err
        except AttributeError as err:
            raise ValueError("the manifest must be a JSON object") from err


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


def verify_files(folder: Path, files: Mapping[str, FileDigest]) -> None:
    """Check that the files of a folder have not changed since they were saved; skips missing files.

    Raises:
        ValueError: If a file has changed.
    """
    for name, expected in files.items():
        file = folder / name
        if file.is_file() and (file.stat().st_size != expected.size or digest_file(file) != expected):
            raise ValueError(f"{name} has changed since it was saved (verify = false skips this check)")
