"""What is probably wrong in a text, from both versions of it."""

import pytest

from spacy_xner.tools.review.findings import Finding, Judgement, Marginal, find_errors
from spacy_xner.types import CharSpan, Record

TEXT = "Send to Anna Schmidt, DHL Express"
ANNA = CharSpan(8, 12, "PER", 0.01)
SCHMIDT = CharSpan(8, 20, "PER", 0.9)
DHL = CharSpan(22, 25, "COURIER", 0.2)


def judge(gold: list[CharSpan] | None, predicted: list[CharSpan], text: str = TEXT) -> Judgement:
    return Judgement(
        Record(text, None if gold is None else tuple(gold)),
        Record(text, None if gold is None else tuple(predicted)),
    )


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        ([], [SCHMIDT], Finding(0, "missed", None, SCHMIDT, pytest.approx(0.1), 0.9)),
        ([DHL], [], Finding(0, "spurious", DHL, None, 0.2, 0.8)),
        ([ANNA], [SCHMIDT], Finding(0, "wrong border", ANNA, SCHMIDT, 0.01, 0.9)),
        (
            [SCHMIDT._replace(label="LOC", score=0.05)],
            [SCHMIDT],
            Finding(0, "wrong label", SCHMIDT._replace(label="LOC", score=0.05), SCHMIDT, 0.05, 0.9),
        ),
    ],
    ids=["missed", "spurious", "border", "label"],
)
def test_kinds(gold: list[CharSpan], predicted: list[CharSpan], expected: Finding) -> None:
    assert find_errors([judge(gold, predicted)]) == [expected]


def test_versions_that_agree_are_no_findings() -> None:
    assert find_errors([judge([SCHMIDT._replace(score=0.2)], [SCHMIDT])]) == []


def test_texts_without_annotation_are_no_findings() -> None:
    assert find_errors([judge(None, [SCHMIDT])]) == []


def test_a_version_that_is_less_probable_is_no_finding() -> None:
    assert find_errors([judge([DHL._replace(score=0.6)], [])]) == []


def test_the_most_suspicious_are_first() -> None:
    spans = [SCHMIDT._replace(score=score) for score in (0.7, 0.99, 0.8)]
    found = find_errors([judge([], [span]) for span in spans])
    assert [finding.text for finding in found] == [1, 2, 0]


def test_an_entity_that_was_split_is_paired_with_its_larger_part() -> None:
    whole = CharSpan(8, 20, "PER", 0.01)
    parts = [CharSpan(8, 12, "PER", 0.9), CharSpan(13, 20, "PER", 0.8)]
    found = find_errors([judge([whole], parts)])
    assert {(each.kind, each.gold, each.predicted) for each in found} == {
        ("wrong border", whole, parts[1]),
        ("missed", None, parts[0]),
    }


def test_nested_entities_that_agree_are_not_paired() -> None:
    outer, inner = CharSpan(8, 20, "PER", 0.9), CharSpan(8, 12, "GIVEN", 0.8)
    (finding,) = find_errors([judge([outer], [outer, inner])])
    assert (finding.kind, finding.predicted) == ("missed", inner)


def test_labels_of_texts() -> None:
    gold = Record(TEXT, None, cats={"praise": 1.0, "complaint": 0.0})
    predicted = Record(TEXT, None, cats={"praise": 0.0, "complaint": 1.0})
    (finding,) = find_errors([Judgement(gold, predicted, {"praise": 0.1, "complaint": 0.7})])
    assert (finding.kind, finding.is_of_text) == ("wrong label", True)
    assert (finding.gold_score, finding.score) == (0.1, 0.7)
    assert finding.area == (0, len(TEXT))


def test_the_least_probable_token_of_the_gold_counts() -> None:
    """The model is sure that the gold is wrong there, though not of the border of its own entity."""
    doubtful = CharSpan(8, 20, "PER", 0.6)
    judgement = judge([], [doubtful])
    marginals = [Marginal(0, 4, 0.001), Marginal(8, 12, 0.3), Marginal(13, 20, 0.01), Marginal(20, 21, 0.002)]
    (finding,) = find_errors([judgement._replace(marginals=marginals)])
    assert (finding.gold_score, finding.score) == (0.01, 0.6)
    assert finding.suspicion > find_errors([judgement])[0].suspicion
