"""The manifest of a saved model: what its files hold, and what they were when they were written."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import srsly
from pydantic import Field, TypeAdapter, ValidationError

# Written by this version of the package. 1: no format_version, no digests, necks of texts hold their pooling.
FORMAT_VERSION = 2
Storage = Literal["float32", "float16", "bfloat16"]
GraphPrecision = Literal["", "fp32", "int8"]
Count = Annotated[int, Field(ge=0, le=1 << 31)]
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class EncoderManifest:
    """How an encoder is run.

    Attributes:
        capacity: Pieces in a window, special ones excluded.
        overlap: Pieces that two windows of a long text share.
        prefix: Ids of the special pieces before a text.
        suffix: Ids of those after it.
        pad_id: Id at padding.
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
    """Size of a file in bytes, and the SHA-256 of its content in hexadecimal digits."""

    size: Count
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the files of a saved model hold.

    Attributes:
        labels: The head's labels, in the order of its rows.
        width: Width of the token vectors, if the encoder belongs to another component.
        encoder: How the model's own encoder is run, or None.
        storage: Precision of the weights on disk; they are loaded as float32.
        base: Digest of the weights that an adapter was trained on, if these are not saved with it.
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
        """Return what `from_json` reads."""
        return str(srsly.json_dumps(asdict(self), indent=2))

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Read what `to_json`, or an older version of it, wrote.

        Raises:
            ValueError: If the text is no manifest, or a newer version of the package wrote it.
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
    """Compute size and SHA-256 of a file."""
    digest = hashlib.sha256()
    size = 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return FileDigest(size, digest.hexdigest())


def verify_files(folder: Path, files: Mapping[str, FileDigest]) -> None:
    """Check that the files of a folder are those that were saved; files that are missing are not checked.

    Raises:
        ValueError: If one has changed.
    """
    for name, expected in files.items():
        file = folder / name
        if file.is_file() and (file.stat().st_size != expected.size or digest_file(file) != expected):
            raise ValueError(f"{name} has changed since it was saved (verify = false skips this check)")
