"""What may help a teacher to keep old labels, besides what it has: tried here, each part alone.

Source: Zhang et al. (2023), "Continual named entity recognition without catastrophic forgetting" (a
threshold for each label); TBCL (2026, arXiv 2608.31038; a second view without the new entities); Zhao et al.
(2020), "Maintaining discrimination and fairness in class incremental learning" (norms of rows); Wortsman et
al. (2022), "Robust fine-tuning of zero-shot models" (averages of weights).
"""

import copy
import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import filter_spans, registry
from torch import Tensor
from torch.nn.functional import cosine_similarity

from spacy_xner.distillation.entity_teacher import Teacher, TeacherSettings, build_teacher_v1
from spacy_xner.distillation.pseudo_labels import add_pseudo_labels, find_candidates, token_labels
from spacy_xner.models.execution import get_execution
from spacy_xner.nn.heads.crf import CRFHead
from spacy_xner.nn.heads.softmax import SoftmaxHead
from spacy_xner.nn.model import Network
from spacy_xner.pipeline.interfaces import Batch
from spacy_xner.schemes import OUTSIDE
from spacy_xner.scoring.entities import count_entities
from spacy_xner.tools.predictions import predict
from spacy_xner.types import DistillTarget, Gold, SoftTargets

# Shares of the new weights that are tried on dev.
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)


class Parts(NamedTuple):
    """What is added to a teacher.

    Attributes:
        views: Second views per text, in which the new entities are replaced by words outside entities.
        thresholds: Whether pseudo-labels have a threshold for each label: the median of its probabilities.
        hidden: Weight of the distance of token vectors from those of before.
        average: Whether the encoder's weights are averaged with those of before, by a share chosen on dev.
        certain: Least probability of ``O`` by the teacher at which a token that it takes for ``O`` is taught.
        norms: Whether the output rows of new labels get the mean norm of those of old ones after training.
    """

    views: float = 0.0
    thresholds: bool = False
    hidden: float = 0.0
    average: bool = False
    certain: float = 0.0
    norms: bool = False


class TrialTeacher(Teacher):
    """A teacher with further parts.

    Args:
        settings: Those of the teacher.
        parts: The further ones.
    """

    def __init__(self, settings: TeacherSettings, parts: Parts) -> None:
        super().__init__(settings)
        self.parts = parts
        self._rng = random.Random(settings.seed)
        self._words: list[str] = []
        self._medians: dict[str, float] = {}
        self._n_due = 0.0

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        nlp: Language | None,
        *,
        labels: tuple[str, ...],
        device: str,
        read_gold: Callable[[Iterable[Example]], list[Gold]],
    ) -> None:
        """Read words outside entities and medians of probabilities, and watch the encoder."""
        super().initialize(get_examples, nlp, labels=labels, device=device, read_gold=read_gold)
        examples = list(get_examples())
        scores: dict[str, list[float]] = defaultdict(list)
        for eg, gold in zip(examples, read_gold(examples), strict=True):
            soft = self.model.targets_for(eg.predicted)
            for ent in find_candidates(gold, soft, self.unannotated):
                scores[ent.label].append(ent.score)
            inside = {i for ent in [*gold.entities, *soft.entities] for i in range(ent.start, ent.end)}
            self._words += [token.text for token in eg.predicted if token.i not in inside and token.is_alpha]
        self._medians = {label: statistics.median(values) for label, values in scores.items()}
        if self.parts.hidden:
            keep_vectors(get_network(cast(Language, nlp)), self.parts.hidden)

    def augment_batch(self, docs: list[Doc], gold: list[Gold]) -> Batch[Gold]:
        """Add second views of some texts."""
        batch = super().augment_batch(docs, gold)
        self._n_due += self.parts.views * len(docs)
        views, targets = [], []
        for doc, annotation, target in zip(docs, gold, batch.targets, strict=False):
            if self._n_due < 1.0 or not annotation.entities or not isinstance(target, DistillTarget):
                continue
            self._n_due -= 1.0
            new = [label is not None for label in token_labels(annotation)]
            words = [
                self._rng.choice(self._words) if is_new else token.text
                for token, is_new in zip(doc, new, strict=True)
            ]
            views.append(Doc(doc.vocab, words=words, spaces=[bool(token.whitespace_) for token in doc]))
            taught = [known and not is_new for known, is_new in zip(target.taught, new, strict=True)]
            targets.append(target._replace(taught=taught, partial=[False] * len(taught)))
        return replace(
            batch,
            docs=[*batch.docs, *views],
            gold=[*batch.gold, *(Gold([], [False] * len(view)) for view in views)],
            targets=[*batch.targets, *targets],
            n_unlabelled=batch.n_unlabelled + len(views),
        )

    def _target(self, gold: Gold, soft: SoftTargets) -> DistillTarget | None:
        target = super()._target(gold, soft)
        if target is None or not self.parts.certain:
            return target
        outside = np.exp(soft.log_probs[:, soft.tags.index(OUTSIDE)])
        doubtful = (soft.log_probs.argmax(axis=1) == soft.tags.index(OUTSIDE)) & (
            outside < self.parts.certain
        )
        taught = [is_taught and not skip for is_taught, skip in zip(target.taught, doubtful, strict=True)]
        return target._replace(taught=taught)

    def _augment_gold(self, gold: Gold, soft: SoftTargets) -> Gold:
        if not self.parts.thresholds:
            return super()._augment_gold(gold, soft)
        for label, median in self._medians.items():
            gold = add_pseudo_labels(gold, soft, {label}, median)
        return gold


@registry.misc("benchmarks.TrialTeacher.v1")  # type: ignore[untyped-decorator]
def build_trial_teacher(name: str, settings: dict[str, Any], parts: dict[str, Any]) -> TrialTeacher:
    """Build a teacher from the settings of ``spacy_xner.Teacher.v1`` and further parts."""
    return TrialTeacher(build_teacher_v1(name, **settings).settings, Parts(**parts))


def get_network(nlp: Language) -> Network:
    """Return the torch network of the xner."""
    return get_execution(cast(Any, nlp.get_pipe("xner")).model).network


def keep_vectors(network: Network, weight: float) -> None:
    """Add the cosine distance of token vectors from those of the untrained network to the teacher's loss."""
    before = copy.deepcopy(network.encoder)
    assert before is not None
    before.eval()
    encode, distill = network.encode, network.head.distill_loss
    vectors: list[Tensor] = []

    def encode_twice(texts: Any, max_batch_pieces: int) -> tuple[Tensor, Tensor]:
        now, mask = encode(texts, max_batch_pieces)
        if torch.is_grad_enabled():
            with torch.no_grad():
                vectors[:] = [now, before(texts, max_batch_pieces)]
        return now, mask

    def distill_twice(scores: Tensor, mask: Tensor, targets: Any, temperature: float) -> Tensor:
        distance = 1.0 - cosine_similarity(vectors[0].float(), vectors[1].float(), dim=2)
        taught = torch.zeros(mask.shape, dtype=torch.bool)
        for row, target in enumerate(targets):
            if target is not None:
                taught[row, : len(target.taught)] = torch.tensor(target.taught)
        return cast(Tensor, distill(scores, mask, targets, temperature)) + weight * distance[taught].sum()

    network.encode = encode_twice  # type: ignore[method-assign]
    network.head.distill_loss = distill_twice  # type: ignore[method-assign,assignment]


def copy_weights(nlp: Language) -> dict[str, Tensor]:
    """Copy the weights of the xner."""
    return {name: weight.detach().clone() for name, weight in get_network(nlp).state_dict().items()}


def average_weights(nlp: Language, before: dict[str, Tensor], dev: Sequence[Doc], teacher: Language) -> float:
    """Average the encoder's weights with those of before, by the share of the new ones that is best on dev.

    Old labels of dev are those that the teacher finds outside new ones. The head keeps its new weights.

    Returns:
        The share, from 0 to 1.
    """
    for doc, guess in zip(dev, teacher.pipe([doc.text for doc in dev]), strict=True):
        old = [Span(doc, ent.start, ent.end, label=ent.label_) for ent in guess.ents]
        new = {token.i for ent in doc.ents for token in ent}
        doc.ents = filter_spans([*doc.ents, *(ent for ent in old if not new & {token.i for token in ent})])
    after = copy_weights(nlp)
    scores = {}
    for share in SHARES:
        _set_share(nlp, before, after, share)
        scores[share] = count_entities(predict(nlp, dev)).micro()["f"]
    best = max(scores, key=lambda share: scores[share])
    _set_share(nlp, before, after, best)
    return best


def balance_norms(nlp: Language, new: Container[str]) -> None:
    """Scale the output rows of new labels, and their biases, to the mean norm of those of old labels."""
    head = cast(SoftmaxHead | CRFHead, get_network(nlp).head)
    labels = head.tags.tag_labels
    is_new = torch.tensor([label in new for label in labels])
    is_old = torch.tensor([label is not None for label in labels]) & ~is_new
    with torch.no_grad():
        norms = head.output.weight.norm(dim=1)
        scale = norms[is_old].mean() / norms[is_new].mean()
        head.output.weight[is_new] *= scale
        head.output.bias[is_new] *= scale


def _set_share(nlp: Language, before: dict[str, Tensor], after: dict[str, Tensor], share: float) -> None:
    network = get_network(nlp)
    mixed = {
        name: torch.lerp(before[name], weight, share)
        if weight.is_floating_point() and not name.startswith("head.")
        else weight
        for name, weight in after.items()
    }
    network.eval()
    network.load_state_dict(mixed)
