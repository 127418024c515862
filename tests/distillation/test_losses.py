"""The weights of the losses of gold and teacher, and what each is divided by, against hand-worked numbers."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from spacy.language import Language
from spacy.training import Example

from spacy_xner.distillation.text_teacher import build_text_teacher_v1
from spacy_xner.loading import load
from spacy_xner.nn.heads.distill import STUDENT_FLOOR
from spacy_xner.types import TextGold

from ..conftest import make_examples, make_nlp, train_nlp
from ..pipeline import test_xcat
from ..test_cli import ROOT

# Enough to differ from a uniform distribution, and not to be sure of anything.
N_STEPS = 5


@pytest.fixture(scope="module")
def still(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder without dropout, so that a loss is that of the predictions."""
    folder = tmp_path_factory.mktemp("still") / "encoder"
    shutil.copytree(tiny, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def teachers(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Teachers that have hardly learned anything: all probabilities are far from 0 and 1."""
    folder = tmp_path_factory.mktemp("teachers")
    train_nlp(tiny, n_steps=N_STEPS).to_disk(folder / "xner")
    nlp = test_xcat.make_nlp(tiny)
    test_xcat.train(nlp, test_xcat.ONE, n_steps=N_STEPS)
    nlp.to_disk(folder / "xcat")
    return {name: folder / name for name in ("xner", "xcat")}


def make_student(
    encoder: Path, name: str, teacher: Path | None = None, head: str = "SoftmaxHead", **settings: Any
) -> tuple[Language, list[Example]]:
    """Make an untrained student, always the same, and its examples."""
    nlp = make_nlp(encoder, head) if name == "xner" else test_xcat.make_nlp(encoder)
    examples = make_examples(nlp) if name == "xner" else test_xcat.make_examples(nlp, test_xcat.ONE)
    if teacher is not None:
        kind = "Teacher" if name == "xner" else "TextTeacher"
        block = {"@misc": f"spacy_xner.{kind}.v1", "name": str(teacher), **settings}
        nlp.config["initialize"]["components"][name] = {"teacher": block}
    torch.manual_seed(1)
    nlp.initialize(lambda: examples)
    return nlp, examples


def loss_of(nlp: Language, examples: list[Example]) -> float:
    """Return the loss of a batch, without changing the weights."""
    (loss,) = nlp.update(examples, drop=0.0, sgd=False).values()
    return loss


@pytest.mark.parametrize("name", ["xner", "xcat"])
def test_alpha_weighs_the_losses_of_gold_and_teacher(
    still: Path, teachers: dict[str, Path], name: str
) -> None:
    losses = {
        alpha: loss_of(*make_student(still, name, teachers[name], alpha=alpha)) for alpha in (0.0, 0.25, 1.0)
    }
    assert losses[1.0] == pytest.approx(loss_of(*make_student(still, name)), rel=1e-5)
    assert losses[0.0] != pytest.approx(losses[1.0], rel=0.05)
    assert losses[0.25] == pytest.approx(0.25 * losses[1.0] + 0.75 * losses[0.0], rel=1e-5)


def tag_probs(nlp: Language, docs: list[Any]) -> list[NDArray[np.float64]]:
    """Return the log-probabilities of the tags of each text, in the order of their names."""
    targets = nlp.get_pipe("xner").soft_targets(docs)
    return [soft.log_probs[:, np.argsort(soft.tags)].astype(np.float64) for soft in targets]


def cat_probs(nlp: Language, docs: list[Any]) -> list[NDArray[np.float64]]:
    """Return the log-probabilities of the labels of each text, one row each."""
    return [np.log([[doc.cats[label] for label in sorted(doc.cats)]]) for doc in nlp.pipe(docs)]


@pytest.mark.parametrize(("name", "read"), [("xner", tag_probs), ("xcat", cat_probs)])
@pytest.mark.parametrize("size", [1, 4])
def test_teachers_loss_is_the_mean_over_what_it_teaches(
    still: Path,
    teachers: dict[str, Path],
    name: str,
    read: Callable[..., list[NDArray[np.float64]]],
    size: int,
) -> None:
    every = {"tokens": "all"} if name == "xner" else {}
    nlp, examples = make_student(still, name, teachers[name], alpha=0.0, temperature=1.0, **every)
    batch = examples[:size]
    # Each token or text counts once, in whatever group it goes through the network.
    student = read(nlp, [eg.predicted.copy() for eg in batch])
    teacher = read(load(str(teachers[name]), "cpu"), [eg.predicted.copy() for eg in batch])
    rows = [(np.exp(t) * (t - s)).sum(axis=1) for t, s in zip(teacher, student, strict=True)]
    assert loss_of(nlp, batch) == pytest.approx(np.concatenate(rows).mean(), rel=0.01)


def test_gold_loss_is_the_mean_over_annotated_tokens(still: Path) -> None:
    nlp, examples = make_student(still, "xner")
    docs = [eg.predicted.copy() for eg in examples]
    targets = nlp.get_pipe("xner").soft_targets(docs)
    lost: list[float] = []
    for eg, soft in zip(examples, targets, strict=True):
        for token, log_probs in zip(eg.reference, soft.log_probs, strict=True):
            tag = f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O"
            lost.append(-log_probs[soft.tags.index(tag)])
    assert loss_of(nlp, examples) == pytest.approx(np.mean(lost), rel=1e-4)


def other_recipe(
    student: torch.Tensor, teacher: torch.Tensor, gold: torch.Tensor, alpha: float, t: float
) -> torch.Tensor:
    """The loss of recipes for transformers; gold is -100 at padding. Shapes: (batch, positions, tags)."""
    gold_loss = F.cross_entropy(student.flatten(0, 1), gold.flatten(), ignore_index=-100)
    soft, wanted = F.log_softmax(student / t, dim=-1), F.softmax(teacher / t, dim=-1)
    return (1 - alpha) * gold_loss + alpha * t * t * F.kl_div(soft, wanted, reduction="batchmean")


@pytest.mark.issue(29)
# The gold loss of a CRF is no cross-entropy of tokens.
@pytest.mark.parametrize(("head", "alpha"), [("SoftmaxHead", 0.3), ("SoftmaxHead", 1.0), ("CRFHead", 1.0)])
def test_teacher_by_texts_is_that_of_other_recipes(
    still: Path, teachers: dict[str, Path], head: str, alpha: float
) -> None:
    settings = {"tokens": "all", "open_labels": False, "normalize": "texts", "temperature": 3.0}
    nlp, examples = make_student(still, "xner", teachers["xner"], head, alpha=1.0 - alpha, **settings)
    docs = [eg.predicted.copy() for eg in examples]
    names = nlp.get_pipe("xner").soft_targets(docs)[0].tags
    tags = [[f"{t.ent_iob_}-{t.ent_type_}".rstrip("-") for t in eg.reference] for eg in examples]
    gold = [torch.tensor([names.index(tag) for tag in row]) for row in tags]
    # Of a CRF, these are the marginals. At padding, all are 0, where recipes have what the networks compute.
    scores = [
        torch.nn.utils.rnn.pad_sequence(
            [
                torch.tensor(soft.log_probs[:, [soft.tags.index(name) for name in names]]).double()
                for soft in each.get_pipe("xner").soft_targets([doc.copy() for doc in docs])
            ],
            batch_first=True,
        )
        for each in (nlp, load(str(teachers["xner"]), "cpu"))
    ]
    padded = torch.nn.utils.rnn.pad_sequence(gold, batch_first=True, padding_value=-100)
    # What is illegal to a CRF is not impossible in the loss, which would be infinite.
    wanted = other_recipe(scores[0].clamp(min=STUDENT_FLOOR), scores[1], padded, alpha, 3.0)
    assert loss_of(nlp, examples) == pytest.approx(wanted.item(), rel=2e-3)


@pytest.mark.issue(29)
@pytest.mark.parametrize("head", ["SoftmaxHead", "CRFHead", "PointerHead", "GlobalPointerHead"])
def test_alpha_of_other_recipes(still: Path, teachers: dict[str, Path], head: str) -> None:
    """With the alpha of the formula in the guide, both losses are the same but for a constant."""
    theirs, taught = 0.4, {"tokens": "all"}
    losses = {}
    n_tokens = sum(len(eg.predicted) for eg in make_examples(make_nlp(still)))
    positions = n_tokens / 4
    ours = (1 - theirs) / (1 - theirs + theirs * positions)
    for normalize, alpha in (("texts", 1 - theirs), ("tokens", ours)):
        made = make_student(still, "xner", teachers["xner"], head, alpha=alpha, normalize=normalize, **taught)
        losses[normalize] = loss_of(*made)
    assert losses["texts"] == pytest.approx(losses["tokens"] * (1 - theirs + theirs * positions), rel=1e-5)


def test_table_of_alphas_is_that_of_the_formula() -> None:
    guide = (ROOT / "docs" / "guides" / "add-labels.md").read_text("utf-8")
    (lengths,) = re.findall(r"\| n = (\d+) \| n = (\d+) \| n = (\d+) \|", guide)
    rows = re.findall(r"^\| (0\.\d) \| (0\.\d+) \| (0\.\d+) \| (0\.\d+) \|$", guide, re.MULTILINE)
    assert len(rows) == 3
    for a, *ours in ([float(cell) for cell in row] for row in rows):
        assert ours == [round((1 - a) / (1 - a + a * int(n)), 3) for n in lengths]


def test_a_text_with_a_new_label_is_taught_in_part(teachers: dict[str, Path]) -> None:
    nlp = load(str(teachers["xcat"]), "cpu")
    old = nlp.get_pipe("xcat").labels[0]
    examples = [Example(nlp.make_doc("DHL"), nlp.make_doc("DHL"))]
    teacher = build_text_teacher_v1(str(teachers["xcat"]), alpha=0.5)
    teacher.initialize(
        lambda: examples, nlp, labels=(old, "new"), device="cpu", read_gold=lambda _: [TextGold({})]
    )
    assert teacher.old == {old}
    cats = [{old: 1.0, "new": 0.0}, {old: 0.0, "new": 1.0}, {old: 0.0, "new": 0.0}, {"new": 0.5}, {}]
    docs = [nlp.make_doc("DHL") for _ in cats]
    batch = teacher.augment_batch(docs, [TextGold(each) for each in cats])
    assert [target is not None and target.partial for target in batch.targets] == [
        False, True, False, False, False
    ]  # fmt: skip
    assert (batch.docs, batch.alpha, batch.temperature, batch.n_unlabelled) == (docs, 0.5, 2.0, 0)


def test_unlabelled_texts_are_taught_alone(teachers: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("Bo\n \nAl\n", encoding="utf-8")
    teacher = build_text_teacher_v1(
        str(teachers["xcat"]), texts=str(tmp_path / "texts.txt"), texts_share=0.5, temperature=3.0
    )
    labels = load(str(teachers["xcat"]), "cpu").get_pipe("xcat").labels
    teacher.initialize(lambda: [], None, labels=labels, device="cpu", read_gold=lambda _: [])
    docs = [teacher.model.nlp.make_doc("DHL") for _ in range(2)]
    taken = [teacher.augment_batch(docs, [TextGold({})] * 2) for _ in range(3)]
    assert [[doc.text for doc in batch.docs] for batch in taken] == [
        ["DHL", "DHL", text] for text in ("Bo", "Al", "Bo")
    ]
    assert (taken[0].gold[2], taken[0].n_unlabelled, taken[0].temperature) == (TextGold({}), 1, 3.0)
    assert taken[0].targets[2] is not None
