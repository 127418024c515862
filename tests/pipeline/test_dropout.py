"""Dropout that training asks for reaches the token vectors, and predictions never."""

import math
from pathlib import Path

import pytest
import torch
from spacy.language import Language
from spacy.training import Example

from spacy_xner.models.execution import get_execution

from ..conftest import make_examples, make_nlp
from . import test_xcat


def make_xner(tiny: Path) -> tuple[Language, list[Example]]:
    nlp = make_nlp(tiny)
    return nlp, make_examples(nlp)


def make_xcat(tiny: Path) -> tuple[Language, list[Example]]:
    nlp = test_xcat.make_nlp(tiny)
    return nlp, test_xcat.make_examples(nlp, test_xcat.ONE)


@pytest.mark.parametrize("make", [make_xner, make_xcat])
def test_dropout_of_an_update_is_of_the_token_vectors(tiny: Path, make: object) -> None:
    torch.manual_seed(0)
    nlp, examples = make(tiny)  # type: ignore[operator]
    nlp.initialize(lambda: examples)
    name = nlp.pipe_names[-1]
    head = get_execution(nlp.get_pipe(name).model).network.head
    torch.nn.init.normal_(head.output.weight)
    texts = [eg.text for eg in examples]
    predict = [head_scores(nlp, text) for text in texts]

    # Where all vectors are dropped, all tags or labels are equally likely: the head's biases are 0.
    losses = nlp.update(examples, drop=1.0, sgd=False)
    assert losses[name] == pytest.approx(math.log(head.output.out_features))
    plain = nlp.update(examples, drop=0.0, sgd=False)[name]
    assert plain != pytest.approx(losses[name], rel=0.01)
    # The same vectors are dropped where the seed is the same.
    halves = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        halves.append(nlp.update(examples, drop=0.5, sgd=False)[name])
    assert halves[0] == halves[1] != halves[2]

    nlp.update(examples, drop=1.0, sgd=False)
    for text, scores in zip(texts, predict, strict=True):
        torch.testing.assert_close(head_scores(nlp, text), scores, rtol=0, atol=0)


def head_scores(nlp: Language, text: str) -> torch.Tensor:
    pipe = nlp.get_pipe(nlp.pipe_names[-1])
    scores: torch.Tensor = pipe.model.predict([nlp.make_doc(text)]).scores
    return scores
