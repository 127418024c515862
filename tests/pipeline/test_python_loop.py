"""A training loop as people write it in Python, without a config."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example
from spacy.util import minibatch
from thinc.api import Adam, Optimizer

from spacy_xner.errors import XnerWarning
from spacy_xner.pipeline.rates import RATES, Goal, suggest_rate
from spacy_xner.training.optimizer import AdamW, build_adamw_v1

from ..conftest import SLIPS, make_examples, make_nlp


def to_examples(nlp: Language) -> list[Example]:
    """Make examples from character offsets."""
    examples = []
    for text, parts in SLIPS:
        entities = [(text.index(part), text.index(part) + len(part), label) for part, label in parts]
        examples.append(Example.from_dict(nlp.make_doc(text), {"entities": entities}))
    return examples


def test_suggested_rates() -> None:
    for width, rates in RATES.items():
        assert [suggest_rate(width, goal) for goal in get_args(Goal)] == [*rates]
    between = [suggest_rate(width) for width in range(1, 5000)]
    assert between == sorted(between, reverse=True)
    # Half of the width, four times the rate.
    assert suggest_rate(512) == pytest.approx(0.00005 * 1.5**2, rel=0.05)
    assert (suggest_rate(32), suggest_rate(9000)) == (suggest_rate(128), suggest_rate(4096))


def test_a_plain_loop_learns(tiny: Path, tmp_path: Path) -> None:
    random.seed(0)
    torch.manual_seed(0)
    nlp = make_nlp(tiny)
    examples = to_examples(nlp)
    optimizer = nlp.initialize(lambda: examples)
    assert isinstance(optimizer, AdamW)
    for _ in range(20):
        random.shuffle(examples)
        losses: dict[str, float] = {}
        for batch in minibatch(examples, size=2):
            nlp.update(batch, sgd=optimizer, losses=losses, drop=0.1)
    assert nlp.evaluate(examples)["ents_f"] > 0.85
    nlp.to_disk(tmp_path)
    loaded = spacy.load(tmp_path)
    assert isinstance(loaded.resume_training(), AdamW)
    assert loaded.config["training"]["optimizer"]["learn_rate"]["stop"] == suggest_rate(32)
    assert optimizer.learn_rate == pytest.approx(suggest_rate(32))
    # Without an optimizer, the one of the pipeline is used.
    before = loaded.get_pipe("xner").weights.execution.network.head.output.weight.clone()
    loaded.update(examples[:2])
    assert not before.equal(loaded.get_pipe("xner").weights.execution.network.head.output.weight)


# spaCy names each such entity.
@pytest.mark.filterwarnings("ignore:\\[W030\\]")
@pytest.mark.parametrize("lang", ["xx", "en"])
def test_a_tokenizer_that_loses_entities_is_named(lang: str, tiny: Path) -> None:
    nlp = spacy.blank(lang)
    nlp.add_pipe("xner", config={"model": {"encoder": {"name": str(tiny)}}, "device": "cpu"})
    lost = r"^1 tokens of spacy\.Tokenizer\.v1 hold text without spaces: .*spacy_xner\.Tokenizer\.v2"
    with pytest.warns(XnerWarning, match=lost):
        nlp.initialize(lambda: to_examples(nlp))


def test_an_optimizer_of_the_config_stays(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    nlp.config["training"]["optimizer"]["learn_rate"] = 0.002
    assert nlp.create_optimizer().learn_rate == 0.002
    assert spacy.blank("xx").create_optimizer().learn_rate == 0.001


@pytest.mark.parametrize("build", [Adam, build_adamw_v1])
def test_a_rate_that_destroys_the_encoder_is_named_once(
    tiny: Path, build: Callable[[float], Optimizer]
) -> None:
    nlp = make_nlp(tiny)
    examples = make_examples(nlp)
    nlp.initialize(lambda: examples)
    sgd = build(5 * suggest_rate(32))
    with pytest.warns(XnerWarning, match=r"learning rate must be low for an encoder .* found 0\.01,"):
        nlp.update(examples, sgd=sgd)
    # pytest makes errors of further warnings.
    nlp.update(examples, sgd=sgd)
    frozen = make_nlp(tiny, encoder_freeze=["*"])
    frozen.initialize(lambda: examples)
    frozen.update(examples, sgd=sgd)


def test_a_training_that_would_keep_an_untrained_model_is_named(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    nlp.config["training"].update(max_steps=30, eval_frequency=140)
    with pytest.warns(XnerWarning, match=r"must be at most max_steps, found 140 and 30: model-best would"):
        nlp.initialize(lambda: make_examples(nlp))
