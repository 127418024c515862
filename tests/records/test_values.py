"""Normalized values: telephones against phonenumbers itself, couriers, and folded text."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from spacy.language import Language

from spacy_xner.records.phones import parse_phone
from spacy_xner.records.tables import Tables
from spacy_xner.records.values import fold

from .conftest import make_doc, make_nlp

Records = Callable[[str], list[dict[str, Any]]]
REGIONS = "CN US GB DE FR ES IT PT BR NL PL RU JP KR SA TH VN TR IN AU".split()


@pytest.mark.parametrize("region", REGIONS)
def test_telephones_equal_those_of_phonenumbers(region: str) -> None:
    kinds = [PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE]
    numbers = [phonenumbers.example_number_for_type(region, kind) for kind in kinds]
    for number in filter(None, numbers):
        expected = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for style in (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL):
            text = phonenumbers.format_number(number, style)
            assert parse_phone(text, [(region,)])[:3] == (expected, None, True), text


@pytest.mark.parametrize(
    ("text", "value", "extension"),
    [
        ("13800138000[7839]", "+8613800138000", "7839"),
        ("13800138000【7839】", "+8613800138000", "7839"),
        ("13800138000转7839", "+8613800138000", "7839"),
        ("13800138000 轉 7839", "+8613800138000", "7839"),
        ("13800138000-7839", "+8613800138000", "7839"),
        ("0755-26710000-802", "+8675526710000", "802"),
        ("0371-5550 1472-8006", "+8637155501472", "8006"),
        ("(0755)26710000 分机号：802", "+8675526710000", "802"),
        ("86 13800138000", "+8613800138000", None),
        ("０１３８００１３８０００", "+8613800138000", None),
        ("400-812-3456", "+864008123456", None),
        ("+1 415 555 2671 x12", "+14155552671", "12"),
        ("+1 415 555 2671, ext. 12", "+14155552671", "12"),
        ("+1 415-555-2671 #12", "+14155552671", "12"),
        ("+7 495 123-45-67 доб. 123", "+74951234567", "123"),
        ("+81-3-6213-4567 内線12", "+81362134567", "12"),
        ("+82 2-312-3456 내선 12", "+8223123456", "12"),
    ],
)
def test_extensions_are_kept_beside_the_number(text: str, value: str, extension: str | None) -> None:
    assert parse_phone(text, [("CN",)])[:3] == (value, extension, True)


@pytest.mark.parametrize("text", ["138****0000", "138＊＊＊＊0000", "138xxxx0000", "1380013••••"])
def test_masked_telephones_are_kept_and_not_normalized(records: Records, text: str) -> None:
    (phone,) = records(f"{{P:{text}}} 上海")[0]["phone"]
    assert (phone["text"], phone["value"], phone["is_valid"]) == (text, None, False)


def test_telephones_that_are_none_have_no_value() -> None:
    assert parse_phone("12345", [("CN",)]) == (None, None, False, None)
    assert parse_phone("041 234 5678", []) == (None, None, False, None)
    # Of a possible length, but of no such kind.
    assert parse_phone("10000000000", [("CN",)])[1:] == (None, False, None)


@pytest.mark.parametrize(
    ("marked", "value"),
    [
        # By the address, whatever the text is written in.
        ("收件人 {N:Anna}，电话 {P:0176 40218833}，{A:Kastanienallee 77, 10435 Berlin}", "+4917640218833"),
        ("请寄到 {A:5 High St, Sydney}，{P:0412 345 678}", "+61412345678"),
        ("{P:0912-345-678} {A:台北市信義路五段7號}", "+886912345678"),
        ("{A:12 Lê Lợi, Quận 1} {P:0901234567}", "+84901234567"),
        # By the address of the same person.
        ("{N:Ana} {P:612 345 678} {A:Calle Mayor 5}\n{N:Bo} {P:020 7946 0958} {A:London}", "+34612345678"),
        # By the text.
        ("Empfänger {N:Max}, {P:0171 2345678}", "+491712345678"),
        ("收件人 {N:Oliver Featherstone}，电话 {P:18620344185}", "+8618620344185"),
        ("お届け先 {P:090-6612-3048}", "+819066123048"),
        ("رقم الهاتف {P:0501234567}", "+966501234567"),
        ("{N:Иван} {P:8 916 203-44-18}", "+79162034418"),
        # A Chinese mobile number is one, even where it could be another country's.
        ("收件人 {N:Bo}，{A:5 Main Street}，{P:18622344185}", "+8618622344185"),
        ("{N:五十嵐 颯真}殿、{P:(06) 6555-0144}", "+81665550144"),
        ("ask {N:Bo} at {P:(212) 555-0123}", "+12125550123"),
        # In Great Britain and in India.
        ("ask {N:Bo} at {P:020 7946 0958}", None),
        # Nothing says where it is from.
        ("{N:Bo} {P:041 234 5678}", None),
    ],
)
def test_country_follows_from_the_address_or_the_text(
    records: Records, marked: str, value: str | None
) -> None:
    assert records(marked)[0]["phone"][0]["value"] == value


def test_country_can_be_set() -> None:
    nlp = make_nlp(region="DE")
    (record,) = nlp(make_doc(nlp, "{P:0171 2345678} 上海"))._.records
    assert record["phone"][0]["value"] == "+491712345678"
    with pytest.raises(
        ValueError, match="region of xrecord must be a country such as CN or DE, or null, found"
    ):
        make_nlp(region="XX")


def test_extension_right_behind_an_entity_is_its_own(records: Records) -> None:
    phones = [
        records(marked)[0]["phone"][0] for marked in ("{P:13800138000}[7839]", "{P:13800138000} x 2 件")
    ]
    assert [(phone["text"], phone["extension"]) for phone in phones] == [
        ("13800138000", "7839"),
        ("13800138000", None),
    ]


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        ("顺丰", "顺丰速运", "SF"),
        ("ＳＦ Express", "顺丰速运", "SF"),
        ("顺丰快递", "顺丰速运", "SF"),
        ("dhl Express", "DHL", "DHL"),
        ("DHL快递", "DHL", "DHL"),
        ("ﾔﾏﾄ運輸", "ヤマト運輸", "YAMATO"),
        ("대한통운 택배", "CJ대한통운", "CJ"),
        ("сдэк", "СДЭК", "CDEK"),
        ("某某快递", "某某快递", None),
        ("快递", "快递", None),
    ],
)
def test_couriers_have_one_name_and_code(records: Records, text: str, name: str, code: str | None) -> None:
    (courier,) = records(f"{{C:{text}}}")[0]["courier"]
    assert (courier["value"], courier["code"], courier["text"]) == (name, code, text)


def test_text_is_folded() -> None:
    assert fold("１２号Ａ座　３ｂ") == "12号A座 3b"
    assert fold("（东门）  Ann\n Lee") == "（东门） Ann Lee"
    assert fold("北京市\n海淀区") == "北京市海淀区"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("couriers", "SF: 顺丰\n", "mine.yml must have a list of names for each code, found 'SF'"),
        ("couriers", "- 顺丰\n", "mine.yml must have a list of names for each code"),
        ("couriers", "SF: [顺丰]\nSF2: [顺丰]\n", "must have each name once, found '顺丰' for SF and SF2"),
        ("couriers", "SF: [顺丰\n", "mine.yml must be YAML, found"),
        ("cues", "zh:\n  sender: [寄件人]\n", "mine.yml must have, by language and role, lists of words"),
        ("cues", "zh:\n  sender:\n    above: [寄件人]\n", "found an error: 'above' is no place"),
        ("cues", "zh:\n  sender:\n    before: 寄件人\n", "found an error: '寄件人' is no list"),
        (
            "divisions",
            "广东省: 深圳市\n",
            "mine.yml must have a list of cities for each province, found others",
        ),
        ("regions", "names: {CN: [China]}\n", "mine.yml must have names, patterns, scripts"),
        (
            "regions",
            "names: {}\npatterns: []\nscripts: [[Klingon, [CN]]]\nwords: []\n",
            "must have names, patterns, scripts",
        ),
    ],
)
def test_errors_in_tables_are_one_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(text, encoding="utf-8")
    # The built-in cues take the time of all else.
    (tmp_path / "cues.yml").write_text("en: {}\n", encoding="utf-8")
    tables = {"cues": str(tmp_path / "cues.yml"), name: str(path)}
    nlp = make_nlp(**tables, split_addresses=True)
    with pytest.raises(ValueError, match=message.replace("[", r"\[")) as caught:
        nlp(make_doc(nlp, "{C:顺丰} {P:13800138000} {A:深圳市}"))
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("Fix the file.")


def test_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"cues of xrecord must be a file, found no .*none\.yml\. Check"
    ):
        Tables({"cues": str(tmp_path / "none.yml")}).read("cues")


def test_without_phonenumbers_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(ImportError, match=r"Install it with: pip install spacy-xner\[records\]"):
        make_nlp()


@pytest.fixture(scope="module")
def splitting() -> Language:
    """A pipeline that splits addresses."""
    return make_nlp(split_addresses=True)


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("广东省深圳市南山区科技园1号", ["广东省", "深圳市", "南山区"]),
        ("广西桂林市雁山区雁山镇", ["广西壮族自治区", "桂林市", "雁山区"]),
        ("云南省 临沧市 耿马傣族佤族自治县鑫源路", ["云南省", "临沧市", "耿马傣族佤族自治县"]),
        ("云南省德宏傣族景颇族自治州盈江县平原镇", ["云南省", "德宏傣族景颇族自治州", "盈江县"]),
        ("北京市海淀区中关村大街1号", ["北京市", None, "海淀区"]),
        ("上海上海市徐汇区中山西路2525号", ["上海市", "上海市", "徐汇区"]),
        ("广东省梅州市梅县区大新城", ["广东省", "梅州市", "梅县区"]),
        ("广东深圳阳光小区3栋", ["广东省", "深圳市", None]),
        ("深圳市福田区", ["广东省", "深圳市", "福田区"]),
        ("中山路5号", [None, None, None]),
        ("5 Main Street", [None, None, None]),
    ],
)
def test_addresses_are_split_if_asked(splitting: Language, address: str, parts: list[str | None]) -> None:
    doc = splitting(make_doc(splitting, f"{{N:李娜}} {{A:{address}}}"))
    (record,) = doc._.records
    assert record["address"][0]["value"] == address
    fields = ("province", "city", "district")
    assert [record[field][0]["value"] if field in record else None for field in fields] == parts
    for value in (record[field][0] for field in fields if field in record):
        assert value["source"] == "table"
        assert doc.text[value["start"] : value["end"]] == value["text"]
        # What follows from the city has the place of the address.
        assert value["is_in_text"] == (value["text"] != address)


def test_addresses_are_split_only_if_asked(records: Records) -> None:
    assert list(records("{A:广东省深圳市南山区}")[0]) == ["role", "address"]


def test_parts_that_a_model_has_found_are_kept() -> None:
    nlp = make_nlp(split_addresses=True, fields={"A1": "province"})
    (record,) = nlp(make_doc(nlp, "{A1:广东}{A:深圳市南山区}"))._.records
    assert set(record) == {"role", "address", "province"}
    assert "source" not in record["province"][0]
