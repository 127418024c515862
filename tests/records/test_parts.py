"""Addresses in parts: from the entities of a pipeline, or from a span group beside them."""

from typing import Any

import pytest
from spacy.language import Language
from spacy.tokens import Span

from spacy_xner.pipeline.entities import store_scores
from spacy_xner.types import Entity

from .conftest import make_doc, make_nlp

FIELDS = {
    **{"prov": "province", "city": "city", "district": "district", "road": "road", "roadno": "house_number"},
    **{"poi": "poi", "cellno": "unit", "roomno": "room", "assist": "near", "redundant": None},
}
FULL = (
    "{prov:云山省}{city:海滨市}{district:青松区}{road:望湖路}{roadno:12号}{poi:松风苑}{cellno:2单元}"
    "{roomno:501}"
)
OTHER = "{prov:云山省}{city:石桥市}{road:学府街}{roadno:7号}"


@pytest.fixture(scope="module")
def nlp() -> Language:
    """A pipeline that has a field for each part."""
    return make_nlp(fields=FIELDS, spans_key="parts")


def read_records(nlp: Language, marked: str) -> list[dict[str, list[str]]]:
    """Return the normalized values of each record by field."""
    return [
        {field: [value["value"] for value in values] for field, values in record.items() if field != "role"}
        for record in nlp(make_doc(nlp, marked))._.records
    ]


ADDRESSES: list[tuple[str, list[str]]] = [
    (FULL, ["云山省海滨市青松区望湖路12号松风苑2单元501"]),
    # Two of a kind.
    ("{road:望湖路}{assist:与}{road:学府街}{assist:交叉口}", ["望湖路与学府街交叉口"]),
    ("{city:海滨市}，{district:青松区}（{poi:松风苑}）", ["海滨市，青松区（松风苑）"]),
    ("{city:海滨市}\n{road:望湖路} {roadno:12号}", ["海滨市望湖路 12号"]),
    # What is left out may stand between parts, and not at the ends.
    (
        "{redundant:-}{prov:云山省}{redundant:-}{city:海滨市}{redundant:云山省海滨市}{road:望湖路}{redundant:电联}",
        ["云山省-海滨市云山省海滨市望湖路"],
    ),
    (f"{FULL}、{OTHER}", ["云山省海滨市青松区望湖路12号松风苑2单元501", "云山省石桥市学府街7号"]),
    ("{prov:云山省}，{prov:云山省}，{city:海滨市}", ["云山省，云山省，海滨市"]),
    ("{road:望湖路}{poi:松风苑}{road:学府街}", ["望湖路松风苑学府街"]),
    ("{A:海滨市} {road:望湖路}", ["海滨市"]),
]


@pytest.mark.parametrize(("marked", "addresses"), ADDRESSES)
def test_parts_make_an_address(nlp: Language, marked: str, addresses: list[str]) -> None:
    assert [record["address"] for record in read_records(nlp, marked)] == [addresses]


def test_an_address_of_parts_has_their_place_and_the_least_score(nlp: Language) -> None:
    doc = make_doc(nlp, "收：{city:海滨市}{road:望湖路}")
    (address,) = nlp(doc)._.records[0]["address"]
    assert address == {
        **{"text": "海滨市望湖路", "start": 2, "end": 8, "value": "海滨市望湖路"},
        **{"label": None, "score": None, "source": "parts"},
    }
    scores = [0.75, 0.5]
    ents = [
        Entity(ent.start, ent.end, ent.label_, score) for ent, score in zip(doc.ents, scores, strict=True)
    ]
    store_scores(ents, doc.ents)
    assert nlp(doc)._.records[0]["address"][0]["score"] == 0.5


def test_parts_keep_their_order_beside_name_and_telephone(nlp: Language) -> None:
    first, second = read_records(
        nlp, f"{{N:李娜}} {{P:13900139000}} {FULL}\n{{N:张伟}}，{{P:13800138000}}，{OTHER}"
    )
    assert first == {
        **{"name": ["李娜"], "phone": ["+8613900139000"]},
        **{
            "address": ["云山省海滨市青松区望湖路12号松风苑2单元501"],
            "province": ["云山省"],
            "city": ["海滨市"],
        },
        **{"district": ["青松区"], "road": ["望湖路"], "house_number": ["12号"], "poi": ["松风苑"]},
        **{"unit": ["2单元"], "room": ["501"]},
    }
    assert (second["name"], second["phone"], second["city"]) == (["张伟"], ["+8613800138000"], ["石桥市"])
    assert [*first] == [field for field in nlp.get_pipe("xrecord")._places if field in first]


def test_no_address_is_made_if_the_field_is_left_out() -> None:
    nlp = make_nlp(fields={**FIELDS, "ADDRESS": None})
    assert read_records(nlp, "{city:海滨市}") == [{"city": ["海滨市"]}]


def test_only_what_is_left_out_is_no_record(nlp: Language) -> None:
    assert read_records(nlp, "{redundant:电联}") == []


def test_parts_are_read_from_a_span_group(nlp: Language) -> None:
    doc = make_doc(nlp, "{A:云山省海滨市望湖路}{N:李娜} 寄 {A:石桥市}")
    ents = doc.ents
    doc.spans["parts"] = [
        *(Span(doc, *place) for place in [(0, 3, "prov"), (3, 6, "city"), (6, 9, "road"), (12, 15, "city")]),
        # Entities of the pipeline are in the group as well.
        *ents,
    ]
    doc.spans["other"] = [Span(doc, 6, 9, "poi")]
    (record,) = nlp(doc)._.records
    found: dict[str, Any] = {
        field: [value["text"] for value in values] for field, values in record.items() if field != "role"
    }
    assert found == {
        **{"name": ["李娜"], "address": ["云山省海滨市望湖路", "石桥市"]},
        **{"province": ["云山省"], "city": ["海滨市", "石桥市"], "road": ["望湖路"]},
    }
    assert doc.ents == ents
