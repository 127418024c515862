from itertools import combinations

import pytest

from spacy_xner.corpus.duplicates import fold_text, group_duplicates

LONG = "Please send the parcel of Anna Schmidt to the station at number 12"


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Call 010-12345678", "call  010-87654321"),
        ("收件人：李娜，１２号楼", "收件人:李娜,7号楼"),
        ("STRASSE", "straße"),
        ("रमेश 42", "रमेश ४३"),
    ],
)
def test_folding_ignores_width_case_space_and_numbers(text, other):
    assert fold_text(text) == fold_text(other)
    assert group_duplicates([text, other]) == [0, 0]


def test_groups_are_numbered_in_order():
    texts = ["寄给李娜", LONG, "a", LONG.replace("12", "7"), "寄给李娜", "", "a", "  "]
    assert group_duplicates(texts) == [0, 1, 2, 1, 0, 3, 2, 3]


def test_few_changed_letters_are_near_and_other_words_are_not():
    near, far = LONG.replace("Anna", "Anne"), LONG.replace("parcel of Anna Schmidt", "letters for Bo Miller")
    assert group_duplicates([LONG, far, near]) == [0, 1, 0]


def test_chain_of_near_duplicates_is_one_group():
    texts = [LONG, LONG.replace("Schmidt", "Sanders"), LONG.replace("Schmidt", "Sanders") + " or door two"]
    assert len({*group_duplicates([texts[0], texts[2]])}) == 2
    assert group_duplicates(texts) == [0, 0, 0]


def test_pairs_are_those_of_a_comparison_of_all():
    words = "bicycle gateway monsoon passport quarry zephyr judging eleven".split()
    texts = [" ".join(chosen) for chosen in combinations(words, 4)]
    texts += [f"{text}!" for text in texts[::7]]
    groups = group_duplicates(texts)
    pairs = [*combinations(range(len(texts)), 2)]
    linked = {(i, j) for i, j in pairs if jaccard(texts[i], texts[j]) >= 0.7}
    assert linked == {(7 * i, 70 + i) for i in range(10)}
    assert {(i, j) for i, j in pairs if groups[i] == groups[j]} == linked


def jaccard(text, other):
    first, second = (
        {f"<{text}>"[i : i + n] for n in (2, 3) for i in range(len(text) + 3 - n)} for text in (text, other)
    )
    return len(first & second) / len(first | second)


def test_empty_list_has_no_groups():
    assert group_duplicates([]) == []
