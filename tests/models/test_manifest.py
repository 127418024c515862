"""The manifest of a saved model: versions, digests, and folders written by older versions."""

import json
import shutil
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language

from spacy_xner.models.files import MANIFEST
from spacy_xner.models.manifest import (
    FORMAT_VERSION,
    EncoderManifest,
    FileDigest,
    Manifest,
    digest_file,
    verify_files,
)

from ..conftest import SLIPS, entities_of

SAVED = Path(__file__).parent / "saved"
COUNTS = st.integers(0, 1 << 20)
IDS = st.lists(COUNTS, max_size=3).map(tuple)
ENCODERS = st.builds(EncoderManifest, st.integers(1, 512), COUNTS, IDS, IDS, COUNTS, COUNTS)
MANIFESTS = st.builds(
    Manifest,
    st.lists(st.text(), max_size=4).map(tuple),
    width=st.none() | COUNTS,
    encoder=st.none() | ENCODERS,
    storage=st.sampled_from(["float32", "float16", "bfloat16"]),
    base=st.text(alphabet="0123456789abcdef"),
    graph=st.sampled_from(["", "fp32", "int8"]),
    files=st.dictionaries(st.text(), st.builds(FileDigest, COUNTS, st.text(alphabet="0123456789abcdef"))),
)


@pytest.fixture
def folder(trained: Language, tmp_path: Path) -> Path:
    """Save a pipeline and return its folder."""
    trained.to_disk(tmp_path / "pipeline")
    return tmp_path / "pipeline"


@given(MANIFESTS)
def test_manifest_round_trips_through_json(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_format_1_folder_loads(tmp_path: Path) -> None:
    expected = json.loads((SAVED / "format1.json").read_text("utf-8"))
    nlp = spacy.load(SAVED / "format1")
    assert any(expected.values())
    for text, rows in expected.items():
        doc = nlp(text)
        assert [[e.start_char, e.end_char, e.label_] for e in doc.ents] == [row[:3] for row in rows]
        assert [e._.xner_score for e in doc.ents] == pytest.approx([row[3] for row in rows], abs=1e-5)
    nlp.to_disk(tmp_path)
    manifest = Manifest.from_json((tmp_path / "xner" / "model" / MANIFEST).read_text("utf-8"))
    assert manifest.format_version == FORMAT_VERSION
    copy = spacy.load(tmp_path)
    assert all(entities_of(copy(text)) == entities_of(nlp(text)) for text in expected)


def test_digests_match_the_files(folder: Path) -> None:
    model = folder / "xner" / "model"
    manifest = Manifest.from_json((model / MANIFEST).read_text("utf-8"))
    assert set(manifest.files) == {file.name for file in model.iterdir()} - {MANIFEST}
    for name, digest in manifest.files.items():
        assert digest == digest_file(model / name)
        assert digest.size == (model / name).stat().st_size


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_changed_file_is_refused(folder: Path, name: str) -> None:
    file = folder / "xner" / "model" / name
    data = bytearray(file.read_bytes())
    # Change the last weight, or the last digit of a JSON file.
    index = next(i for i in range(len(data) - 1, 0, -1) if name.endswith("safetensors") or 48 <= data[i] < 57)
    data[index] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(
        ValueError, match=rf"{name} has changed since it was saved .*Copy the pipeline's folder"
    ):
        spacy.load(folder)
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ValueError, match=rf"{name} has changed since it was saved"):
        spacy.load(folder)


def test_verification_can_be_skipped(folder: Path, trained: Language) -> None:
    file = folder / "xner" / "model" / "config.json"
    file.write_text(file.read_text("utf-8") + "\n", encoding="utf-8")
    nlp = spacy.load(folder, config={"components.xner.verify": False})
    assert entities_of(nlp(SLIPS[0][0])) == entities_of(trained(SLIPS[0][0]))
    shutil.rmtree(folder)
    nlp.to_disk(folder)
    # The override is part of the saved config.
    assert not spacy.load(folder).config["components"]["xner"]["verify"]


def test_weights_of_another_model_are_refused(folder: Path, trained: Language, tmp_path: Path) -> None:
    other = spacy.load(SAVED / "format1")
    other.to_disk(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "xner" / "model" / "model.safetensors", folder / "xner" / "model")
    with pytest.raises(ValueError, match=r"model\.safetensors has changed since it was saved"):
        spacy.load(folder)


def test_newer_format_version_is_refused(folder: Path) -> None:
    file = folder / "xner" / "model" / MANIFEST
    values = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(values | {"format_version": FORMAT_VERSION + 1, "new": 1}), encoding="utf-8")
    message = (
        rf"format_version must be at most {FORMAT_VERSION}, found {FORMAT_VERSION + 1}: a newer spacy-xner"
    )
    with pytest.raises(ValueError, match=message) as err:
        spacy.load(folder)
    assert "\n" not in str(err.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": "PER"}, "must have a valid labels"),
        ({"labels": ["PER", 3]}, r"must have a valid labels\.1"),
        ({"width": -1}, "must have a valid width"),
        ({"storage": "float8"}, "must have a valid storage"),
        ({"encoder": {"capacity": 0}}, r"must have a valid encoder\.capacity"),
        ({"files": {"config.json": 3}}, r"must have a valid files\.config\.json"),
        ({"format_version": "two"}, "must have a valid format_version"),
    ],
)
def test_manifest_refuses_invalid_values(changes: dict[str, object], message: str) -> None:
    values = json.loads(Manifest(("PER",)).to_json()) | changes
    with pytest.raises(ValueError, match=message):
        Manifest.from_json(json.dumps(values))


@pytest.mark.parametrize("text", ["", "[]", "3", '{"labels": ["PER"'])
def test_invalid_manifest_file_is_refused(folder: Path, text: str) -> None:
    (folder / "xner" / "model" / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="must contain the files of one saved model, but they do not load"):
        spacy.load(folder)


def test_verify_files_skips_missing_files(tmp_path: Path) -> None:
    verify_files(tmp_path, {"encoder.onnx": FileDigest(3, "abc")})
