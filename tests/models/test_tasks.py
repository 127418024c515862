"""Tasks: stateless values in a model's attributes, and the accessors of a model's network."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from thinc.api import Linear, Model, chain

from spacy_xner.models import adopted_entity
from spacy_xner.models.adopted import AdoptedTokens
from spacy_xner.models.adopted_entity import AdoptedEntityTask
from spacy_xner.models.entity import EntityTask
from spacy_xner.models.execution import get_execution
from spacy_xner.models.shim import get_shim
from spacy_xner.models.text import TextTask
from spacy_xner.pipeline.interfaces import Adopted, Distillable, Sharable, Teachable

from ..conftest import TOKENIZER, make_examples, make_nlp, write_checkpoint
from .test_adopted_entity import BIO

TASKS = [EntityTask(is_nested=True), TextTask(exclusive=False), AdoptedEntityTask("first", "strict")]


@pytest.mark.parametrize("task", TASKS)
def test_tasks_survive_copies(task: object) -> None:
    model: Model = Model("test", lambda model, X, is_train: (X, lambda dY: dY), attrs={"task": task})
    assert pickle.loads(pickle.dumps(task)) == task
    assert model.copy().attrs["task"] == task
    assert copy.deepcopy(model).attrs["task"] == task
    assert model.from_bytes(model.to_bytes()).attrs["task"] == task


def test_tasks_implement_their_protocols() -> None:
    entity, text, adopted = TASKS
    assert all(isinstance(entity, kind) for kind in (Distillable, Teachable, Sharable))
    assert isinstance(text, Distillable)
    assert not isinstance(text, Teachable)
    assert isinstance(adopted, Adopted)
    assert not isinstance(adopted, Distillable)


@pytest.mark.parametrize(
    ("head", "is_nested"),
    [("SoftmaxHead", False), ("CRFHead", False), ("PointerHead", True), ("GlobalPointerHead", True)],
)
def test_is_nested_is_known_before_initialization(
    tiny: Path, head: str, is_nested: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Reading it must not create a head.
    monkeypatch.setattr("torch.nn.Module.__init__", lambda *args: pytest.fail("a module was created"))
    assert make_nlp(tiny, head).get_pipe("xner").is_nested == is_nested


def test_checkpoint_is_loaded_once_by_many_threads(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint(tmp_path, tiny, BIO)
    loads = []
    design = AdoptedTokens()

    class Counting(AdoptedTokens):
        def load(self, settings):  # type: ignore[no-untyped-def]
            loads.append(settings.name)
            return design.load(settings)

    monkeypatch.setattr(adopted_entity, "DESIGN", Counting())
    nlp = spacy.blank("xx", config=TOKENIZER)
    model = {"@architectures": "spacy_xner.CheckpointModel.v1", "name": str(tmp_path)}
    pipe = nlp.add_pipe("xner", config={"model": model, "device": "cpu"})
    assert loads == []
    docs = [nlp.make_doc("李娜 Anna DHL")] * 8
    with ThreadPoolExecutor(8) as pool:
        predictions = list(pool.map(lambda doc: pipe.predict([doc]), docs))
    assert loads == [str(tmp_path)]
    assert all(entities == predictions[0] for entities in predictions)


def test_adopted_checkpoint_cannot_be_a_student(tiny: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path, tiny, BIO)
    nlp = spacy.blank("xx", config=TOKENIZER)
    model = {"@architectures": "spacy_xner.CheckpointModel.v1", "name": str(tmp_path)}
    pipe = nlp.add_pipe("xner", config={"model": model, "device": "cpu"})
    with pytest.raises(ValueError, match="must have a model that can learn from a teacher"):
        pipe.initialize(lambda: make_examples(nlp), nlp=nlp, teacher=object())


def test_get_shim_refuses_models_of_other_packages(trained: Language) -> None:
    model = trained.get_pipe("xner").model
    assert get_shim(model).execution is get_execution(model)
    with pytest.raises(TypeError, match=r"The model must be from spacy_xner, found 'linear>>linear'"):
        get_shim(chain(Linear(), Linear()))
