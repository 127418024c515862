"""How much a teacher can help: what it sees in the examples, against their gold."""

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
from .teacher_model import TeacherModel, cut_doc

# Below this share of O tokens in entities that it sees, a teacher has next to nothing to say of the examples.
MIN_SEEN = 0.005
# Below this agreement on shared labels, teacher and gold mean different things by them.
MIN_AGREEMENT = 0.5


class TeacherCheck(NamedTuple):
    """What a teacher sees in examples.

    Attributes:
        n_texts: Texts looked at.
        shared: Labels that gold and teacher both have.
        unannotated: Labels that only the teacher has.
        agreement: F1 of the teacher on shared labels, from 0 to 1; None if there are none.
        seen: Share of the gold's O tokens that lie in an entity to the teacher, from 0 to 1; None if there
            are no such tokens.
        entropy: Mean entropy of its tags at a token, from 0 to 1 (all equally likely); None if it tells none.
        alpha: A weight for the gold loss.
        advice: One line.
    """

    n_texts: int
    shared: list[str]
    unannotated: list[str]
    agreement: float | None
    seen: float | None
    entropy: float | None
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
    """Look at a corpus with a teacher's eyes before anything is trained.

    Args:
        name: A pipeline (folder or installed package), or a Hugging Face token-classification checkpoint.
        corpus: A ``.spacy`` file.
        device: Where the teacher runs.
        cache: File for what it says, of use to the training too.
        on_progress: Called with texts done and their number.

    Raises:
        OSError: If teacher or corpus are missing.
        ValueError: If the teacher finds no entities, or the corpus has no text.
    """
    found = read_docs(corpus, Vocab())
    model = TeacherModel(name, device=device, cache=cache)
    docs = [doc for doc in found if len(doc)]
    if not docs:
        raise ValueError(f"The corpus must have texts, found none in {corpus}. Check its conversion.")
    cuts = [cut_doc(doc) for doc in docs]
    model.precompute(cuts, on_progress)
    gold = [gold_entities(Example(doc, doc)) for doc in docs]
    return check_targets(model.soft_targets(cuts), gold, model.labels)


def check_targets(
    soft_targets: Sequence[SoftTargets], gold: Sequence[Gold], labels: Sequence[str]
) -> TeacherCheck:
    """Compare a teacher's soft targets with the gold.

    Args:
        soft_targets: One for each text.
        gold: What is known of each.
        labels: The teacher's.
    """
    annotated = {ent.label for known in gold for ent in known.entities}
    shared = [label for label in labels if label in annotated]
    unannotated = [label for label in labels if label not in annotated]
    agreement = _agreement(soft_targets, gold, set(shared)) if shared else None
    seen = _seen(soft_targets, gold, set(labels))
    alpha, advice = _advise(agreement, seen)
    return TeacherCheck(
        len(gold), shared, unannotated, agreement, seen, _entropy(soft_targets), round(alpha, 2), advice
    )


def _agreement(soft_targets: Sequence[SoftTargets], gold: Sequence[Gold], labels: set[str]) -> float:
    n_same = n_all = 0
    for soft, known in zip(soft_targets, gold, strict=True):
        ours = {ent[:3] for ent in known.entities if ent.label in labels}
        theirs = {ent[:3] for ent in soft.entities if ent.label in labels}
        n_same += len(ours & theirs)
        n_all += len(ours) + len(theirs)
    return 2 * n_same / max(n_all, 1)


def _seen(soft_targets: Sequence[SoftTargets], gold: Sequence[Gold], labels: set[str]) -> float | None:
    n_outside = n_seen = 0
    for soft, known in zip(soft_targets, gold, strict=True):
        outside = {i for i, is_known in enumerate(known.known) if is_known}
        outside -= {i for ent in known.entities for i in range(ent.start, ent.end)}
        n_outside += len(outside)
        found = (ent for ent in soft.entities if ent.label in labels)
        n_seen += len(outside & {i for ent in found for i in range(ent.start, ent.end)})
    return n_seen / n_outside if n_outside else None


def _entropy(soft_targets: Sequence[SoftTargets]) -> float | None:
    rows = [soft.log_probs.astype(np.float32) for soft in soft_targets if len(soft.tags) > 1]
    if not rows:
        return None
    log_probs = np.concatenate(rows)
    bits = -(np.exp(log_probs) * np.maximum(log_probs, FLOOR)).sum(axis=1).mean()
    return float(bits / np.log(log_probs.shape[1]))


def _advise(agreement: float | None, seen: float | None) -> tuple[float, str]:
    """Choose a weight for the gold loss, and say why."""
    if agreement is not None and agreement < MIN_AGREEMENT:
        return 0.9, (
            f"On shared labels the teacher agrees with the gold in {100 * agreement:.0f} % only: it would "
            "disturb. Rename the labels that mean something else, or leave the teacher out."
        )
    if seen is None or (seen < MIN_SEEN and agreement is None):
        return 1.0, (
            "The examples are wholly new to the teacher: on them it can only disturb, and it keeps nothing. "
            'Give it texts of its own (texts = FILE, or "vocabulary") to keep the old labels.'
        )
    if agreement is not None:
        return 1.0 - agreement / 2, (
            "Old and new overlap, and on shared labels the teacher agrees with the gold in "
            f"{100 * agreement:.0f} %: it should help."
        )
    return 0.5, (
        f"The teacher sees old entities at {100 * seen:.1f} % of the tokens outside the gold's: it should "
        "help to keep them."
    )
