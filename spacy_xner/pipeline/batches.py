"""How a component runs docs through its model: in which groups, and with which loss."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, pairwise

import numpy as np
from spacy.tokens import Doc
from spacy.training import Example

from .interfaces import (
    Annotation,
    AnyGold,
    AnyModel,
    Batch,
    Distillable,
    Loss,
    Scores,
    Teacher,
    TextVectors,
    Weights,
    check_listener,
)


def predict_groups(
    model: AnyModel,
    docs: Sequence[Doc],
    reader: Callable[[AnyModel, Scores], Sequence[Annotation]],
    empty: Annotation,
) -> list[Annotation]:
    """Run a model over docs in groups of similar length, and return one result per doc.

    Args:
        model: The model.
        docs: The docs.
        reader: Converts the scores of a group to one result per doc, such as the task's ``decode``.
        empty: The result for a doc without tokens.
    """
    results = [empty] * len(docs)
    for group, scores in score_groups(model, docs):
        for i, result in zip(group, reader(model, scores), strict=True):
            results[i] = result
    return results


def score_groups(model: AnyModel, docs: Sequence[Doc]) -> Iterator[tuple[list[int], Scores]]:
    """Run a model over docs in groups of similar length, and yield indices and scores of each group."""
    groups = plan_groups(model, docs, is_train=False)
    scored = ((group, model.predict([docs[i] for i in group])) for group in groups)
    # Look one group ahead, so that a GPU computes its scores while those of this group are decoded.
    for (group, scores), _ in pairwise(chain(scored, [([], None)])):
        yield group, scores


def encode_groups(model: AnyModel, docs: Sequence[Doc]) -> TextVectors:
    """Compute the mean of the encoder's token vectors for each doc; zeros for a doc without tokens.

    Returns:
        The vectors. Shape: ``(docs, width)``.

    Raises:
        ValueError: If the component listens to another.
    """
    if model.layers:
        raise ValueError(
            "Vectors of texts must come from the encoder of an xner or xcat, found a component that listens "
            "to another. Use spacy_xner.Encoder.v1 or spacy_xner.SharedEncoder.v1."
        )
    weights, groups = get_weights(model), plan_groups(model, docs, is_train=False)
    rows = [weights.text_vectors([docs[i] for i in group]) for group in groups]
    vectors = np.zeros((len(docs), rows[0].shape[1] if rows else 0), np.float32)
    for group, means in zip(groups, rows, strict=True):
        vectors[group] = means
    return vectors


def get_weights(model: AnyModel) -> Weights:
    """Return the part of a model that holds the torch network."""
    weights: Weights = model.shims[0]  # type: ignore[assignment]
    return weights


def plan_groups(model: AnyModel, docs: Sequence[Doc], *, is_train: bool) -> list[list[int]]:
    """Group docs to run through the model together, as lists of indices."""
    lengths = [len(doc) for doc in docs]
    # A listener layer needs all docs at once, in the batch that the upstream component processed.
    if model.layers or len(docs) == 1:
        return [list(range(len(docs)))] if any(lengths) else []
    return get_weights(model).plan(lengths, is_train=is_train)


def prepare_update(
    model: AnyModel,
    teacher: Teacher[AnyGold] | None,
    examples: Sequence[Example],
    read_gold: Callable[[Iterable[Example]], list[AnyGold]],
    count_annotated: Callable[[Sequence[AnyGold]], int],
) -> tuple[Batch[AnyGold], list[list[int]], tuple[int, float]]:
    """Read the gold annotation of examples, and combine it with a teacher's output, if there is a teacher.

    Of several processes that train, each reads the examples of its share. With a teacher, it reads all of
    them: each process adds the same unlabelled texts, and shares are chosen among these, too.

    Returns:
        The batch; those of its docs that this process runs, in groups to run through the model together; and
        the counts of `count_targets`, over all processes.
    """
    weights = get_weights(model)
    add_up: Callable[[float], float] = float
    if teacher is None:
        examples = [examples[i] for i in weights.share([eg.predicted for eg in examples])]
        add_up = weights.add_up
    docs, gold = [eg.predicted for eg in examples], read_gold(examples)
    batch, share = Batch(docs, gold, [None] * len(docs)), list(range(len(docs)))
    if teacher is not None:
        batch = teacher.augment_batch(docs, gold)
        check_listener(model, batch, len(docs))
        share = weights.share(batch.docs)
    groups = plan_groups(model, [batch.docs[i] for i in share], is_train=True)
    counts = count_targets(batch, count_annotated, add_up)
    return batch, [[share[i] for i in group] for group in groups], counts


def count_targets(
    batch: Batch[AnyGold],
    count_annotated: Callable[[Sequence[AnyGold]], int],
    add_up: Callable[[float], float] = float,
) -> tuple[int, float]:
    """Count what the sums of the losses of gold and teacher are divided by; at least 1 each.

    These are the tokens or texts with gold annotation, and those with a teacher, each with its weight, unless
    the batch sets another divisor.

    Args:
        batch: The batch.
        count_annotated: Counts those with gold annotation.
        add_up: Sums the number of these over processes, each of which has a part of the batch.
    """
    n_annotated = add_up(count_annotated(batch.gold[: len(batch.gold) - batch.n_unlabelled]))
    divisor: float | None = batch.divisor
    if divisor is None:
        divisor = sum(target.weight_sum for target in batch.targets if target is not None)
    return max(int(n_annotated), 1), max(divisor, 1.0)


def run_groups(
    model: AnyModel, batch: Batch[AnyGold], groups: Sequence[Sequence[int]], counts: tuple[int, float]
) -> float:
    """Run groups of a batch through a model and back; returns the loss, summed over all processes."""
    total = 0.0
    for group in groups:
        scores, backprop = model.begin_update([batch.docs[i] for i in group])
        loss = compute_loss(model, batch, group, scores, counts)
        backprop(loss)
        total += loss.item()
    return get_weights(model).add_up(total)


def sum_loss(model: AnyModel, docs: Sequence[Doc], gold: Sequence[AnyGold]) -> float:
    """Sum the gold loss of docs as the model predicts them, without dropout and gradients."""
    task, total = model.attrs["task"], 0.0
    for group, scores in score_groups(model, docs):
        total += task.loss(model, scores, [gold[i] for i in group]).item()
    return total


def compute_loss(
    model: AnyModel, batch: Batch[AnyGold], group: Sequence[int], scores: Scores, counts: tuple[int, float]
) -> Loss:
    """Compute the weighted sum of gold and teacher loss of a group, each divided by the batch's count."""
    n_annotated, divisor = counts
    task = model.attrs["task"]
    loss = task.loss(model, scores, [batch.gold[i] for i in group]) / n_annotated
    targets = [batch.targets[i] for i in group]
    if batch.alpha == 1.0 or all(target is None for target in targets):
        return batch.alpha * loss
    assert isinstance(task, Distillable)  # checked at initialization
    distill_loss = task.distill_loss(model, scores, targets, batch.temperature) / divisor
    return batch.alpha * loss + (1.0 - batch.alpha) * distill_loss
