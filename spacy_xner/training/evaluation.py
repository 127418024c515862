"""How a training scores dev: each of several processes predicts its share, and the first scores all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.training.loop import create_evaluation_callback
from spacy.util import minibatch

from ..nn.runtime.exchange import add_up, collect, first_value
from ..nn.runtime.processes import own_share, rank, world_size
from ..pipeline.component import Component

# Where the scores have the losses on dev by component.
LOSSES = "dev_losses"
Scores = dict[str, Any]
Corpus = Callable[[Language], Iterable[Example]]


def make_evaluate(
    nlp: Language, corpus: Corpus, weights: Mapping[str, float | None], *, with_losses: bool = False
) -> Callable[[], tuple[float, Scores]]:
    """Return what scores a corpus: the weighted score that `spacy train` compares, and all scores.

    Args:
        nlp: The pipeline.
        corpus: The corpus.
        weights: Weights of the scores.
        with_losses: Whether the scores also have the losses, `LOSSES`, for which each text runs through the
            model once more.
    """
    if world_size() == 1 and not with_losses:
        return create_evaluation_callback(nlp, corpus, weights)  # type: ignore[arg-type]  # spaCy drops None itself
    return create_evaluation_callback(_Together(nlp, with_losses=with_losses), lambda _: corpus(nlp), weights)  # type: ignore[arg-type]  # what it needs of a Language


class _Together:
    """The part of a pipeline that scores, as `Language.evaluate` does."""

    def __init__(self, nlp: Language, *, with_losses: bool) -> None:
        self._nlp = nlp
        self._with_losses = with_losses
        self.pipe_names = nlp.pipe_names

    def evaluate(self, examples: Iterable[Example]) -> Scores:
        """Score examples, the same in each process."""
        examples = list(examples)
        losses = self._compute_losses(examples) if self._with_losses else {}
        if world_size() == 1:
            return self._nlp.evaluate(examples) | losses
        share = own_share([len(eg.reference) for eg in examples])
        scorer = _GatheringScorer(self._nlp, examples, share)
        scores = self._nlp.evaluate([examples[i] for i in share], scorer=scorer)  # type: ignore[arg-type]  # what it needs of a Scorer
        return scores | {"speed": add_up(scores["speed"])} | losses

    def _compute_losses(self, examples: Sequence[Example]) -> Scores:
        """Compute the mean loss of each component; each process computes those of its share."""
        share = own_share([len(eg.reference) for eg in examples])
        batches = [*minibatch((examples[i] for i in share), self._nlp.batch_size)]  # type: ignore[no-untyped-call]
        losses = {}
        for name, pipe in self._nlp.pipeline:
            if isinstance(pipe, Component) and not pipe.model.layers:
                sums = [pipe.sum_loss(batch) for batch in batches]
                total, n_annotated = (add_up(sum(part)) for part in zip((0.0, 0), *sums, strict=True))
                losses[name] = total / max(n_annotated, 1)
        return {LOSSES: losses}


class _GatheringScorer:
    """Scores all examples once each process has predicted its share.

    Args:
        nlp: The pipeline.
        examples: All of them.
        share: The numbers of those that this process has predicted.
    """

    def __init__(self, nlp: Language, examples: Sequence[Example], share: Sequence[int]) -> None:
        self._nlp = nlp
        self._examples = examples
        self._share = share

    def score(self, examples: Sequence[Example], *, per_component: bool = False) -> Scores:
        """Score all examples in process 0, whose scores are those of all."""
        own = [(number, eg.predicted.to_bytes()) for number, eg in zip(self._share, examples, strict=True)]
        scores: Scores = {}
        parts = collect(own)
        if rank() == 0:
            docs = {number: data for part in parts for number, data in part}
            vocab = self._nlp.vocab
            joined = [
                Example(Doc(vocab).from_bytes(docs[number]), eg.reference)
                for number, eg in enumerate(self._examples)
            ]
            scores = Scorer(self._nlp).score(joined, per_component=per_component)
        return first_value(scores)
