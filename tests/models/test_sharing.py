"""One encoder for two components: runs once per text, is trained by both or by one, is saved once."""

import math
import pickle
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.training import Example

from spacy_xner.errors import NonFiniteError
from spacy_xner.models import vector_cache
from spacy_xner.models.execution import get_execution
from spacy_xner.models.vector_cache import VectorCache
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, TOKENIZER, entities_of, make_examples, make_nlp

TEXTS = [text for text, _ in SLIPS]


def make_pair(tiny: Path, *, train: bool = True, component: str = "xner") -> Language:
    """Build a pipeline of xner and an xcat that shares its encoder."""
    nlp = make_nlp(tiny)
    encoder = {"@architectures": "spacy_xner.SharedEncoder.v1", "component": component, "train": train}
    nlp.add_pipe("xcat", config={"model": {"encoder": encoder}, "device": "cpu"})
    return nlp


def annotate(nlp: Language) -> list[Example]:
    """Label each toy slip by whether it is in Latin script."""
    examples = make_examples(nlp)
    for eg in examples:
        is_latin = eg.reference.text.isascii()
        eg.reference.cats = {"latin": float(is_latin), "other": float(not is_latin)}
    return examples


def train_pair(tiny: Path, n_steps: int = 40) -> Language:
    """Overfit both components."""
    torch.manual_seed(0)
    nlp = make_pair(tiny)
    examples = annotate(nlp)
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3, head_factor=2.0)
    for _ in range(n_steps):
        nlp.update(examples, sgd=sgd)
    return nlp


@pytest.fixture(scope="module")
def pair(tiny: Path) -> Language:
    """Train both components at once. Tests must not change the result."""
    return train_pair(tiny)


def count_runs(nlp: Language) -> list[int]:
    """Return a list to which each later run of the encoder adds an item."""
    runs: list[int] = []
    transformer = get_execution(nlp.get_pipe("xner").model).network.encoder.transformer
    transformer.register_forward_hook(lambda *_: runs.append(1))
    return runs


def test_shared_encoder_serves_both_components(pair: Language) -> None:
    scores = pair.evaluate(annotate(pair))
    assert scores["ents_f"] == scores["cats_acc"] == 1.0


def test_shared_encoder_runs_once_per_text(pair: Language) -> None:
    nlp = pickle.loads(pickle.dumps(pair))
    runs = count_runs(nlp)
    nlp(TEXTS[0])
    assert len(runs) == 1
    list(nlp.pipe(TEXTS))
    assert len(runs) == 2


def test_shared_encoder_is_saved_once(pair: Language, tmp_path: Path) -> None:
    pair.to_disk(tmp_path)
    names = {file.name for file in (tmp_path / "xcat" / "model").iterdir()}
    assert names == {"weights.safetensors", "xner.json"}
    assert (tmp_path / "xcat" / "model" / "weights.safetensors").stat().st_size < 10_000
    expected = [(entities_of(doc), doc.cats) for doc in pair.pipe(TEXTS)]
    for nlp in (spacy.load(tmp_path), pickle.loads(pickle.dumps(pair))):
        runs = count_runs(nlp)
        for text, (entities, cats) in zip(TEXTS, expected, strict=True):
            doc = nlp(text)
            assert entities_of(doc) == entities
            assert doc.cats == pytest.approx(cats, abs=1e-5)
        assert len(runs) == len(TEXTS)


def test_shared_encoder_runs_while_its_component_is_disabled(pair: Language) -> None:
    expected = [doc.cats for doc in pair.pipe(TEXTS)]
    with pair.select_pipes(disable=["xner"]):
        predicted = [doc.cats for doc in pair.pipe(TEXTS)]
    assert predicted == [pytest.approx(cats, abs=1e-5) for cats in expected]


def test_sharing_n_process_equals_one_process(pair: Language) -> None:
    expected = [doc.cats for doc in pair.pipe(TEXTS * 2)]
    predicted = [doc.cats for doc in pair.pipe(TEXTS * 2, n_process=2, batch_size=2)]
    assert predicted == [pytest.approx(cats, abs=1e-5) for cats in expected]


@pytest.mark.parametrize("train", [True, False])
def test_shared_encoder_gets_gradients_only_if_trained(tiny: Path, train: bool) -> None:
    nlp = make_pair(tiny, train=train)
    examples = annotate(nlp)
    nlp.initialize(lambda: examples)
    module = get_execution(nlp.get_pipe("xner").model).network
    nlp.get_pipe("xcat").update(examples)
    grads = [p.grad is not None for p in module.encoder.parameters()]
    assert any(grads) == train


def test_frozen_component_stays_byte_equal(tiny: Path) -> None:
    nlp = make_pair(tiny, train=False)
    examples = annotate(nlp)
    nlp.initialize(lambda: examples)
    before = nlp.get_pipe("xner").to_bytes()
    head = nlp.get_pipe("xcat").to_bytes()
    nlp.update(examples, sgd=build_adamw_v1(), exclude=["xner"])
    assert nlp.get_pipe("xner").to_bytes() == before
    assert nlp.get_pipe("xcat").to_bytes() != head


def test_cache_is_cleared_when_weights_change(tiny: Path) -> None:
    nlp = train_pair(tiny, n_steps=1)
    examples = annotate(nlp)
    doc = nlp.make_doc(TEXTS[0])
    nlp.get_pipe("xner")(doc)
    nlp.update(examples, sgd=build_adamw_v1(learn_rate=5e-3))
    assert get_execution(nlp.get_pipe("xner").model).cache.get(doc) is None


def test_component_without_token_vectors_cannot_be_shared(tiny: Path) -> None:
    nlp = make_pair(tiny, component="missing")
    examples = annotate(nlp)
    with pytest.raises(ValueError, match="found none in 'missing'"):
        nlp.initialize(lambda: examples)
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    encoder = {"@architectures": "spacy_xner.SharedEncoder.v1", "component": "sentencizer"}
    with pytest.raises(ValueError, match="A shared encoder must belong to an xner or xcat component"):
        nlp.add_pipe("xcat", config={"model": {"encoder": encoder}})


def test_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_cache, "MAX_TOKENS", 5)
    nlp, cache = spacy.blank("xx"), VectorCache()
    docs = [nlp("a b"), nlp("c d e"), nlp("f")]
    cache.put(docs, torch.arange(18.0).reshape(3, 3, 2))
    assert cache.get(docs[0]) is None
    rows = cache.get(docs[1])
    assert rows is not None
    assert rows.tolist() == [[6, 7], [8, 9], [10, 11]]
    assert cache.get(docs[2]) is not None


def test_cache_does_not_keep_docs_alive() -> None:
    nlp, cache = spacy.blank("xx"), VectorCache()
    doc = nlp("a")
    cache.put([doc], torch.zeros(1, 1, 2))
    del doc
    assert not cache._new


def test_shared_encoder_is_trained_by_the_borrower_alone(tiny: Path) -> None:
    nlp = make_pair(tiny)
    examples = annotate(nlp)
    nlp.initialize(lambda: examples)
    module = get_execution(nlp.get_pipe("xner").model).network
    before = {name: value.clone() for name, value in module.encoder.state_dict().items()}
    nlp.update(examples, sgd=build_adamw_v1(learn_rate=5e-3), exclude=["xner"])
    assert all(parameter.grad is None for parameter in module.parameters())
    assert any(not torch.equal(value, before[name]) for name, value in module.encoder.state_dict().items())


@pytest.fixture
def unsure(tiny: Path) -> tuple[Language, list[Example]]:
    """Return a pipeline of both components after one update, and its examples."""
    nlp = train_pair(tiny, n_steps=1)
    return nlp, annotate(nlp)


def test_a_borrower_whose_loss_is_not_finite_leaves_no_gradients(
    unsure: tuple[Language, list[Example]],
) -> None:
    nlp, examples = unsure
    owner, borrower = (get_execution(nlp.get_pipe(name).model).network for name in ("xner", "xcat"))
    weights = {name: value.clone() for name, value in owner.state_dict().items()}
    bias = borrower.head.output.bias
    with torch.no_grad():
        kept = bias.clone()
        bias.fill_(math.nan)
    with pytest.raises(NonFiniteError, match=r"found a loss of nan at update 2 of 'xcat'"):
        nlp.update(examples, sgd=build_adamw_v1(), exclude=["xner"])
    assert all(parameter.grad is None for parameter in [*owner.parameters(), *borrower.parameters()])
    assert all(torch.equal(value, weights[name]) for name, value in owner.state_dict().items())
    with torch.no_grad():
        bias.copy_(kept)
    assert math.isfinite(sum(nlp.update(examples, sgd=build_adamw_v1()).values()))


def test_a_borrower_whose_gradient_is_not_finite_leaves_none_to_its_owner(
    unsure: tuple[Language, list[Example]],
) -> None:
    nlp, examples = unsure
    pipe = nlp.get_pipe("xcat")
    pipe.update(examples)
    owner = get_execution(nlp.get_pipe("xner").model).network
    for network in (owner, get_execution(pipe.model).network):
        next(p for p in network.parameters() if p.grad is not None and not p.grad.is_sparse).grad[0] = (
            math.inf
        )
    with pytest.raises(NonFiniteError, match=r"found gradients with a norm of inf at update 2 of 'xcat'"):
        pipe.finish_update(build_adamw_v1())
    assert all(parameter.grad is None for parameter in owner.parameters())
    nlp.get_pipe("xner").update(examples, sgd=build_adamw_v1())


def test_a_frozen_encoder_keeps_the_gradients_of_its_owner(tiny: Path) -> None:
    nlp = make_pair(tiny, train=False)
    examples = annotate(nlp)
    nlp.initialize(lambda: examples)
    owner = get_execution(nlp.get_pipe("xner").model).network
    nlp.get_pipe("xner").update(examples)
    nlp.get_pipe("xcat").weights.discard_gradients()
    assert any(parameter.grad is not None for parameter in owner.parameters())


def test_borrower_must_stay_in_its_pipeline(pair: Language) -> None:
    copy = pickle.loads(pickle.dumps(pair))
    nlp = spacy.blank("xx", vocab=copy.vocab, config=TOKENIZER)
    for name in ("xner", "xcat"):
        nlp.add_pipe(name, source=copy)
    assert nlp(TEXTS[0]).cats == pytest.approx(pair(TEXTS[0]).cats, abs=1e-5)
    other = pickle.loads(pickle.dumps(pair))
    pipe = other.get_pipe("xcat")
    other.remove_pipe("xcat")
    with pytest.raises(ValueError, match="must stay in its pipeline, found it in another"):
        pipe(other.make_doc("DHL"))


def test_shared_encoder_keeps_its_precision(pair: Language) -> None:
    nlp = pickle.loads(pickle.dumps(pair))
    pipe = nlp.get_pipe("xner")
    pipe.configure(precision="bf16")
    expected = nlp(TEXTS[0]).cats
    with nlp.select_pipes(disable=["xner"]):
        assert nlp(TEXTS[0]).cats == pytest.approx(expected, abs=1e-6)
