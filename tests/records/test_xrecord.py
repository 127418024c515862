"""The `xrecord` component: what records hold, where they are stored, and how it is saved."""

import json
import pickle
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_xner.pipeline.entities import store_scores
from spacy_xner.types import Entity

from .conftest import make_doc, make_nlp

SLIP = "收件人：{N:李娜} {P:13900139000转12} {A:北京市１号}，发{C:顺丰}"


def test_values_have_their_place_label_and_score(nlp: Language) -> None:
    doc = make_doc(nlp, SLIP)
    store_scores([Entity(4, 6, "PER", score=0.75)], [doc[4:6]])
    (record,) = nlp(doc)._.records
    assert list(record) == ["role", "name", "phone", "courier", "address"]
    place = {"text": "李娜", "start": 4, "end": 6, "label": "PER", "score": 0.75, "value": "李娜"}
    assert record["name"] == [place]
    (phone,) = record["phone"]
    assert phone == {
        **{"text": "13900139000转12", "start": 7, "end": 21, "label": "PHONE", "score": None},
        **{"value": "+8613900139000", "extension": "12", "is_valid": True, "region": "CN"},
    }
    assert (record["courier"][0]["value"], record["courier"][0]["code"]) == ("顺丰速运", "SF")
    assert record["address"][0]["value"] == "北京市1号"
    for field in ("name", "phone", "courier", "address"):
        for value in record[field]:
            assert doc.text[value["start"] : value["end"]] == value["text"]


def test_fields_are_never_invented(nlp: Language) -> None:
    assert nlp("收件人：李娜 13900139000 顺丰")._.records == []
    assert [list(record) for record in nlp(make_doc(nlp, "{A:北京市}"))._.records] == [["role", "address"]]
    # A label without a field.
    assert nlp(make_doc(nlp, "{LOC:北京市}"))._.records == []


def test_a_repeated_value_is_one(nlp: Language) -> None:
    doc = make_doc(nlp, "{N:李娜} {P:13900139000} {P:+86 139 0013 9000} {P:138****0000} 李娜 {N:李娜}收")
    (record,) = nlp(doc)._.records
    assert [value["value"] for value in record["phone"]] == ["+8613900139000", None]
    assert len(record["name"]) == 1


def test_labels_become_fields_by_config() -> None:
    parts = {"A1": "province", "A2": "city", "A4": "street"}
    nlp = make_nlp(fields={"WHO": "name", "T": "phone", "PER": None, **parts})
    slip = "{A1:云南省}{A2:临沧市}{A4:鑫源路}{WHO:许贞爱}{T:18510566685}"
    found = nlp(make_doc(nlp, f"{slip}\n{slip.replace('许贞爱', '卜丰')}\n{{N:某人}}"))._.records
    assert [list(record) for record in found] == [
        ["role", *"name phone province city street address".split()]
    ] * 2
    assert [record["name"][0]["value"] for record in found] == ["许贞爱", "卜丰"]
    assert [record["street"][0]["value"] for record in found] == ["鑫源路"] * 2


def test_docs_with_records_can_be_saved(nlp: Language) -> None:
    doc = nlp(make_doc(nlp, SLIP))
    plain = doc.to_json(underscore=["records"])
    expected = json.dumps(doc._.records)
    assert json.loads(json.dumps(plain))["_"]["records"] == doc._.records
    loaded = [
        Doc(nlp.vocab).from_json(plain),
        Doc(nlp.vocab).from_bytes(doc.to_bytes()),
        pickle.loads(pickle.dumps(doc)),
        next(iter(DocBin(docs=[doc], store_user_data=True).get_docs(nlp.vocab))),
    ]
    assert [json.dumps(each._.records) for each in loaded] == [expected] * 4
    assert next(iter(nlp.pipe([doc])))._.records == doc._.records


def test_records_are_there_without_a_pipeline() -> None:
    assert Doc(spacy.blank("xx").vocab, words=["a"])._.records == []


def test_pipeline_is_saved_with_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "couriers.yml"
    path.write_text("MINE: [我的快递, 顺丰]\n", encoding="utf-8")
    nlp = make_nlp(couriers=str(path), region="CN")
    nlp.to_disk(tmp_path / "nlp")
    path.unlink()
    doc = make_doc(nlp, "{C:顺丰} {P:13900139000}")
    for loaded in (
        spacy.load(tmp_path / "nlp"),
        make_nlp().from_bytes(nlp.to_bytes()),
        pickle.loads(pickle.dumps(nlp)),
    ):
        (record,) = loaded.get_pipe("xrecord")(doc)._.records
        assert (record["courier"][0]["code"], record["phone"][0]["region"]) == ("MINE", "CN")
    # A table can be edited in the folder of the pipeline.
    (tmp_path / "nlp" / "xrecord" / "couriers.yml").write_text("OTHER: [顺丰]\n", encoding="utf-8")
    (record,) = spacy.load(tmp_path / "nlp").get_pipe("xrecord")(doc)._.records
    assert record["courier"][0]["code"] == "OTHER"


def test_a_pipeline_in_use_can_be_pickled(nlp: Language) -> None:
    # As `nlp.pipe(n_process=2)` does where processes are not forked.
    expected = nlp(make_doc(nlp, SLIP))._.records
    other = pickle.loads(pickle.dumps(nlp))
    assert other(make_doc(other, SLIP))._.records == expected


def test_cues_can_be_edited(tmp_path: Path) -> None:
    path = tmp_path / "cues.yml"
    path.write_text("tlh:\n  warrior:\n    before: [SuvwI']\n", encoding="utf-8")
    nlp = make_nlp(cues=str(path))
    (record,) = nlp(make_doc(nlp, "suvwi': {N:Worf}"))._.records
    assert record["role"] == "warrior"


@pytest.mark.parametrize("field", ["role", "", 3])
def test_fields_must_be_names(field: object) -> None:
    with pytest.raises(ValueError, match="fields of xrecord must be names other than role, found"):
        make_nlp(fields={"PER": field})
