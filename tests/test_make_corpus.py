"""The project's corpus: the same from the same seed, and nothing of test in train."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import srsly

from spacy_xner.corpus import ReadCounts, ReadOptions
from spacy_xner.corpus.conll import read_conll

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "assets" / "slips.yml"
SIZES = {"train": 600, "dev": 150, "test": 200}


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_corpus", ROOT / "scripts" / "make_corpus.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_corpus"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def folder(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus")
    script.make_corpus(SOURCE, path, SIZES, 7)
    return path


@pytest.mark.parametrize("part", SIZES)
def test_parts_are_sound(folder: Path, part: str) -> None:
    counts = ReadCounts()
    records = list(read_conll(folder / f"{part}.conll", ReadOptions(), counts))
    assert len(records) == SIZES[part]
    assert sum(counts.repairs.values()) == 0
    labels = {span.label for record in records for span in record.spans}
    assert labels == {"PER", "COURIER", "PHONE", "ADDRESS", "LOC", "ORG"}
    text = "".join(record.text for record in records)
    for script in ("Han", "Hiragana", "Cyrillic", "Latin"):
        assert re.search(
            {"Han": "[一-鿿]", "Hiragana": "[ぁ-ん]", "Cyrillic": "[а-я]", "Latin": "[a-z]"}[script], text
        )
    assert re.search("[ßäöü]", text)
    assert re.search("[ñáéíó]", text)


def test_same_seed_gives_the_same_files(script: ModuleType, folder: Path, tmp_path: Path) -> None:
    script.make_corpus(SOURCE, tmp_path, SIZES, 7)
    for part in SIZES:
        assert (tmp_path / f"{part}.conll").read_bytes() == (folder / f"{part}.conll").read_bytes()
    script.make_corpus(SOURCE, tmp_path, SIZES, 8)
    assert (tmp_path / "test.conll").read_bytes() != (folder / "test.conll").read_bytes()


def test_lists_of_train_and_test_share_nothing(script: ModuleType) -> None:
    spec = srsly.read_yaml(SOURCE)
    train, test = script.split_spec(spec, "train"), script.split_spec(spec, "test")
    assert not set(train.mixed) & set(test.mixed)
    for code, lists in spec["languages"].items():
        for name in set(lists) - script.SHARED - {"couriers"}:
            ours, theirs = train.languages[code][name], test.languages[code][name]
            assert theirs, (code, name)
            assert not set(ours) & set(theirs), (code, name, set(ours) & set(theirs))


def test_people_of_test_are_new(folder: Path) -> None:
    people = {}
    for part in ("train", "test"):
        records = read_conll(folder / f"{part}.conll", ReadOptions(), ReadCounts())
        people[part] = {
            r.text[s.char_start : s.char_end].lower() for r in records for s in r.spans if s.label == "PER"
        }
    assert not people["train"] & people["test"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("numbers: {}\nlanguages: {}\n", "found no mixed"),
        ("a: [", "cannot be used"),
        ("numbers: {}\nlanguages: {}\nmixed: ['{PER:tlh}']\n", r"must name a language, found \{PER:tlh\}"),
        ("numbers: {}\nlanguages: {zh: {name: [x]}}\nmixed: []\n", "language zh must have a list templates"),
    ],
)
def test_malformed_source_is_one_clear_line(
    script: ModuleType, tmp_path: Path, text: str, message: str
) -> None:
    source = tmp_path / "bad.yml"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        script.make_corpus(source, tmp_path / "out", SIZES, 7)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    with pytest.raises(FileNotFoundError, match="must be a YAML file, found no"):
        script.make_corpus(tmp_path / "none.yml", tmp_path / "out", SIZES, 7)


def test_texts_that_run_out_are_an_error(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "draw_slip", lambda part, rng: [(str(rng.randint(1, 3)), None)])
    with pytest.raises(ValueError, match="must give 600 different texts for train, found 3"):
        script.make_corpus(SOURCE, tmp_path, SIZES, 7)
    assert not list(tmp_path.iterdir())


def test_unseen_texts_hold_no_names_of_the_lists() -> None:
    text = (ROOT / "assets" / "unseen.txt").read_text("utf-8")
    assert len(text.splitlines()) == 10
    for lists in srsly.read_yaml(SOURCE)["languages"].values():
        for name in (*lists["family"], *lists["given"], *lists["street"]):
            if len(name) > 2:
                assert not re.search(rf"\b{re.escape(name)}\b", text), name
