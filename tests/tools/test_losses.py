"""The loss of a pipeline on a corpus: that of an update without dropout, whatever the batches."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from spacy.language import Language
from spacy.tokens import DocBin
from spacy.training import Example

from spacy_xner.scoring.pairs import Prediction
from spacy_xner.tools.evaluate import evaluate
from spacy_xner.tools.losses import LossSums

from ..conftest import SLIPS, make_examples, make_nlp, train_nlp
from ..pipeline import test_xcat
from ..training.test_processes import without_dropout

OPEN = 3


@pytest.fixture(scope="module")
def still(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return without_dropout(tiny, tmp_path_factory.mktemp("still") / "encoder")


def make_tagger(still: Path, head: str) -> tuple[Language, list[Example]]:
    nlp = make_nlp(still, head)
    return nlp, make_examples(nlp, [*SLIPS, *SLIPS[:1]])


def make_classifier(still: Path, head: str) -> tuple[Language, list[Example]]:
    nlp = test_xcat.make_nlp(still, head)
    texts = test_xcat.ONE if head == "ExclusiveHead" else test_xcat.TEXTS
    return nlp, test_xcat.make_examples(nlp, texts)


@pytest.mark.issue(29)
@pytest.mark.parametrize(
    ("make", "head", "unit"),
    [
        (make_tagger, "SoftmaxHead", "tokens"),
        (make_tagger, "CRFHead", "tokens"),
        (make_tagger, "PointerHead", "tokens"),
        (make_tagger, "GlobalPointerHead", "tokens"),
        (make_classifier, "ExclusiveHead", "texts"),
        (make_classifier, "MultiLabelHead", "texts"),
    ],
)
def test_loss_is_that_of_training(
    still: Path, tmp_path: Path, make: Callable[..., tuple[Language, list[Example]]], head: str, unit: str
) -> None:
    nlp, examples = make(still, head)
    torch.manual_seed(1)
    nlp.initialize(lambda: examples)
    nlp.batch_size = 2
    if unit == "tokens":
        # Tokens without annotation do not count.
        doc = examples[0].reference
        doc.set_ents([ent for ent in doc.ents if ent.start > OPEN], missing=[doc[:OPEN]], default="outside")
    wanted = nlp.update(examples, drop=0.0, sgd=False)
    nlp.to_disk(tmp_path / "nlp")
    DocBin(docs=[eg.reference for eg in examples], store_user_data=True).to_disk(tmp_path / "gold.spacy")
    (name,) = nlp.pipe_names
    loss = evaluate(tmp_path / "nlp", tmp_path / "gold.spacy", device="cpu", loss=True)["loss"]
    n = sum(map(len, nlp.pipe([eg.text for eg in examples]))) - OPEN if unit == "tokens" else len(examples)
    assert loss == {name: {"mean": pytest.approx(wanted[name], rel=1e-5), "unit": unit, "n": n}}


def test_components_without_annotation_have_no_loss(trained: Language) -> None:
    losses = LossSums(trained)
    docs = [Prediction(trained(text), trained.make_doc(text)) for text, _ in SLIPS]
    losses.add(docs)
    assert losses.report() == {}


def test_loss_without_dropout_leaves_the_weights_alone(tiny: Path) -> None:
    """The encoder has dropout, but not here; nothing is accumulated for an update."""
    nlp = train_nlp(tiny, "CRFHead", n_steps=2)
    pipe, examples = nlp.get_pipe("xner"), make_examples(nlp)
    sums = [pipe.sum_loss(examples) for _ in range(2)]
    assert sums[0] == sums[1]
    assert all(weight.grad is None for weight in pipe.weights.execution.network.parameters())
