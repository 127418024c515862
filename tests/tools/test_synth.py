"""Texts drawn from lists, Faker and phonenumbers: fixed by the seed, without overlap between parts."""

import random
import re
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

from spacy_xner.corpus import read_records
from spacy_xner.tools.synth import BUILT_IN, draw_part, mix, read_spec, rename, synthesize
from spacy_xner.tools.synth import draw as drawing
from spacy_xner.tools.synth.sources import draw_faker, draw_phone
from spacy_xner.tools.synth.spec import SHARED, LanguageSpec, split_spec
from spacy_xner.types import CharSpan, Record

from ..test_cli import invoke
from .conftest import SIZES, SLIPS, surfaces

CHINESE = LanguageSpec({}, "zh_CN", "CN", frozenset())


@pytest.fixture(scope="module")
def built_in() -> dict[str, list[Record]]:
    """Parts drawn from the built-in file."""
    return {part: list(draw_part(read_spec(BUILT_IN), part, 500, 0)) for part in ("train", "test")}


@pytest.mark.parametrize("part", SIZES)
def test_parts_are_sound(parts: dict[str, list[Record]], part: str) -> None:
    records = parts[part]
    assert len(set(records)) == SIZES[part]
    labels = {span.label for record in records for span in record.spans}
    assert labels == {"PER", "COURIER", "PHONE", "ADDRESS", "LOC", "ORG"}
    text = "".join(record.text for record in records)
    scripts = (
        "[一-鿿]",
        "[ぁ-ん]",
        "[а-я]",
        "[a-z]",
        "[ßäöü]",
        "[ñáéíó]",
        "[가-힣]",
        "[ء-ي]",
        "[ก-ฮ]",
        "[ạẩề]",
        "[şğı]",
        "[łęż]",
    )
    for pattern in scripts:
        assert re.search(pattern, text)
    assert all(record.text == record.text.strip() for record in records)
    for record in records:
        for start, end, _, _ in record.spans:
            assert record.text[start:end].strip() == record.text[start:end] != ""


def test_files_can_be_read_back(tmp_path: Path, parts: dict[str, list[Record]]) -> None:
    files = synthesize(tmp_path, SIZES, source=SLIPS, seed=7, format="jsonl")
    assert [file.name for file in files] == ["train.jsonl", "dev.jsonl", "test.jsonl"]
    for file in files:
        again = read_records(file)
        expected = parts[file.stem]
        assert [(a.text, a.spans) for a in again] == [(record.text, record.spans) for record in expected]


def test_another_seed_gives_others(project_spec: dict[str, Any], parts: dict[str, list[Record]]) -> None:
    assert list(draw_part(project_spec, "test", 200, 7)) == parts["test"]
    assert not set(draw_part(project_spec, "test", 200, 8)) == set(parts["test"])


@pytest.mark.parametrize("source", [SLIPS, BUILT_IN])
def test_lists_of_train_and_test_share_nothing(source: Path) -> None:
    spec = read_spec(source)
    train, test = split_spec(spec, "train"), split_spec(spec, "test")
    assert not set(train.mixed) & set(test.mixed)
    for code, language in train.languages.items():
        for name in set(language.lists) - {*SHARED, *language.shared, *spec["numbers"], "couriers", "shared"}:
            ours, theirs = language.lists[name], test.languages[code].lists[name]
            assert theirs, (code, name)
            assert not set(ours) & set(theirs), (code, name, set(ours) & set(theirs))


def test_people_and_streets_of_test_are_new(
    parts: dict[str, list[Record]], built_in: dict[str, list[Record]]
) -> None:
    for drawn in (parts, built_in):
        for label in ("PER", "ADDRESS", "PHONE"):
            assert not surfaces(drawn["train"], label) & surfaces(drawn["test"], label)


def test_every_built_in_language_is_drawn() -> None:
    spec = read_spec(BUILT_IN)
    assert len(spec["languages"]) == 12
    for code in spec["languages"]:
        records = list(draw_part(read_spec(BUILT_IN, [code]), "test", 30, 0))
        assert {"PER", "PHONE", "ADDRESS"} <= {span.label for record in records for span in record.spans}


def test_noise_changes_texts() -> None:
    spec = read_spec(BUILT_IN, ["zh_CN"])
    clean = {**spec, "noise": {"full_width": 0.0, "case": 0.0, "typo": 0.0, "missing": 0.0}}
    noisy = {**spec, "noise": {"full_width": 1.0, "case": 1.0, "typo": 1.0, "missing": 1.0}}
    drawn = [list(draw_part(each, "train", 200, 0)) for each in (clean, noisy)]
    assert [bool(re.search("[０-９]", "".join(record.text for record in records))) for records in drawn] == [
        False,
        True,
    ]
    # A record without its other fields is one entity.
    alone = [
        sum(r.spans[:1] == (CharSpan(0, len(r.text), s.label),) for r in rs for s in r.spans[:1])
        for rs in drawn
    ]
    assert alone[0] < alone[1]
    templates = {"收件人", "签收", "联系"}
    hits = [sum(word in record.text for record in records for word in templates) for records in drawn]
    assert hits[0] > hits[1]


@pytest.mark.parametrize("region", ["CN", "TW", "US", "GB", "DE", "FR", "ES", "IT", "JP", "KR", "RU", "BR"])
def test_phone_numbers_are_valid_in_their_country(region: str) -> None:
    language, rng = LanguageSpec({}, "", region, frozenset()), random.Random(0)
    kind = "fixed_line_or_mobile" if region == "US" else "mobile"
    drawn = {draw_phone(kind, language, rng) for _ in range(40)}
    assert len(drawn) > 30
    for text in drawn:
        assert phonenumbers.is_valid_number_for_region(phonenumbers.parse(text, region), region), text


def test_unknown_sources_are_refused() -> None:
    rng = random.Random(0)
    with pytest.raises(ValueError, match=r"Region 'CN' must have phone numbers of type 'pigeon', found none"):
        draw_phone("pigeon", CHINESE, rng)
    with pytest.raises(
        ValueError, match=r"Faker's locale zh_CN must have the method of \{faker.tribe\}, found none"
    ):
        draw_faker("tribe", CHINESE, "train", rng)
    with pytest.raises(ValueError, match=r"A locale must be one of Faker's, such as zh_CN, found 'tlh_QO'"):
        draw_faker("name", LanguageSpec({}, "tlh_QO", "", frozenset()), "train", rng)
    with pytest.raises(ValueError, match=r"Faker's country_code in zh_CN must give words for each part"):
        draw_faker("country_code", LanguageSpec({}, "zh_CN", "", frozenset()), "nowhere", rng)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("numbers: {}\n", r"bad.yml:1: the file must have the key languages, found numbers"),
        ("a: 1\nb: [", r"bad.yml:2 cannot be used"),
        ("languages: {}\nmixed: ['{PER:tlh}']\n", r"bad.yml:2: .* name a language, found \{PER:tlh\}"),
        ("languages:\n  zh: {name: [x]}\n", r"bad.yml:2: language zh must have a list templates, couriers, "),
        (
            "entities: {}\nlanguages:\n  zh:\n    times: 0\n    templates: [a]\n",
            "bad.yml:4: times of language zh must be 1 or more, found 0",
        ),
        ("languages: {}\nshared: x\n", "bad.yml:2: shared beside languages must be a list, found 'x'"),
        (
            "entities: {X: x}\nnumbers: {}\nlanguages: {zh: {x: [x], templates: [a]}}\nmixed: []\n",
            "bad.yml:3: the list x of language zh must have at least ten items, .* found 1; or be listed",
        ),
        (
            "entities: {X: x}\nlanguages:\n  zh:\n    x: ['{y}']\n    shared: [x, templates]\n    "
            "templates: [a]\n",
            r"bad.yml:4: slots of zh must name a list or a label, found \{y\}",
        ),
        (
            "entities: {X: x}\nnumbers: {}\nlanguages: {zh: {shared: [x, templates], x: ['{faker.y}'], "
            "templates: [a]}}\nmixed: []\n",
            r"language zh must have a locale and a region for \{faker.y\}",
        ),
    ],
)
def test_malformed_source_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    source = tmp_path / "bad.yml"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message) as caught:
        synthesize(tmp_path / "out", SIZES, source=source)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="must be a YAML file, found no"):
        read_spec(tmp_path / "none.yml")
    with pytest.raises(ValueError, match=r"languages must be among zh, en, .*, found tlh"):
        read_spec(SLIPS, ["tlh"])
    with pytest.raises(ValueError, match=r"format must be one of .*, found 'brat'"):
        synthesize(tmp_path, SIZES, source=SLIPS, format="brat")
    assert not list(tmp_path.iterdir())


def test_texts_that_run_out_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "draw_text", lambda spec, rng: [(str(rng.randint(1, 3)), None)])
    with pytest.raises(ValueError, match="must give 600 different texts for train, found 3"):
        synthesize(tmp_path, SIZES, source=SLIPS)
    assert not list(tmp_path.iterdir())


def test_labels_are_renamed_and_left_out() -> None:
    record = Record("Bo DHL", (CharSpan(0, 2, "PER"), CharSpan(3, 6, "COURIER")))
    assert [each.spans for each in rename([record], {"PER": "P"})] == [(CharSpan(0, 2, "P"),)]


def test_real_texts_are_mixed_in() -> None:
    drawn, real = [Record(str(i)) for i in range(30)], [Record(f"real {i}") for i in range(4)]
    mixed = mix(drawn, real, 0.25, 0)
    assert len(mixed) == 40
    assert set(drawn) <= set(mixed)
    assert sorted(mixed.count(record) for record in real) == [2, 2, 3, 3]
    assert mixed == mix(drawn, real, 0.25, 0) != mix(drawn, real, 0.25, 1)
    with pytest.raises(ValueError, match=r"real_share must be from 0 to 1, exclusive, found 1\."):
        mix(drawn, real, 1.0, 0)


def test_command(tmp_path: Path) -> None:
    real = tmp_path / "real.jsonl"
    real.write_text('{"text": "REAL", "label": [[0, 4, "P"]]}\n', encoding="utf-8")
    options = ("--train", "6", "--dev", "0", "--test", "3", "--languages", "zh_CN,de", "--format", "jsonl")
    mixing = ("--labels", "PER=P,PHONE", "--real", real, "--real-share", "0.25")
    code, out, err = invoke("synth", tmp_path / "out", *options, *mixing)
    assert code == 0, err
    assert out == ""
    assert err.splitlines()[-2:] == [f"Wrote {tmp_path}/out/{part}.jsonl" for part in ("train", "test")]
    train = list(read_records(tmp_path / "out" / "train.jsonl"))
    assert (len(train), sum(record.text == "REAL" for record in train)) == (8, 2)
    assert {span.label for record in train for span in record.spans} <= {"P", "PHONE"}
    code, _, err = invoke("synth", tmp_path / "out", "--languages", "tlh")
    assert (code, len(err.strip().splitlines())) == (1, 1)


def test_numbers_and_mixed_are_optional(tmp_path: Path) -> None:
    source = tmp_path / "plants.yml"
    source.write_text(
        "entities: {PLANT: plant}\nlanguages:\n  en:\n    shared: [plant, templates]\n    "
        "plant: [oak, fern]\n    templates: ['an {PLANT}', 'a {PLANT}']\n",
        encoding="utf-8",
    )
    (file,) = synthesize(tmp_path, {"train": 4}, source=source)
    assert {line.split()[-1] for line in file.read_text("utf-8").splitlines() if line.endswith("PLANT")} == {
        "B-PLANT"
    }


def test_templates_and_shared_lists_for_every_language(tmp_path: Path) -> None:
    source = tmp_path / "plants.yml"
    text = (
        "entities: {PLANT: plant}\nshared: [plant, word]\ntemplates: ['{word} {PLANT}']\nlanguages:\n"
        "  en: {times: 9, shared: [templates], plant: [oak], word: [an], templates: ['this {PLANT}']}\n"
        "  de: {shared: [templates], plant: [Moos], word: [das], templates: ['dies {PLANT}']}\n"
    )
    source.write_text(text, encoding="utf-8")
    (file,) = synthesize(tmp_path, {"train": 4}, source=source)
    texts = {" ".join(record.text.lower().split()) for record in read_records(file)}
    assert {"an oak", "this oak", "das moos", "dies moos"} >= texts
    assert len(texts) > 1
    spec = split_spec(read_spec(source), "train")
    rng = random.Random(0)
    words = [drawing.join_pieces(drawing.draw_text(spec, rng)).text.lower() for _ in range(200)]
    assert sum("oak" in text for text in words) > 160
    source.write_text(text.replace("{word} {PLANT}", "{moss}"), encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"plants.yml:3: slots of en must name a list or a label, found \{moss\}"
    ):
        read_spec(source)


def test_own_templates_of_a_language_are_half_of_its_texts(tmp_path: Path) -> None:
    source = tmp_path / "plants.yml"
    common = ", ".join(f"'common {i} {{PLANT}}'" for i in range(8))
    source.write_text(
        f"entities: {{PLANT: plant}}\nshared: [plant]\ntemplates: [{common}]\nlanguages:\n"
        "  en: {shared: [templates], plant: [oak], templates: ['own {PLANT}', 'own, too: {PLANT}']}\n",
        encoding="utf-8",
    )
    spec, rng = split_spec(read_spec(source), "train"), random.Random(0)
    texts = [drawing.join_pieces(drawing.draw_text(spec, rng)).text.lower() for _ in range(400)]
    assert sum(text.startswith("own") for text in texts) / 400 == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize(
    ("first", "text"), [("138 0013 8000", "138 0013 8000 405898 天河"), ("李娜", "李娜405898 天河")]
)
def test_a_number_right_behind_a_number_is_apart(first: str, text: str) -> None:
    record = drawing.join_pieces([(first, "PHONE"), ("405898 天河", "ADDRESS")])
    assert (record.text, [record.text[span.char_start : span.char_end] for span in record.spans or ()]) == (
        text,
        [first, "405898 天河"],
    )


def test_phones_are_masked_and_addresses_broken() -> None:
    rng = random.Random(0)
    assert {drawing.mask_digits("138 0013-8000", rng) for _ in range(20)} == {
        "138 ****-**00",
        "138 xxxx-xx00",
    }
    assert {drawing.break_line("5 Elm St", rng) for _ in range(20)} == {"5\nElm St", "5 Elm\nSt"}
    assert drawing.break_line("人民路5号", rng) == "人民路5号"
