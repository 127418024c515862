"""Heads that score spans, against every outcome of small texts."""

from itertools import product

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from spacy_xner.errors import XnerWarning
from spacy_xner.nn.heads.global_pointer import GlobalPointerHead, band_products, within
from spacy_xner.nn.heads.pointer import PointerHead
from spacy_xner.types import DistillTarget, Entity, Gold, SoftTargets

from .conftest import LABELS, WIDTH, make_head

NESTED = [Gold([Entity(0, 4, "LOC"), Entity(0, 2, "PER"), Entity(1, 2, "LOC")], [True] * 4)]


def match(starts: tuple[int, ...], ends: tuple[int, ...]) -> set[tuple[int, int]]:
    """Match each start with the first end from it on, if no other start comes before."""
    spans = set()
    for start in np.flatnonzero(starts):
        stop = next((i for i in range(start, len(ends)) if ends[i]), None)
        if stop is not None and not any(starts[start + 1 : stop + 1]):
            spans.add((int(start), stop + 1))
    return spans


def outcomes(log_odds: torch.Tensor) -> dict[tuple[int, int], float]:
    """Find how probable each span of one label is. Log-odds of starts and ends: ``(tokens, 2)``."""
    yes = log_odds.sigmoid().tolist()
    chances: dict[tuple[int, int], float] = {}
    n = len(yes)
    for bits in product((0, 1), repeat=2 * n):
        starts, ends = bits[:n], bits[n:]
        chance = 1.0
        for i in range(n):
            for side, bit in ((0, starts[i]), (1, ends[i])):
                chance *= yes[i][side] if bit else 1.0 - yes[i][side]
        for span in match(starts, ends):
            chances[span] = chances.get(span, 0.0) + chance
    return chances


def test_pointer_scores_match_brute_force(vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head("pointer")
    nn.init.constant_(head.output.bias, 0.5)
    scores = head(vectors).detach()
    n_found = 0
    soft_targets = head.soft_targets(scores, mask)
    for row, entities in enumerate(head.decode(scores, mask)):
        n = int(mask[row].sum())
        for column, label in enumerate(LABELS):
            chances = outcomes(scores[row, :n, :, column])
            best = match(*(tuple(int(x > 0) for x in scores[row, :n, side, column]) for side in (0, 1)))
            scores_of = {(ent.start, ent.end): ent.score for ent in entities if ent.label == label}
            assert set(scores_of) == best
            for span, score in scores_of.items():
                assert score == pytest.approx(chances[span], rel=1e-4)
            spans = {(ent.start, ent.end): ent.score for ent in soft_targets[row].spans if ent.label == label}
            assert spans == pytest.approx({k: v for k, v in chances.items() if v >= 1e-3}, rel=1e-4)
            n_found += len(scores_of)
    assert n_found > 1


def test_pointer_loss_is_the_negative_log_likelihood() -> None:
    head = PointerHead(WIDTH, LABELS)
    scores = torch.randn(1, 4, 2, 2, generator=torch.Generator().manual_seed(3))
    gold = Gold([Entity(0, 4, "LOC"), Entity(1, 2, "PER")], [True, True, False, True])
    gold_decisions = {(0, 0, 0), (3, 1, 0), (1, 0, 1), (1, 1, 1)}
    expected = 0.0
    for token, side, column in product((0, 1, 3), (0, 1), (0, 1)):
        odds = scores[0, token, side, column]
        expected -= torch.log(
            torch.sigmoid(odds if (token, side, column) in gold_decisions else -odds)
        ).item()
    loss = head.loss(scores, torch.ones(1, 4, dtype=torch.bool), [gold])
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_pointer_loss_with_its_settings() -> None:
    scores = torch.randn(1, 4, 2, 2, generator=torch.Generator().manual_seed(3))
    head = PointerHead(WIDTH, LABELS, label_smoothing=0.2, focal_gamma=1.5)
    targets = torch.full((1, 4, 2, 2), 0.1)
    for token, side in ((1, 0), (2, 1)):
        targets[0, token, side, 1] = 0.9
    each = binary_cross_entropy_with_logits(scores, targets, reduction="none")
    expected = (each * (scores.sigmoid() - targets).abs() ** 1.5).sum()
    loss = head.loss(scores, torch.ones(1, 4, dtype=torch.bool), [Gold([Entity(1, 3, "PER")], [True] * 4)])
    torch.testing.assert_close(loss, expected)


def test_pointer_warns_of_what_it_cannot_learn(vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head("pointer")
    with pytest.warns(XnerWarning, match="1 gold entities of a batch overlap with others of their type"):
        head.loss(head(vectors[:1]), mask[:1], NESTED)


@pytest.mark.parametrize("kind", [PointerHead, GlobalPointerHead])
def test_even_odds_are_no_entities(kind: type[nn.Module]) -> None:
    head, mask = kind(WIDTH, ("PER",)), torch.ones(1, 1, dtype=torch.bool)
    scores = torch.zeros_like(head(torch.zeros(1, 1, WIDTH)))
    assert head.decode(scores, mask) == [[]]
    assert [ent[:3] for ent in head.decode(scores + 1e-4, mask)[0]] == [(0, 1, "PER")]


def test_pointers_start_without_entities() -> None:
    torch.manual_seed(0)
    head = PointerHead(64, LABELS)
    scores = head(torch.randn(2, 30, 64))
    assert head.decode(scores, torch.ones(2, 30, dtype=torch.bool)) == [[], []]
    assert 0.1 < scores.std() < 0.3


@pytest.mark.parametrize("efficient", [False, True])
def test_global_pointer_starts_without_entities(efficient: bool) -> None:
    torch.manual_seed(0)
    head = GlobalPointerHead(64, ("PER", "LOC"), efficient=efficient)
    scores = head(torch.randn(2, 30, 64))
    assert head.decode(scores, torch.ones(2, 30, dtype=torch.bool)) == [[], []]
    # Yet what the vectors say counts: spans differ.
    assert scores[:, :, :10].std() > 0.5


@pytest.mark.parametrize("kind", ["global-pointer", "global-pointer-efficient", "global-pointer-narrow"])
def test_global_pointer_scores_match_brute_force(
    kind: str, vectors: torch.Tensor, mask: torch.Tensor
) -> None:
    head = make_head(kind)
    scores = head(vectors).detach()
    size = head.head_width
    # Rotation of pairs of values by an angle for each, as complex numbers.
    speeds = torch.tensor([10_000.0 ** (-2 * i / size) for i in range(size // 2)])
    for row, start in product(range(2), range(4)):
        for stop in range(start, min(4, start + scores.shape[2])):
            for column in range(2):
                turned = []
                for token in (start, stop):
                    all_pairs = (head.project.weight @ vectors[row, token] + head.project.bias).view(
                        -1, 2, size
                    )
                    pair = all_pairs[0 if head.efficient else column]
                    turned.append(
                        (
                            pair,
                            torch.view_as_complex(pair.reshape(2, -1, 2))
                            * torch.polar(torch.ones(size // 2), token * speeds),
                        )
                    )
                (first, query), (last, key) = turned
                expected = (query[0] * key[1].conj()).real.sum() / size**0.5 + head.bias[column]
                if head.output is not None:
                    bias = [head.output.weight @ x.flatten() + head.output.bias for x in (first, last)]
                    expected = expected + (bias[0][column] + bias[1][2 + column]) / 2
                torch.testing.assert_close(
                    scores[row, start, stop - start, column], expected, rtol=1e-4, atol=1e-4
                )
    decoded = head.decode(scores, mask)
    for row, n in enumerate((4, 3)):
        expected_entities = {
            (start, start + width + 1, label): scores[row, start, width, column].sigmoid().item()
            for start, width, (column, label) in product(range(n), range(scores.shape[2]), enumerate(LABELS))
            if start + width < n and scores[row, start, width, column] > 0
        }
        assert {ent[:3]: ent.score for ent in decoded[row]} == pytest.approx(expected_entities)
    assert sum(map(len, decoded)) > 2


def test_global_pointer_loss_by_hand() -> None:
    head = GlobalPointerHead(WIDTH, LABELS, head_width=4)
    scores = torch.randn(1, 4, 4, 2, generator=torch.Generator().manual_seed(3))
    expected = 0.0
    for column, label in enumerate(LABELS):
        golds, others = [0.0], [0.0]
        for start in range(4):
            for end in range(start + 1, 5):
                value = scores[0, start, end - start - 1, column].item()
                is_gold = Entity(start, end, label) in NESTED[0].entities
                (golds if is_gold else others).append(-value if is_gold else value)
        expected += sum(torch.tensor(values).logsumexp(0).item() for values in (golds, others))
    loss = head.loss(scores, torch.ones(1, 4, dtype=torch.bool), NESTED)
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_global_pointer_warns_of_what_is_too_long(vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head("global-pointer-narrow")
    with pytest.warns(XnerWarning, match="1 gold entities of a batch are longer than max_width, 3 tokens"):
        head.loss(head(vectors[:1]), mask[:1], NESTED)


def test_nested_entities_can_be_learned(vectors: torch.Tensor) -> None:
    head, mask = make_head("global-pointer"), torch.ones(1, 4, dtype=torch.bool)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
    for _ in range(100):
        optimizer.zero_grad()
        head.loss(head(vectors[:1]), mask, NESTED).backward()
        optimizer.step()
    (entities,) = head.decode(head(vectors[:1]).detach(), mask)
    assert sorted(ent[:3] for ent in entities) == sorted(ent[:3] for ent in NESTED[0].entities)


@pytest.mark.parametrize(("n_tokens", "n_widths"), [(7, 3), (5, 5), (8, 2), (1, 1)])
def test_band_is_that_of_all_products(n_tokens: int, n_widths: int) -> None:
    query, key = torch.randn(2, 2, n_tokens, 3, 4).unbind()
    band = band_products(query, key, n_widths)
    products = torch.einsum("bnph,bmph->bnmp", query, key)
    for i, j in product(range(n_tokens), range(n_widths)):
        if i + j < n_tokens:
            torch.testing.assert_close(band[:, i, j], products[:, i, i + j])


def test_spans_within_a_mask() -> None:
    spans = within(torch.tensor([[True, True, False, True]]), 2)
    assert spans.tolist() == [[[True, True], [True, False], [False, False], [True, False]]]


@pytest.mark.parametrize("kind", ["pointer", "global-pointer"])
def test_gold_of_a_label_unknown_to_the_teacher_is_left_alone(
    kind: str, vectors: torch.Tensor, mask: torch.Tensor
) -> None:
    head = make_head(kind)
    with torch.no_grad():
        soft_targets = make_head(kind, seed=3).soft_targets(head(vectors), mask)
    partial = [
        DistillTarget(soft, [True] * len(soft.log_probs), [True] * len(soft.log_probs))
        for soft in soft_targets
    ]
    assert head.distill_loss(head(vectors), mask, partial, 2.0) == 0


def test_settings_of_the_global_pointer() -> None:
    with pytest.raises(ValueError, match=r"head_width must be even and at least 2, .* found 3 and 64"):
        GlobalPointerHead(WIDTH, LABELS, head_width=3)
    for settings in ({"head_width": 0}, {"max_width": 0}):
        with pytest.raises(ValueError, match="head_width must be even and at least 2, max_width at least 1"):
            GlobalPointerHead(WIDTH, LABELS, **settings)
    assert GlobalPointerHead(WIDTH, LABELS, head_width=2, max_width=1)(torch.ones(1, 2, WIDTH)).shape[2] == 1
    head = GlobalPointerHead(WIDTH, LABELS)
    assert (head.head_width, head.max_width, head.efficient) == (64, 64, False)


def bernoulli(teacher: float, student: torch.Tensor) -> float:
    """Compute the divergence of a yes or no from its log-odds."""
    p = torch.tensor(teacher).clamp(1e-6, 1.0 - 1e-6)
    pairs = ((p, student.sigmoid()), (1 - p, (-student).sigmoid()))
    return float(sum(a * (a / b).log() for a, b in pairs))


def taught_by(
    spans: list[Entity], taught: list[bool], partial: list[bool], weight: float = 0.0
) -> DistillTarget:
    """Make a target of a teacher that knows LOC and another label."""
    tags = ("O", "B-LOC", "I-LOC", "B-GONE", "I-GONE")
    return DistillTarget(SoftTargets(tags, np.zeros((len(taught), 5)), [], spans), taught, partial, weight)


SPANS = [
    Entity(0, 2, "LOC", 0.5),
    Entity(0, 3, "LOC", 0.75),
    Entity(3, 4, "LOC", 0.25),
    Entity(1, 2, "GONE", 0.5),
]
TAUGHT = [True, True, True, False, True]
PARTIAL = [False, False, False, False, True]


@pytest.mark.parametrize("weight", [0.0, 4.0])
def test_pointer_divergence_by_hand(weight: float) -> None:
    head, mask = PointerHead(WIDTH, LABELS), torch.ones(2, 5, dtype=torch.bool)
    scores = torch.randn(2, 5, 2, 2, generator=torch.Generator().manual_seed(3))
    targets = [None, taught_by(SPANS, TAUGHT, PARTIAL, weight)]
    # LOC alone, where the teacher teaches; two spans begin at 0, with 1.25 in all.
    starts, ends = [1.0, 0.0, 0.0], [0.0, 0.5, 0.75]
    expected = sum(
        (1 + weight * wanted[token]) * bernoulli(wanted[token], scores[1, token, side, 0])
        for token in range(3)
        for side, wanted in enumerate((starts, ends))
    )
    loss = head.distill_loss(scores, mask, targets, 2.0)
    assert loss.item() == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("weight", [0.0, 4.0])
@pytest.mark.parametrize("max_width", [2, 5])
def test_global_pointer_divergence_by_hand(max_width: int, weight: float) -> None:
    head = GlobalPointerHead(WIDTH, LABELS, head_width=4, max_width=max_width)
    mask = torch.ones(2, 5, dtype=torch.bool)
    scores = torch.randn(2, 5, max_width, 2, generator=torch.Generator().manual_seed(3))
    wanted = {span[:2]: span.score for span in SPANS if span.label == "LOC"}
    expected = sum(
        (1 + weight * p) * bernoulli(p, scores[1, start, n, 0])
        for start, n in product(range(3), range(max_width))
        if start + n < 3
        for p in [wanted.get((start, start + n + 1), 0.0)]
    )
    loss = head.distill_loss(scores, mask, [None, taught_by(SPANS, TAUGHT, PARTIAL, weight)], 2.0)
    assert loss.item() == pytest.approx(expected, rel=1e-3)


def test_spans_of_open_labels_count_where_they_touch_entities() -> None:
    mask = torch.ones(2, 4, dtype=torch.bool)
    gold = [
        Gold([Entity(1, 2, "PER"), Entity(2, 3, "LOC")], [True] * 4, ("LOC",)),
        Gold([Entity(0, 1, "PER")], [True, True, False], ("PER", "GONE")),
    ]
    generator = torch.Generator().manual_seed(3)
    pointer, scores = PointerHead(WIDTH, LABELS), torch.randn(2, 4, 2, 2, generator=generator)
    expected = 0.0
    for row, (entities, known, open_labels, _) in enumerate(gold):
        for (column, label), token, side in product(enumerate(LABELS), range(len(known)), range(2)):
            is_inside = any(ent.start <= token < ent.end for ent in entities)
            if not known[token] or (label in open_labels and not is_inside):
                continue
            ends = [(ent.start, ent.end - 1)[side] for ent in entities if ent.label == label]
            odds = scores[row, token, side, column]
            expected -= float(torch.nn.functional.logsigmoid(odds if token in ends else -odds))
    assert pointer.loss(scores, mask, gold).item() == pytest.approx(expected, rel=1e-4)

    head, scores = (
        GlobalPointerHead(WIDTH, LABELS, head_width=4),
        torch.randn(2, 4, 4, 2, generator=generator),
    )
    expected = 0.0
    for (row, (entities, known, open_labels, _)), (column, label) in product(
        enumerate(gold), enumerate(LABELS)
    ):
        golds, others = [0.0], [0.0]
        for start, end in product(range(4), range(1, 5)):
            if start >= end or not all((*known, False)[start:end]):
                continue
            touches = any(ent.start < end and start < ent.end for ent in entities)
            value = scores[row, start, end - start - 1, column].item()
            if Entity(start, end, label) in entities:
                golds.append(-value)
            elif label not in open_labels or touches:
                others.append(value)
        expected += sum(torch.tensor(values).logsumexp(0).item() for values in (golds, others))
    assert head.loss(scores, mask, gold).item() == pytest.approx(expected, rel=1e-4)


def test_global_pointer_teaches_its_probable_spans(vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head("global-pointer")
    nn.init.constant_(head.bias, -4.0)
    scores = head(vectors).detach()
    for row, soft in enumerate(head.soft_targets(scores, mask)):
        n = int(mask[row].sum())
        chances = {
            (start, start + width + 1, label): float(scores[row, start, width, column].sigmoid())
            for start, width, (column, label) in product(range(n), range(4), enumerate(LABELS))
            if start + width < n
        }
        assert {span[:3]: span.score for span in soft.spans} == pytest.approx(
            {span: chance for span, chance in chances.items() if chance >= 1e-3}
        )
        assert {ent[:3] for ent in soft.entities} == {
            span for span, chance in chances.items() if chance > 0.5
        }
        assert len(soft.log_probs) == n
        # Not all are probable enough.
        assert 0 < len(soft.entities) < len(soft.spans) < len(chances)


def test_global_pointers_of_another_kind_are_refused() -> None:
    full, efficient = make_head("global-pointer"), make_head("global-pointer-efficient")
    with pytest.raises(ValueError, match="must have a full global pointer head as this model"):
        full.inherit(efficient)
    with pytest.raises(ValueError, match="must have an efficient global pointer head as this model"):
        efficient.inherit(full)
    wider = GlobalPointerHead(WIDTH, LABELS, head_width=8)
    with pytest.raises(ValueError, match=f"{WIDTH} and a head_width of 8 as this model, found {WIDTH} and 4"):
        wider.inherit(full)


def test_starts_and_ends_of_pointers_are_probable_together() -> None:
    # Each is more probable than the limit, but not both.
    head, mask = PointerHead(WIDTH, ("PER",)), torch.ones(1, 2, dtype=torch.bool)
    scores = torch.full((1, 2, 2, 1), -20.0)
    scores[0, 0, 0], scores[0, 1, 1] = torch.logit(torch.tensor([0.02])), torch.logit(torch.tensor([0.02]))
    assert head.soft_targets(scores, mask)[0].spans == []
    scores[0, 1, 1] = torch.logit(torch.tensor([0.06]))
    (span,) = head.soft_targets(scores, mask)[0].spans
    assert span[:3] == (0, 2, "PER")
    assert span.score == pytest.approx(0.0012, rel=1e-3)


def test_certain_pointers_are_at_most_certain() -> None:
    head, mask = PointerHead(WIDTH, LABELS), torch.ones(100, 9, dtype=torch.bool)
    scores = 40.0 * torch.randn(100, 9, 2, 2, generator=torch.Generator().manual_seed(1))
    found = [ent.score for row in head.decode(scores, mask) for ent in row]
    assert len(found) > 100
    # Whichever way sums are rounded.
    assert max(found) == 1.0


def test_pointer_counts_what_it_cannot_learn() -> None:
    head, mask = PointerHead(WIDTH, LABELS), torch.ones(1, 6, dtype=torch.bool)
    scores = torch.zeros(1, 6, 2, 2)
    # The second and third overlap with the first; the others touch it, or are of another type.
    entities = [
        Entity(0, 4, "PER"),
        Entity(1, 2, "PER"),
        Entity(3, 5, "PER"),
        Entity(5, 6, "PER"),
        Entity(1, 3, "LOC"),
    ]
    with pytest.warns(XnerWarning, match=r"^2 gold entities of a batch overlap with others"):
        head.loss(scores, mask, [Gold(entities, [True] * 6)])
    with pytest.warns(XnerWarning, match=r"^2 gold entities"):
        head.loss(scores, mask, [Gold(entities[::-1], [True] * 6)])
    with pytest.warns(XnerWarning, match=r"^4 gold entities"):
        head.loss(scores.expand(2, -1, -1, -1), mask.expand(2, -1), [Gold(entities, [True] * 6)] * 2)
