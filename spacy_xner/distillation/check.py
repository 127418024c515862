"""Estimates how much a teacher can help: its output on the examples, compared with their gold."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from spacy.training import Example
from spacy.vocab import Vocab

from ..corpus.docbin import read_docs
from ..nn.heads.distill import FLOOR
from ..pipeline.xner import gold_entities
from ..types import Gold, SoftTargets
from .priors import estimate_rarity
from .teacher_model import TeacherModel, tokenized

# Least share of O tokens inside entities of the teacher for it to know anything about the examples.
MIN_SEEN = 0.005
# Least F1 on shared labels for teacher and gold to mean the same by them.
MIN_AGREEMENT = 0.5
# How many times rarer than gold labels those of the teacher must be for the loss to make up for it.
MIN_RARITY = 3.0


class TeacherCheck(NamedTuple):
    """A teacher's output on examples, compared with their gold.

    Attributes:
        n_texts: Number of examples.
        shared: Labels that gold and teacher both have.
        unannotated: Labels that only the teacher has.
        agreement: F1 of the teacher on shared labels, from 0 to 1; None if there are none.
        seen: Share of the gold's O tokens that are in an entity of the teacher, from 0 to 1; None if there
            are no O tokens.
        entropy: Mean entropy of the teacher's tags per token, from 0 to 1 (uniform); None if it has no tags.
        rarity: How many times rarer the unannotated labels are than gold labels, by `estimate_rarity`.
        alpha: Suggested weight of the gold loss, from 0 to 1.
        advice: One line of advice.
    """

    n_texts: int
    shared: list[str]
    unannotated: list[str]
    agreement: float | None
    seen: float | None
    entropy: float | None
    rarity: float
    alpha: float
    advice: str


def check_teacher(
    name: str,
    corpus: Path,
    *,
    device: str = "auto",
    cache: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> TeacherCheck:
    """Compare a teacher's output on a corpus with its gold, before a training.

    Args:
        name: A pipeline (folder or installed package), or a Hugging Face token-classification checkpoint.
        corpus: A ``.spacy`` file.
        device: Device of the teacher.
        cache: Cache file of its soft targets, which a training can reuse.
        on_progress: Called with the number of texts done and their total.

    Raises:
        OSError: If the teacher or the corpus does not exist.
        ValueError: If the teacher has no component for entities, or the corpus no text.
    """
    docs = [doc for doc in read_docs(corpus, Vocab()) if len(doc)]
    model = TeacherModel(name, device=device, cache=cache)
    if not docs:
        raise ValueError(f"The corpus must have texts, found none in {corpus}. Check its conversion.")
    texts = [tokenized(doc) for doc in docs]
    model.precompute(texts, on_progress)
    gold = [gold_entities(Example(doc, doc)) for doc in docs]
    return check_targets(model.soft_targets(texts), gold, model.labels)


def check_targets(
    soft_targets: Sequence[SoftTargets], gold: Sequence[Gold], labels: Sequence[str]
) -> TeacherCheck:
    """Compare a teacher's soft targets with the gold.

    Args:
        soft_targets: The teacher's output on each text.
        gold: The gold annotation of each text.
        labels: The teacher's labels.
    """
    annotated = {ent.label for annotation in gold for ent in annotation.entities}
    shared = [label for label in labels if label in annotated]
    unannotated = [label for label in labels if label not in annotated]
    agreement = _agreement(soft_targets, gold, set(shared)) if shared else None
    seen = _seen(soft_targets, gold, set(labels))
    rarity = estimate_rarity(gold, soft_targets, unannotated)
    alpha, advice = _advise(agreement, seen)
    if alpha < 1.0 and rarity >= MIN_RARITY:
        advice += (
            f" Outside gold entities, labels that only the teacher knows are {rarity:.0f} times rarer than "
            "gold labels: with a softmax head, set logit_adjustment = 1.0."
        )
    return TeacherCheck(
        len(gold),
        shared,
        unannotated,
        agreement,
        seen,
        _entropy(soft_targets),
        rarity,
        round(alpha, 2),
        advice,
    )


def _agreement(soft_targets: Sequence[SoftTargets], gold: Sequence[Gold], labels: set[str]) -> float:
    """Compute the teacher's micro F1 on some labels, from 0 to 1."""
    n_same = n_all = 0
    for soft, annotation in zip(soft_targets, gold, strict=True):
        expected = {ent[:3] for ent in annotation.entities if ent.label in labels}
        predicted = {ent[:3] for ent in soft.entities if ent.label in labels}
        n_same += len(expected & predicted)
        n_all += len(expected) + len(predicted)
    return 2 * n_same / max(n_all, 1)


def _seen(soft_targets: Sequence[SoftTargets], gold: Sequence[Gold], labels: set[str]) -> float | None:
    """Compute the share of O tokens inside the teacher's entities, from 0 to 1."""
    n_outside = n_seen = 0
    for soft, annotation in zip(soft_targets, gold, strict=True):
        outside = {i for i, is_known in enumerate(annotation.known) if is_known}
        outside -= {i for ent in annotation.entities for i in range(ent.start, ent.end)}
        n_outside += len(outside)
        predicted = (ent for ent in soft.entities if ent.label in labels)
        n_seen += len(outside & {i for ent in predicted for i in range(ent.start, ent.end)})
    return n_seen / n_outside if n_outside else None


def _entropy(soft_targets: Sequence[SoftTargets]) -> float | None:
    """Compute the mean entropy of the teacher's tags per token, from 0 to 1."""
    rows = [soft.log_probs.astype(np.float32) for soft in soft_targets if len(soft.tags) > 1]
    if not rows:
        return None
    log_probs = np.concatenate(rows)
    nats = -(np.exp(log_probs) * np.maximum(log_probs, FLOOR)).sum(axis=1).mean()
    return float(nats / np.log(log_probs.shape[1]))


def _advise(agreement: float | None, seen: float | None) -> tuple[float, str]:
    """Suggest a weight of the gold loss, with the reason."""
    if agreement is not None and agreement < MIN_AGREEMENT:
        return 0.9, (
            f"The teacher's F1 against the gold on shared labels is only {100 * agreement:.0f} %: it would "
            "do harm. Rename labels that mean something else, or leave the teacher out."
        )
    if seen is None or (seen < MIN_SEEN and agreement is None):
        return 1.0, (
            "The teacher finds hardly any entities in the examples, where it can only do harm. "
            'Give it unlabelled texts (texts = FILE, or "vocabulary") to keep the old labels.'
        )
    if agreement is not None:
        return 1.0 - agreement / 2, (
            "Old and new labels overlap, and the teacher's F1 against the gold on shared labels is "
            f"{100 * agreement:.0f} %: it should help."
        )
    return 0.5, (
        f"The teacher finds entities at {100 * seen:.1f} % of the tokens outside gold entities: it should "
        "help to keep the old labels."
    )
