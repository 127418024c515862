"""The divergence of the tag probabilities of a student from those of its teacher."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ...schemes import OUTSIDE, TagScheme
from ...types import DistillTarget

# Lower limits of the log-probabilities of teacher and student, so that tags impossible to both add nothing.
FLOOR, STUDENT_FLOOR = -60.0, -100.0


def tag_divergence(
    log_probs: Tensor, names: Sequence[str], targets: Sequence[DistillTarget | None], temperature: float
) -> Tensor:
    """Sum the Kullback-Leibler divergence, teacher to student, over the taught tokens, each with its weight.

    Tags are matched by name. If both sides use different schemes, they are compared in BIO. Tags that only
    the teacher has count as its ``O``. Tags that only the student has are impossible to the teacher, except
    where the gold has one of them: there both sides are compared on their shared tags only, so that the
    teacher does not contradict the gold. See `DistillTarget` for the weights.

    Args:
        log_probs: The student's log-probabilities. Shape: ``(batch, tokens, tags)``.
        names: The student's tags.
        targets: One for each text, all of the same teacher; None for a text that is not taught.
        temperature: The log-probabilities of both sides are divided by it, the result is multiplied by its
            square.

    Returns:
        A scalar.

    Source: Hinton et al. (2015), "Distilling the knowledge in a neural network"; on posterior marginals,
    Wang et al. (2020), "Structure-level knowledge distillation for multilingual sequence labeling".
    """
    rows, tokens, partial, weights, soft_targets = _taught(targets)
    if not rows:
        return log_probs.new_zeros(())
    device = log_probs.device
    tags: Sequence[str] = soft_targets[0][1]
    # (taught, tags), of the teacher
    teacher = torch.from_numpy(np.concatenate([soft for soft, _ in soft_targets])).to(device)
    # (taught, tags), of the student
    student = log_probs[torch.tensor(rows, device=device), torch.tensor(tokens, device=device)]
    if marks_of(tags) != marks_of(names):
        teacher, tags = merge_to_bio(teacher, tags)
        student, names = merge_to_bio(student, names)
    shared, teacher = _match(teacher, tags, names)
    teacher = teacher.clamp(min=FLOOR)
    # (taught, shared tags)
    teacher = (teacher / temperature).log_softmax(dim=1)
    student = student.clamp(min=STUDENT_FLOOR) / temperature
    index = torch.tensor(shared, device=device)
    # (taught, shared tags)
    whole = student.log_softmax(dim=1)[:, index]
    among = student[:, index].log_softmax(dim=1)
    student = torch.where(torch.tensor(partial, device=device)[:, None], among, whole)
    # (taught,)
    divergences = (teacher.exp() * (teacher - student)).sum(dim=1)
    return temperature**2 * (torch.tensor(weights, device=device) * divergences).sum()


def _taught(
    targets: Sequence[DistillTarget | None],
) -> tuple[list[int], list[int], list[bool], list[float], list[tuple[np.ndarray, tuple[str, ...]]]]:
    """List all taught tokens: row, token, whether taught in part, weight, and soft targets by text."""
    rows: list[int] = []
    tokens: list[int] = []
    partial: list[bool] = []
    weights: list[float] = []
    soft_targets = []
    for row, target in enumerate(targets):
        if target is None or not target.soft.tags:
            continue
        picked = [token for token, is_taught in enumerate(target.taught) if is_taught]
        rows.extend([row] * len(picked))
        tokens.extend(picked)
        partial.extend(target.partial[token] for token in picked)
        weights.extend(target.weights[picked].tolist())
        soft_targets.append((target.soft.log_probs[picked].astype(np.float32), target.soft.tags))
    return rows, tokens, partial, weights, soft_targets


def _match(log_probs: Tensor, tags: Sequence[str], names: Sequence[str]) -> tuple[list[int], Tensor]:
    """Return the student's index of each shared tag, and the teacher's scores of these, ``O`` first."""
    index = {name: i for i, name in enumerate(names)}
    shared = [tag for tag in tags if tag in index and tag != OUTSIDE]
    columns = {tag: i for i, tag in enumerate(tags)}
    outside = [i for tag, i in columns.items() if tag == OUTSIDE or tag not in index]
    scores = [log_probs[:, outside].logsumexp(dim=1), *(log_probs[:, columns[tag]] for tag in shared)]
    return [index[OUTSIDE], *(index[tag] for tag in shared)], torch.stack(scores, dim=1)


def marks_of(names: Sequence[str]) -> set[str]:
    """Return what tags mark beside begin and inside: ends and single tokens in BIOES, nothing in BIO."""
    return {name[0] for name in names if name.startswith(("E-", "S-"))}


def merge_to_bio(log_probs: Tensor, names: Sequence[str]) -> tuple[Tensor, list[str]]:
    """Add up the probabilities of tags with the same BIO tag. Shape: ``(taught, tags)``."""
    bio = [TagScheme("BIO").to_bio(name) for name in names]
    merged = list(dict.fromkeys(bio))
    groups = [[i for i, name in enumerate(bio) if name == tag] for tag in merged]
    return torch.stack([log_probs[:, group].logsumexp(dim=1) for group in groups], dim=1), merged
