"""Heads that score tags, against every tag path of small texts."""

import math
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch import nn

from spacy_xner.nn.heads.crf import CRFHead
from spacy_xner.nn.heads.softmax import SoftmaxHead
from spacy_xner.schemes import TagScheme
from spacy_xner.types import DistillTarget, Entity, Gold, SoftTargets

from .conftest import GOLD, LABELS, TAG_HEADS, WIDTH, make_head


def brute_force(head: nn.Module, scores: torch.Tensor) -> dict[tuple[str, ...], float]:
    """Score every legal tag path of one text in log space, not normalised."""
    names = head.tag_names
    start, moves, end = TagScheme(head.tags.scheme).legal_moves(head.labels)
    emissions = scores.log_softmax(-1) if isinstance(head, SoftmaxHead) else scores
    scored = {}
    for path in product(range(len(names)), repeat=len(scores)):
        if not start[path[0]] or not end[path[-1]] or not all(moves[a][b] for a, b in pairwise(path)):
            continue
        score = sum(emissions[t, tag] for t, tag in enumerate(path))
        if isinstance(head, CRFHead):
            crf = head.transitions
            score = score + crf.start_transitions[path[0]] + crf.end_transitions[path[-1]]
            score = score + sum(crf.transitions[a, b] for a, b in pairwise(path))
        scored[tuple(names[tag] for tag in path)] = score.item()
    return scored


@pytest.mark.parametrize("kind", TAG_HEADS)
def test_entities_and_scores_match_brute_force(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    scores = head(vectors).detach()
    for row, entities in enumerate(head.decode(scores, mask)):
        n = int(mask[row].sum())
        paths = brute_force(head, scores[row, :n])
        best = max(paths, key=paths.get)
        assert TagScheme(head.tags.scheme).encode(entities, n) == list(best)
        total = torch.tensor(list(paths.values())).logsumexp(0)
        for ent in entities:
            own_tags = tuple(TagScheme(head.tags.scheme).encode([ent], n)[ent.start : ent.end])
            goes_on = None if head.tags.scheme == "BIOES" else f"I-{ent.label}"
            have = [
                score
                for tags, score in paths.items()
                if tags[ent.start : ent.end] == own_tags and (*tags, "")[ent.end] != goes_on
            ]
            expected = float((torch.tensor(have).logsumexp(0) - total).exp())
            assert ent.score == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", ["crf", "crf-bioes", "crf-bios"])
def test_crf_loss_is_the_negative_log_likelihood(kind: str, vectors: torch.Tensor) -> None:
    head, mask = make_head(kind), torch.ones(1, 4, dtype=torch.bool)
    scores = head(vectors[:1]).detach()
    paths = brute_force(head, scores[0])
    total = torch.tensor(list(paths.values())).logsumexp(0)
    gold = tuple(TagScheme(head.tags.scheme).encode(GOLD[0].entities, 4))
    assert head.loss(scores, mask, GOLD[:1]).item() == pytest.approx(float(total) - paths[gold], rel=1e-4)
    part = Gold(GOLD[0].entities, [True, True, False, True])
    agree = [score for path, score in paths.items() if path[:2] == gold[:2] and path[3] == gold[3]]
    expected = float(total - torch.tensor(agree).logsumexp(0))
    assert head.loss(scores, mask, [part]).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", ["crf", "crf-bioes"])
def test_crf_loss_of_texts_that_are_known_in_part(kind: str) -> None:
    head = make_head(kind)
    vectors = torch.randn(5, 4, WIDTH, generator=torch.Generator().manual_seed(4))
    mask = torch.arange(4) < torch.tensor([4, 3, 4, 2, 3])[:, None]
    scores = head(vectors).detach()
    golds = [
        Gold(GOLD[0].entities, [True] * 4),
        Gold(GOLD[1].entities, [False, True, True]),
        Gold([Entity(0, 1, "PER")], [True, False, False, True]),
        Gold([], [False] * 2),
        Gold([Entity(1, 2, "LOC")], [True, True, True], ("PER",)),
    ]
    expected = []
    for row, gold in enumerate(golds):
        paths = brute_force(head, scores[row, : len(gold.known)])
        tags = TagScheme(head.tags.scheme).encode(gold.entities, len(gold.known))
        agree = [
            score
            for path, score in paths.items()
            if all(
                not known or own == tag or (tag == "O" and own[2:] in gold.open)
                for own, tag, known in zip(path, tags, gold.known, strict=True)
            )
        ]
        total = torch.tensor(list(paths.values())).logsumexp(0)
        expected.append(float(total - torch.tensor(agree).logsumexp(0)))
    assert expected[3] == pytest.approx(0.0, abs=1e-5)
    assert head.loss(scores, mask, golds).item() == pytest.approx(sum(expected), rel=1e-4)
    for row, gold in enumerate(golds):
        loss = head.loss(scores[row : row + 1], mask[row : row + 1], [gold]).item()
        assert loss == pytest.approx(expected[row], rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("kind", ["crf", "crf-bioes"])
def test_crf_hands_on_its_transitions(kind: str) -> None:
    origin, heir = make_head(kind, ("LOC", "OLD", "PER")), make_head(kind, ("PER", "NEW", "LOC"), seed=2)
    before = {name: value.clone() for name, value in heir.transitions.state_dict().items()}
    heir.inherit(origin)
    there = {tag: i for i, tag in enumerate(origin.tag_names)}
    ours, theirs = heir.transitions, origin.transitions
    for i, tag in enumerate(heir.tag_names):
        for name in ("start_transitions", "end_transitions"):
            source = getattr(theirs, name)[there[tag]] if tag in there else before[name][i]
            assert getattr(ours, name)[i] == source
        for j, other in enumerate(heir.tag_names):
            is_shared = tag in there and other in there
            source = (
                theirs.transitions[there[tag], there[other]] if is_shared else before["transitions"][i, j]
            )
            assert ours.transitions[i, j] == source
    # Those of another scheme, or of no CRF, are not comparable.
    other = make_head("crf-bioes" if kind == "crf" else "crf", heir.labels, seed=3)
    before = {name: value.clone() for name, value in heir.transitions.state_dict().items()}
    heir.inherit(other)
    heir.inherit(make_head("softmax", heir.labels))
    assert all(torch.equal(value, before[name]) for name, value in heir.transitions.state_dict().items())


@pytest.mark.parametrize("kind", ["crf", "crf-bioes"])
@pytest.mark.parametrize("n_tokens", [2, 5, 40])
def test_crf_loss_and_gradients_are_those_of_pytorch_crf(kind: str, n_tokens: int) -> None:
    head, other = make_head(kind), make_head(kind).double()
    make = torch.Generator().manual_seed(n_tokens)
    vectors = torch.randn(4, n_tokens, WIDTH, generator=make)
    lengths = torch.tensor([n_tokens, max(n_tokens // 2, 1), max(n_tokens - 1, 1), 1])
    mask = torch.arange(n_tokens) < lengths[:, None]
    gold = [Gold([Entity(i, i + 1, "PER") for i in range(0, n, 3)], [True] * n) for n in lengths.tolist()]
    loss = head.loss(head(vectors), mask, gold)
    tags = other.tags.encode(gold, mask).tags
    expected = -other.transitions(other(vectors.double()), tags, mask, reduction="sum")
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    expected.backward()
    for ours, theirs in zip(head.parameters(), other.parameters(), strict=True):
        # Relative to the largest: each is a sum over all tokens.
        largest = theirs.grad.abs().max().item()
        torch.testing.assert_close(ours.grad, theirs.grad.float(), rtol=0, atol=1e-5 * largest)


def test_crf_state_has_the_names_of_pytorch_crf() -> None:
    names = {"start_transitions", "end_transitions", "transitions"}
    assert {f"transitions.{name}" for name in names} < set(make_head("crf").state_dict())


@pytest.mark.parametrize("kind", TAG_HEADS)
def test_overlapping_gold_is_refused(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    overlap = [Entity(0, 2, "PER"), Entity(1, 3, "LOC")]
    for entities in (overlap, [Entity(3, 5, "PER")], [Entity(-1, 1, "PER")], [Entity(2, 2, "PER")]):
        with pytest.raises(
            ValueError, match=rf"within their 4 tokens .*, found one from {entities[-1].start}"
        ):
            head.loss(head(vectors), mask, [Gold(entities, [True] * 4), GOLD[1]])


@pytest.mark.parametrize("kind", ["crf", "crf-bioes"])
def test_illegal_transitions_do_not_move_in_training(kind: str, vectors: torch.Tensor) -> None:
    head = make_head(kind)
    illegal = head.tags.moves.isinf()
    head.loss(head(vectors), torch.ones(2, 4, dtype=torch.bool), [GOLD[0]] * 2).backward()
    assert illegal.any()
    assert (head.transitions.transitions.grad[illegal] == 0).all()


@pytest.mark.parametrize("kind", TAG_HEADS)
@pytest.mark.parametrize("other", TAG_HEADS)
def test_other_tag_heads_hand_on_their_rows(kind: str, other: str, vectors: torch.Tensor) -> None:
    head, heir = make_head(kind), make_head(other, seed=2)
    heir.inherit(head)
    expected, inherited = head(vectors), heir(vectors)
    # An E is an I, and an S a B, to a head that has neither.
    sources = {"E": "I", "S": "B"}
    for i, tag in enumerate(heir.tag_names):
        source = tag if tag in head.tag_names else f"{sources[tag[0]]}-{tag[2:]}"
        torch.testing.assert_close(inherited[..., i], expected[..., head.tag_names.index(source)])


def test_heads_with_more_layers_hand_on_no_rows() -> None:
    origin = make_head("softmax")
    origin.output = nn.Sequential(origin.output)
    with pytest.raises(ValueError, match="must have a softmax or CRF head for this model to start from"):
        make_head("softmax").inherit(origin)


@pytest.mark.parametrize("kind", TAG_HEADS)
def test_log_probs_match_brute_force(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    head = make_head(kind)
    scores = head(vectors).detach()
    probs = head.log_probs(scores, mask).exp()
    if isinstance(head, SoftmaxHead):
        torch.testing.assert_close(probs, scores.softmax(2))
        return
    for row, n in enumerate(mask.sum(1).tolist()):
        paths = brute_force(head, scores[row, :n])
        weights = torch.tensor(list(paths.values())).softmax(0)
        for t in range(n):
            for i, tag in enumerate(head.tag_names):
                expected = sum(w for path, w in zip(paths, weights.tolist(), strict=True) if path[t] == tag)
                assert probs[row, t, i].item() == pytest.approx(expected, abs=1e-5)


def target(soft: SoftTargets, partial: bool = False) -> DistillTarget:
    n = len(soft.log_probs)
    return DistillTarget(soft, [True] * n, [partial] * n)


def test_divergence_by_hand() -> None:
    head = SoftmaxHead(WIDTH, ["NEW", "OLD"])
    mask = torch.ones(1, 1, dtype=torch.bool)
    # O, B-NEW, I-NEW, B-OLD, I-OLD
    scores = torch.tensor([[[0.3, 0.2, 0.1, 0.3, 0.1]]]).log()
    # The teacher's second label is unknown to the student, and so is its O.
    tags = ("O", "B-OLD", "I-OLD", "B-GONE", "I-GONE")
    soft = SoftTargets(tags, np.log(np.array([[0.4, 0.3, 0.1, 0.15, 0.05]], dtype=np.float32)), [])
    # Teacher over O, B-OLD, I-OLD: 0.6, 0.3, 0.1
    whole = 0.6 * math.log(0.6 / 0.3) + 0.3 * math.log(0.3 / 0.3) + 0.1 * math.log(0.1 / 0.1)
    assert head.distill_loss(scores, mask, [target(soft)], 1.0).item() == pytest.approx(whole, abs=1e-5)
    among = 0.6 * math.log(0.6 * 7 / 3) + 0.3 * math.log(0.3 * 7 / 3) + 0.1 * math.log(0.1 * 7 / 1)
    partial = head.distill_loss(scores, mask, [target(soft, partial=True)], 1.0)
    assert partial.item() == pytest.approx(among, abs=1e-5)
    # At temperature 2, probabilities go by their square roots, and the sum is multiplied by 4.
    roots = torch.tensor([0.6, 0.3, 0.1]).sqrt()
    teacher = roots / roots.sum()
    student = scores[0, 0].exp().sqrt() / scores[0, 0].exp().sqrt().sum()
    expected = 4 * (teacher * (teacher / student[[0, 3, 4]]).log()).sum()
    torch.testing.assert_close(head.distill_loss(scores, mask, [target(soft)], 2.0), expected)


def test_divergence_between_two_schemes_by_hand() -> None:
    head = SoftmaxHead(WIDTH, ["X"])
    mask = torch.ones(1, 1, dtype=torch.bool)
    scores = torch.tensor([[[0.5, 0.3, 0.2]]]).log()
    tags = ("O", "B-X", "I-X", "E-X", "S-X")
    soft = SoftTargets(tags, np.log(np.array([[0.4, 0.1, 0.1, 0.2, 0.2]], dtype=np.float32)), [])
    expected = 0.4 * math.log(0.4 / 0.5) + 0.3 * math.log(0.3 / 0.3) + 0.3 * math.log(0.3 / 0.2)
    assert head.distill_loss(scores, mask, [target(soft)], 1.0).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", TAG_HEADS)
def test_open_labels_by_brute_force(kind: str, vectors: torch.Tensor) -> None:
    head = make_head(kind)
    mask = torch.ones(1, 4, dtype=torch.bool)
    scores = head(vectors[:1]).detach()
    gold = Gold([Entity(1, 3, "PER")], [True] * 4, ("LOC",))
    loss = head.loss(scores, mask, [gold]).item()
    inner = tuple(TagScheme(head.tags.scheme).encode(gold.entities, 4)[1:3])
    outside = [tag for tag in head.tag_names if tag == "O" or tag.endswith("LOC")]
    if isinstance(head, SoftmaxHead):
        log_probs = scores[0].log_softmax(1)
        index = [head.tag_names.index(tag) for tag in outside]
        expected = -sum(log_probs[t, head.tag_names.index(tag)] for t, tag in enumerate(inner, start=1))
        expected -= sum(log_probs[t, index].logsumexp(0) for t in (0, 3))
    else:
        paths = brute_force(head, scores[0])
        agree = [s for p, s in paths.items() if p[1:3] == inner and p[0] in outside and p[3] in outside]
        expected = torch.tensor(list(paths.values())).logsumexp(0) - torch.tensor(agree).logsumexp(0)
    assert loss == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.issue(28)
@pytest.mark.parametrize("kind", TAG_HEADS)
def test_log_priors_by_brute_force(kind: str, vectors: torch.Tensor) -> None:
    head = make_head(kind)
    mask = torch.ones(1, 4, dtype=torch.bool)
    scores = head(vectors[:1]).detach()
    gold = Gold([Entity(1, 3, "PER")], [True] * 4, log_priors={"LOC": -2.0, "GONE": 7.0})
    tags = TagScheme(head.tags.scheme).encode(gold.entities, 4)
    if isinstance(head, SoftmaxHead):
        # Each token is a decision of its own.
        shift = torch.tensor([-2.0 if tag.endswith("LOC") else 0.0 for tag in head.tag_names])
        log_probs = (scores[0] + shift).log_softmax(1)
        expected = -sum(log_probs[t, head.tag_names.index(tag)] for t, tag in enumerate(tags))
    else:
        # A text's score has it once for each entity, however long that is.
        paths = brute_force(head, scores[0])
        adjusted = {
            path: score - 2.0 * sum(ent.label == "LOC" for ent in TagScheme(head.tags.scheme).decode(path))
            for path, score in paths.items()
        }
        expected = torch.tensor(list(adjusted.values())).logsumexp(0) - adjusted[tuple(tags)]
    assert head.loss(scores, mask, [gold]).item() == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("kind", ["softmax", "softmax-bioes"])
def test_class_weights_are_those_of_torch(kind: str, vectors: torch.Tensor, mask: torch.Tensor) -> None:
    of_label = {"O": 0.5, "PER": 3.0}
    head = TAG_HEADS[kind](WIDTH, LABELS, class_weights=of_label)
    scores = torch.randn(2, 4, len(head.tag_names), generator=torch.Generator().manual_seed(1))
    weights = torch.tensor([of_label.get(tag.partition("-")[2] or "O", 1.0) for tag in head.tag_names])
    scheme = TagScheme(head.tags.scheme)
    tags = [scheme.encode(gold.entities, len(gold.known)) for gold in GOLD]
    index = torch.tensor([head.tag_names.index(tag) for row in tags for tag in row])
    expected = nn.functional.cross_entropy(scores[mask], index, weight=weights, reduction="sum")
    torch.testing.assert_close(head.loss(scores, mask, GOLD), expected)
    # They come from the settings, not from a file.
    assert "weights" not in head.state_dict()


@pytest.mark.parametrize("kind", TAG_HEADS)
def test_heads_begin_as_in_bert(kind: str) -> None:
    torch.manual_seed(1)
    head = TAG_HEADS[kind](1000, LABELS)
    assert head.output.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert abs(head.output.weight.mean().item()) < 1e-3
    assert (head.output.bias == 0).all()


def test_heads_tag_in_bio_by_default() -> None:
    for kind in (SoftmaxHead, CRFHead):
        assert kind(WIDTH, LABELS).tag_names == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")


def test_labels_are_those_of_the_head() -> None:
    assert all(make_head(kind).labels == LABELS for kind in TAG_HEADS)
