"""The head of an adopted checkpoint: any tags, one piece at a time."""

import pytest
import torch

from spacy_xner.nn.heads.checkpoint import CheckpointHead, Role, group_units, read_roles
from spacy_xner.types import Entity, Gold

WIDTH = 6
TAGS = {
    "BIO": ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    "BIOES": ("B-PER", "I-PER", "E-PER", "S-PER", "O", "S-LOC", "B-LOC", "I-LOC", "E-LOC"),
    "BILOU": ("U-PER", "L-PER", "I-PER", "B-PER", "O", "U-LOC", "L-LOC", "I-LOC", "B-LOC"),
    "IOE": ("O", "I-PER", "E-PER", "I-LOC", "E-LOC"),
    "IO": ("PER", "LOC", "O"),
    "last letters": ("O", "PER-B", "PER-I", "LOC-B", "LOC-I"),
}
# Tags of PER at the pieces of an entity of one piece, and of one of three.
WRITTEN = {
    "BIO": ("B-PER", ["B-PER", "I-PER", "I-PER"]),
    "BIOES": ("S-PER", ["B-PER", "I-PER", "E-PER"]),
    "BILOU": ("U-PER", ["B-PER", "I-PER", "L-PER"]),
    # Where no tag begins or is an entity alone, one that continues does.
    "IOE": ("I-PER", ["I-PER", "I-PER", "E-PER"]),
    "IO": ("PER", ["PER", "PER", "PER"]),
    "last letters": ("PER-B", ["PER-B", "PER-I", "PER-I"]),
}


def make_head(kind: str) -> CheckpointHead:
    torch.manual_seed(1)
    return CheckpointHead(WIDTH, TAGS[kind])


def test_roles() -> None:
    assert read_roles(["O", "B-PER", "MISC", "M-X", "S-LOC"]) == [
        Role("", ""),
        Role("PER", "B"),
        Role("MISC", ""),
        Role("X", "M"),
        Role("LOC", "S"),
    ]
    assert [role.role for role in read_roles(["O", "U-X", "L-X", "X", "M-X", "B-X"])] == list(
        ("", "S", "E", "I", "I", "B")
    )


@pytest.mark.parametrize("kind", TAGS)
def test_labels_and_types(kind: str) -> None:
    head = make_head(kind)
    assert head.labels == TAGS[kind]
    assert head.types == ("PER", "LOC")
    assert head.width == WIDTH
    vectors = torch.randn(2, 3, WIDTH)
    assert torch.equal(head(vectors), head.output(vectors))
    assert not CheckpointHead.is_nested


@pytest.mark.parametrize("kind", TAGS)
def test_loss_is_the_cross_entropy_of_the_tags(kind: str) -> None:
    head = make_head(kind)
    scores = torch.randn(2, 6, len(head.labels), generator=torch.Generator().manual_seed(2))
    single, long = WRITTEN[kind]
    gold = [
        Gold([Entity(0, 1, "PER"), Entity(2, 5, "PER")], [True] * 6),
        Gold([Entity(1, 2, "PER")], [True, True, False, True]),
    ]
    tags = [[single, "O", *long, "O"], ["O", single, None, "O"]]
    expected = sum(
        torch.nn.functional.cross_entropy(scores[row, i], torch.tensor(head.labels.index(tag)))
        for row, names in enumerate(tags)
        for i, tag in enumerate(names)
        if tag is not None
    )
    mask = torch.arange(6) < torch.tensor([[6], [4]])
    torch.testing.assert_close(head.loss(scores, mask, gold), expected)
    half = scores.bfloat16()
    assert torch.equal(head.loss(half, mask, gold), head.loss(half.float(), mask, gold))
    # Where labels are open, their tags are as right as O, but only outside entities.
    head.loss(scores.requires_grad_(), mask, [text._replace(open=("LOC",)) for text in gold]).backward()
    for row, names in enumerate(tags):
        for i, tag in enumerate(names):
            right = [j for j, name in enumerate(head.labels) if name == "O" or "LOC" in name]
            right = right if tag == "O" else [head.labels.index(tag)] if tag else []
            # The gradient of -log(sum of right probabilities).
            probs = scores[row, i].detach().softmax(0)
            wanted = torch.zeros_like(probs)
            if right:
                wanted = probs.clone()
                wanted[right] -= probs[right] / probs[right].sum()
            torch.testing.assert_close(scores.grad[row, i], wanted)


def test_gold_of_unknown_labels_is_refused() -> None:
    head = make_head("BIO")
    gold = [Gold([Entity(0, 1, "ID")], [True])]
    with pytest.raises(ValueError, match=r"among the checkpoint's \(PER, LOC\), found 'ID'"):
        head.loss(torch.zeros(1, 1, 5), torch.ones(1, 1, dtype=torch.bool), gold)
    with pytest.raises(ValueError, match="init_from must not be set for an adopted checkpoint"):
        head.inherit(head)


def test_most_probable_tags_are_grouped() -> None:
    head = make_head("BIO")
    probs = torch.tensor(
        [
            [0.6, 0.1, 0.1, 0.1, 0.1],
            [0.1, 0.5, 0.2, 0.1, 0.1],
            [0.0, 0.1, 0.9, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.3, 0.7],
            [0.0, 0.8, 0.1, 0.1, 0.0],
        ]
    )
    units = head.decode_units(probs)
    assert [unit[:2] for unit in units] == [("", ""), ("PER", "B"), ("PER", "I"), ("LOC", "I"), ("PER", "B")]
    assert [unit[2] for unit in units] == pytest.approx([0.6, 0.5, 0.9, 0.7, 0.8])
    entities = group_units(units)
    assert [ent[:3] for ent in entities] == [(1, 3, "PER"), (3, 4, "LOC"), (4, 5, "PER")]
    assert [ent.score for ent in entities] == pytest.approx([0.7, 0.7, 0.8])
