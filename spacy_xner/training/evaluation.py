"""How a training scores dev: each of several processes predicts its share, and the first scores all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.training.loop import create_evaluation_callback

from ..nn.runtime.exchange import add_up, collect, first_value
from ..nn.runtime.processes import own_share, rank, world_size

Scores = dict[str, Any]
Corpus = Callable[[Language], Iterable[Example]]


def make_evaluate(
    nlp: Language, corpus: Corpus, weights: Mapping[str, float | None]
) -> Callable[[], tuple[float, Scores]]:
    """Return what scores a corpus: the weighted score that `spacy train` compares, and all scores."""
    if world_size() == 1:
        return create_evaluation_callback(nlp, corpus, weights)  # type: ignore[arg-type]  # spaCy drops None itself
    return create_evaluation_callback(_Together(nlp), lambda _: corpus(nlp), weights)  # type: ignore[arg-type]  # what it needs of a Language


class _Together:
    """The part of a pipeline that scores, as `Language.evaluate` does."""

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self.pipe_names = nlp.pipe_names

    def evaluate(self, examples: Iterable[Example]) -> Scores:
        """Score examples, the same in each process."""
        examples = list(examples)
        share = own_share([len(eg.reference) for eg in examples])
        scorer = _GatheringScorer(self._nlp, examples, share)
        scores = self._nlp.evaluate([examples[i] for i in share], scorer=scorer)  # type: ignore[arg-type]  # what it needs of a Scorer
        return scores | {"speed": add_up(scores["speed"])}


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
