"""The manifest of a saved model: versions, digests, and folders written by older versions."""

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    BertModel,
)

from spacy_xner.models.files import MANIFEST, pack, unpack
from spacy_xner.models.manifest import (
    FORMAT_VERSION,
    EncoderManifest,
    FileDigest,
    Manifest,
    digest_file,
    verify_files,
)
from spacy_xner.models.shim import get_shim
from spacy_xner.models.warm_start import load_pipeline

from ..conftest import SLIPS, entities_of, make_examples, make_nlp, train_nlp
from ..pipeline import test_xcat

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


@pytest.mark.parametrize("name", ["format1", "format2"])
def test_folder_of_an_older_format_loads(tmp_path: Path, name: str) -> None:
    expected = json.loads((SAVED / "format1.json").read_text("utf-8"))
    nlp = spacy.load(SAVED / name)
    assert any(expected.values())
    for text, rows in expected.items():
        doc = nlp(text)
        assert [[e.start_char, e.end_char, e.label_] for e in doc.ents] == [row[:3] for row in rows]
        assert [e._.xner_score for e in doc.ents] == pytest.approx([row[3] for row in rows], abs=1e-5)
    nlp.to_disk(tmp_path)
    manifest = Manifest.from_json((tmp_path / "xner" / "model" / MANIFEST).read_text("utf-8"))
    assert manifest.format_version == FORMAT_VERSION
    # Saved again, it does not look like a checkpoint any more.
    with pytest.raises((OSError, ValueError), match=r"config\.json"):
        AutoConfig.from_pretrained(tmp_path / "xner" / "model")
    copy = spacy.load(tmp_path)
    assert all(entities_of(copy(text)) == entities_of(nlp(text)) for text in expected)


@pytest.mark.issue(29)
@pytest.mark.parametrize("kind", [AutoModel, AutoModelForTokenClassification, BertModel])
def test_model_folder_is_no_checkpoint_of_transformers(folder: Path, tmp_path: Path, kind: Any) -> None:
    """Half of its weights would be random; transformers also guesses architectures by names of folders."""
    for name in ("slips", "xlm-roberta-slips"):
        model = shutil.copytree(folder / "xner" / "model", tmp_path / name / "model")
        with pytest.raises((OSError, ValueError), match=r"config\.json|no file named"):
            kind.from_pretrained(model)


def make_classifier(tiny: Path) -> Language:
    nlp = test_xcat.make_nlp(tiny)
    nlp.initialize(lambda: test_xcat.make_examples(nlp, test_xcat.ONE))
    return nlp


def make_tagger(tiny: Path, head: str, **settings: object) -> Language:
    nlp = make_nlp(tiny, head, **settings)
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


LORA = {"@architectures": "spacy_xner.LoRA.v1"}


@pytest.mark.issue(29)
@pytest.mark.parametrize(
    "make",
    [
        partial(make_tagger, head="CRFHead"),
        partial(make_tagger, head="SoftmaxHead", encoder_lora=LORA),
        partial(make_tagger, head="SoftmaxHead", encoder_lora=LORA | {"adapter_only": True}),
        make_classifier,
    ],
    ids=["crf", "lora", "adapter", "texts"],
)
def test_pipelines_of_all_kinds_are_no_checkpoints_of_transformers(
    tiny: Path, tmp_path: Path, make: Callable[[Path], Language]
) -> None:
    nlp = make(tiny)
    nlp.to_disk(tmp_path / "nlp")
    own = tmp_path / "nlp" / nlp.pipe_names[0]
    for folder in (tmp_path / "nlp", own, own / "model"):
        for kind in (AutoConfig, AutoModelForTokenClassification, AutoModelForSequenceClassification):
            with pytest.raises((OSError, ValueError), match=r"config\.json"):
                kind.from_pretrained(folder)


def test_digests_match_the_files(folder: Path) -> None:
    model = folder / "xner" / "model"
    manifest = Manifest.from_json((model / MANIFEST).read_text("utf-8"))
    assert set(manifest.files) == {file.name for file in model.iterdir()} - {MANIFEST}
    for name, digest in manifest.files.items():
        assert digest == digest_file(model / name)
        assert digest.size == (model / name).stat().st_size


@pytest.mark.parametrize("name", ["weights.safetensors", "encoder.json", "tokenizer.json"])
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
    file = folder / "xner" / "model" / "encoder.json"
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
    shutil.copy(tmp_path / "other" / "xner" / "model" / "weights.safetensors", folder / "xner" / "model")
    with pytest.raises(ValueError, match=r"weights\.safetensors has changed since it was saved"):
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


def test_changed_manifest_is_refused(folder: Path) -> None:
    file = folder / "xner" / "model" / MANIFEST
    values = json.loads(file.read_text("utf-8"))
    values["labels"][0] += "X"
    file.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"the manifest has changed since it was saved .*Copy the pipeline's"
    ):
        spacy.load(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"labels": ["COURIER", "LOC", "PER"]}', "must have the labels of the model beside it"),
        ('{"labels": "PER"}', "must have a list of strings as labels"),
        ("[]", "must be a JSON object, found list"),
        ("[" * 100_000, "must be a JSON object"),
        ("", "must be a JSON object"),
    ],
)
def test_labels_that_are_not_those_of_the_model_are_refused(folder: Path, text: str, message: str) -> None:
    (folder / "xner" / "cfg").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=rf"cfg {message}.*Copy the pipeline's folder again") as err:
        spacy.load(folder)
    assert "\n" not in str(err.value)


def test_a_missing_cfg_is_named(folder: Path) -> None:
    (folder / "xner" / "cfg").unlink()
    with pytest.raises(FileNotFoundError, match="must contain the file cfg, found no"):
        spacy.load(folder)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("model.encoder.pooling", "first", r"encoder\.pooling = 'mean' .* found 'first'"),
        ("model.encoder.prefix_space", "always", r"encoder\.prefix_space = 'text' .* found 'always'"),
        (
            "model.head.@architectures",
            "spacy_xner.PointerHead.v1",
            "head = 'SoftmaxHead' .* found 'PointerHead'",
        ),
    ],
)
def test_config_of_another_model_is_refused(folder: Path, setting: str, value: str, message: str) -> None:
    changes = {f"components.xner.{setting}": value}
    if setting.startswith("model.head"):
        changes = {"components.xner.model.head": {"@architectures": value}}
    with pytest.raises(ValueError, match=f"the config must have {message}"):
        spacy.load(folder, config=changes)


def test_heads_of_self_attention_are_recorded(tiny: Path, tmp_path: Path) -> None:
    # The shapes of its weights are the same for any number.
    train_nlp(tiny, neck="SelfAttention", n_steps=1).to_disk(tmp_path)
    with pytest.raises(ValueError, match=r"neck\.n_heads = 1 .* found 4"):
        spacy.load(tmp_path, config={"components.xner.model.neck.n_heads": 4})


def strip_digests(folder: Path, **changes: object) -> None:
    """Make a manifest one that an older version wrote."""
    file = folder / "xner" / "model" / MANIFEST
    values = json.loads(file.read_text("utf-8")) | {"files": {}, "settings": {}} | changes
    del values["sha256"]
    file.write_text(json.dumps(values), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_hidden_layers", 100_000),
        ("hidden_size", 1_000_000),
        ("vocab_size", 10**9),
        ("max_position_embeddings", 10**9),
        ("intermediate_size", 10**9),
        ("type_vocab_size", 10**12),
    ],
)
def test_sizes_are_checked_before_anything_is_built(folder: Path, name: str, value: int) -> None:
    strip_digests(folder)
    file = folder / "xner" / "model" / "encoder.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {name: value}), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{name} in the configuration must fit the weights, found {value}"):
        spacy.load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": [str(i) for i in range(10_000)]}, "no more labels than there are weights, found 10000"),
        ({"width": 1 << 30}, "no more width than there are weights"),
        ({"encoder.overlap": 126}, "overlap must be less than capacity"),
        ({"encoder.unk_id": 61}, "ids of pieces must be below 61"),
    ],
)
def test_numbers_are_checked_before_anything_is_built(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    file = folder / "xner" / "model" / MANIFEST
    ((name, value),) = changes.items()
    if name.startswith("encoder."):
        encoder = json.loads(file.read_text("utf-8"))["encoder"]
        changes = {"encoder": encoder | {name.removeprefix("encoder."): value}}
    strip_digests(folder, **changes)
    with pytest.raises(ValueError, match=message):
        spacy.load(folder)


def test_bytes_of_an_older_format_load() -> None:
    nlp, model = spacy.load(SAVED / "format2"), SAVED / "format2" / "xner" / "model"
    texts = {name: (model / name).read_text("utf-8") for name in (MANIFEST, "config.json", "tokenizer.json")}
    parts = {"texts": texts, "state": (model / "model.safetensors").read_bytes(), "graph": b""}
    shim = get_shim(nlp.get_pipe("xner").model)
    shim.from_bytes(srsly.msgpack_dumps(parts))
    for text, rows in json.loads((SAVED / "format1.json").read_text("utf-8")).items():
        assert [[e.start_char, e.end_char, e.label_] for e in nlp(text).ents] == [row[:3] for row in rows]
    with pytest.raises(ValueError, match="they have changed since they were made"):
        shim.from_bytes(srsly.msgpack_dumps(parts | {"state": parts["state"] + b" "}))


def test_changed_bytes_are_refused(trained: Language) -> None:
    data = pack(get_shim(trained.get_pipe("xner").model)._dump())
    place = len(data) // 2
    for damaged in (
        data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :],
        data[:-9],
        b"",
        b"\xff" * 99,
    ):
        with pytest.raises(ValueError, match="The bytes must be those of one saved model") as err:
            unpack(damaged)
        assert "\n" not in str(err.value)
    assert set(unpack(data).manifest.files) == {"encoder.json", "tokenizer.json", "weights.safetensors"}


def test_weights_are_replaced_whole(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights mapped into memory from the file that is written over stay as they are."""
    nlp = spacy.load(folder)
    expected = entities_of(nlp(SLIPS[0][0]))
    (folder / "xner" / "model" / "encoder.onnx").write_bytes(b"of an earlier model")
    nlp.to_disk(folder)
    assert entities_of(nlp(SLIPS[0][0])) == entities_of(spacy.load(folder)(SLIPS[0][0])) == expected
    model = folder / "xner" / "model"
    assert not (model / "encoder.onnx").exists()
    before = {file.name: file.read_bytes() for file in model.iterdir()}
    monkeypatch.setattr("spacy_xner.models.files.digest_file", lambda file: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        nlp.to_disk(folder)
    assert {file.name: file.read_bytes() for file in model.iterdir()} == before


def test_pipeline_that_does_not_load_is_one_line(folder: Path) -> None:
    config = (folder / "config.cfg").read_text("utf-8")
    for text in (config.replace("threshold = 0.0", "threshold = x"), config[:500], "", "[nlp"):
        (folder / "config.cfg").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match="A pipeline must load as it was saved, but ") as err:
            load_pipeline(str(folder))
        assert "\n" not in str(err.value)


def test_package_that_loads_no_pipeline_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xx_cut_short").mkdir()
    (tmp_path / "xx_cut_short" / "__init__.py").write_text("def load(**overrides): ...", encoding="utf-8")
    metadata = tmp_path / "xx_cut_short-1.0.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: xx_cut_short\nVersion: 1.0.0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=r"^A pipeline must load .*: its load\(\) returns None\. Check .*\Z"):
        load_pipeline("xx_cut_short")


def test_verify_files_skips_missing_files(tmp_path: Path) -> None:
    verify_files(tmp_path, {"encoder.onnx": FileDigest(3, "abc")})
