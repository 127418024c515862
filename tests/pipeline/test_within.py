"""Setting `within`: a second `xner` that predicts inside the entities of the first."""

from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from ..conftest import SLIPS, make_nlp, train_nlp

TEXT, ADDRESS = SLIPS[0][0], "北京市海淀区"
PARTS = [(ADDRESS, [("北京市", "city"), ("海淀区", "district")])]
FIELDS = {"LOC": "address", "city": "city", "district": "district"}


def list_parts(doc: Doc) -> list[tuple[str, str]]:
    return [(span.text, span.label_) for span in doc.spans["parts"]]


@pytest.fixture(scope="module")
def addresses(tiny: Path) -> Language:
    """A pipeline that finds the parts of addresses, and makes records of them."""
    nlp = train_nlp(tiny, slips=PARTS, n_steps=25, spans_key="parts")
    nlp.add_pipe("xrecord", config={"fields": FIELDS, "spans_key": "parts"})
    return nlp


@pytest.fixture(scope="module")
def both(trained: Language, addresses: Language, tmp_path_factory: pytest.TempPathFactory) -> Language:
    """A pipeline for slips with the components of `addresses`, saved and loaded."""
    folders = [tmp_path_factory.mktemp(name) for name in ("slips", "addresses", "both")]
    for nlp, folder in zip((trained, addresses), folders, strict=False):
        nlp.to_disk(folder)
    nlp, source = map(spacy.load, folders[:2])
    nlp.add_pipe("xner", name="parts", source=source).within = ["LOC"]
    nlp.add_pipe("xrecord", source=source)
    # Cue words are found with the vocabulary of the other pipeline.
    assert nlp("收件人 李娜") is not None
    nlp.to_disk(folders[2])
    return spacy.load(folders[2])


def test_parts_are_found_inside_entities_alone(
    both: Language, trained: Language, addresses: Language
) -> None:
    doc, alone = both(TEXT), addresses(ADDRESS)
    assert list_parts(doc) == list_parts(alone) == PARTS[0][1]
    assert [(ent.text, ent.label_) for ent in doc.ents] == SLIPS[0][1]
    assert [span._.xner_score for span in doc.spans["parts"]] == pytest.approx(
        alone.spans["parts"].attrs["scores"]
    )
    docs = both.pipe(text for text, _ in SLIPS)
    assert [list_parts(doc) for doc in docs] == [PARTS[0][1], [], [], []]


def test_threshold_of_a_doc_holds_inside_its_entities(both: Language) -> None:
    doc = both.make_doc(TEXT)
    doc.user_data["xner_threshold"] = 0.0
    assert list_parts(both(doc)) == PARTS[0][1]
    doc = both.get_pipe("xner")(both.make_doc(TEXT))
    doc.user_data["xner_threshold"] = 1.0
    assert list_parts(both.get_pipe("parts")(doc)) == []


def test_parts_never_replace_entities(both: Language) -> None:
    pipe = both.get_pipe("parts")
    pipe.overwrite = True
    assert [(ent.text, ent.label_) for ent in both(TEXT).ents] == SLIPS[0][1]
    pipe.overwrite = False


def test_records_have_the_parts(both: Language) -> None:
    (record,) = both(TEXT)._.records
    found = {field: values[0]["value"] for field, values in record.items() if field != "role"}
    assert found == {
        **{"name": "张伟", "phone": "+8613800138000", "address": ADDRESS},
        **{"city": "北京市", "district": "海淀区"},
    }


def test_within_must_be_labels(tiny: Path) -> None:
    message = r"^within must be a list of labels or null, found .* Change it\.$"
    with pytest.raises(ValueError, match=message):
        make_nlp(tiny, within="ADDRESS")
    pipe = make_nlp(tiny).get_pipe("xner")
    for within in (3, [1], {"ADDRESS"}):
        with pytest.raises(ValueError, match=message):
            pipe.within = within
    assert pipe.within is None
