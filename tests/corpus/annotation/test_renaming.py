"""Labels are renamed while a corpus is read."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.corpus import ReadOptions
from spacy_xner.corpus.annotation.renaming import rename_labels
from spacy_xner.errors import XnerWarning
from spacy_xner.types import CharSpan, Record

PERSON = Record("Bo Ek", (CharSpan(0, 5, "name"), CharSpan(0, 5, "person"), CharSpan(3, 5, "city")), "a:1")
REVIEW = Record("bad", None, "a:2", {"0": 1.0, "1": 0.0, "2": 0.0})
LABELS = st.sampled_from(["a", "B", "c"])


def rename(*records: Record, **options: object) -> list[Record]:
    return list(rename_labels(ReadOptions(**options), records))


def test_two_labels_may_become_one() -> None:
    (record,) = rename(PERSON, map={"name": "PER", "person": "PER"})
    assert record.spans == (CharSpan(0, 5, "PER"), CharSpan(3, 5, "city"))
    assert (record.text, record.source) == (PERSON.text, PERSON.source)


def test_a_text_has_a_label_if_one_that_became_it_applies() -> None:
    (record,) = rename(REVIEW, map={"0": "bad", "1": "good", "2": "bad"})
    assert (record.spans, record.cats) == (None, {"bad": 1.0, "good": 0.0})


def test_upper_case_comes_after_new_names() -> None:
    (record,) = rename(PERSON, map={"name": "person"}, upper=True)
    assert record.spans == (CharSpan(0, 5, "PERSON"), CharSpan(3, 5, "CITY"))


def test_a_label_that_never_occurs_is_warned_of() -> None:
    with pytest.warns(
        XnerWarning,
        match=r"--map must rename labels of the corpus \(city, name, person\), found no org, x\. Check",
    ):
        rename(PERSON, map={"org": "ORG", "name": "PER", "x": "Y"})


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(1, 4), LABELS)),
    st.dictionaries(LABELS, LABELS),
    st.booleans(),
)
def test_entities_keep_their_places(
    drawn: list[tuple[int, int, str]], names: dict[str, str], upper: bool
) -> None:
    spans = tuple(sorted({CharSpan(start, start + size, label) for start, size, label in drawn}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XnerWarning)
        (record,) = rename(Record("x" * 9, spans), map=names, upper=upper)
    new = {label: names.get(label, label) for label in "aBc"}
    expected = {(a, b, new[label].upper() if upper else new[label]) for a, b, label, _ in spans}
    assert [span[:3] for span in record.spans or ()] == sorted(expected)
