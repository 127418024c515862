"""Names of tags: transformers' own functions group pieces by them as the head does."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import TokenClassificationPipeline

from spacy_xner.nn.heads.checkpoint import CheckpointHead, group_units
from spacy_xner.nn.heads.crf import CRFHead
from spacy_xner.nn.heads.softmax import SoftmaxHead
from spacy_xner.publishing.tags import name_tags, number_labels, read_tag
from spacy_xner.schemes import TagScheme

# Labels that look like tags, or like markup.
HOSTILE = ["B-PER", "I-", "S", "a-b", "<script>", "名字", "👍🏽", "-", "I-O", "B", 'x"|y', "\u202eabc"]
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LABELS = st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=4, unique=True)


class _Words(TokenClassificationPipeline):
    """The grouping of transformers, without a model."""

    class tokenizer:
        convert_tokens_to_string = "".join

    def __init__(self) -> None:
        pass


def group(names: list[str]) -> list[tuple[int, int, str]]:
    """Group tags as transformers does."""
    rows: list[dict[str, Any]] = [
        {"entity": name, "score": 1.0, "word": "", "start": i, "end": i + 1} for i, name in enumerate(names)
    ]
    found = _Words().group_entities(rows) if rows else []
    return [(x["start"], x["end"], x["entity_group"]) for x in found if x["entity_group"] != "O"]


@pytest.mark.parametrize("head", [SoftmaxHead, CRFHead])
@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
@SLOW
@given(labels=LABELS, data=st.data())
def test_transformers_groups_legal_tags_as_entities(
    head: Any, scheme: str, labels: list[str], data: st.DataObject
) -> None:
    made = head(4, labels, scheme=scheme)
    names = dict(zip(made.tags.names, name_tags(made), strict=True))
    cuts = sorted(data.draw(st.sets(st.integers(0, 12), max_size=6)))
    spans = [(a, b, data.draw(st.sampled_from(labels))) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    tags = made.tags.names
    path = ["O"] * 12
    for start, end, label in spans:
        first, inside, last, single = (tags[i] for i in made.tags._tags_of[label])
        path[start:end] = [single] if end - start == 1 else [first, *[inside] * (end - start - 2), last]
    assert group([names[tag] for tag in path]) == spans


@pytest.mark.parametrize(
    "tags",
    [
        ["O", "B-PER", "I-PER"],
        ["PER", "LOC", "O"],
        ["I-LOC", "O", "B-LOC"],
        ["O", "B-PER", "M-PER", "E-PER", "S-PER"],
        ["O", "PER-B", "PER-I"],
        ["O", "U-PER", "B-PER", "I-PER", "L-PER"],
        ["O", "fac-airport", "fac-other"],
    ],
)
@SLOW
@given(data=st.data())
def test_transformers_groups_tags_of_any_scheme_as_the_head_does(
    tags: list[str], data: st.DataObject
) -> None:
    """For all sequences where an end is followed by no more of its entity, and a single one by no inside."""
    head = CheckpointHead(4, tags)
    names = dict(zip(tags, name_tags(head), strict=True))
    path = data.draw(st.lists(st.sampled_from(tags), max_size=8))
    units = [(*head.roles[tags.index(tag)], 1.0) for tag in path]
    roles = [head.roles[tags.index(tag)] for tag in path]
    closed = any(
        a.role in ("E", "S") and b.role in ("I", "E") and a.label == b.label for a, b in pairwise(roles)
    )
    if not closed:
        assert group([names[tag] for tag in path]) == [ent[:3] for ent in group_units(units)]


def test_names_that_transformers_understands_are_kept() -> None:
    for tags in (["O", "B-PER", "I-PER"], ["PER", "O"], list(TagScheme("IOB1").tag_names(["A-B", "C"]))):
        assert name_tags(CheckpointHead(4, tags)) == tags
    bioes = name_tags(SoftmaxHead(4, ["PER"], scheme="BIOES"))
    assert sorted(set(bioes)) == ["B-PER", "I-PER", "O"]
    assert number_labels(bioes) == {name: bioes.index(name) for name in bioes}


def test_outside_tags_are_called_as_transformers_ignores_them() -> None:
    head = CheckpointHead(4, ["O", "B-PER"])
    assert name_tags(head)[0] == "O"
    assert read_tag("B-PER") == ("B", "PER")
    assert read_tag("a-b") == ("I", "")
    assert torch.equal(head.output.bias, torch.zeros(2))
