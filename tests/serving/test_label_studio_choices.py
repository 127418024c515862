"""Training on finished annotations of whole texts."""

from pathlib import Path

import pytest
import spacy

from spacy_xner.serving.label_studio import job
from spacy_xner.serving.label_studio.folder import TrainFolder
from tests.pipeline.test_xcat import make_nlp, train
from tests.serving.label_studio_annotations import KEPT, TRAINED, store, write_source

CONFIG = """<View><Choices name="kind" toName="t"><Choice value="order"/><Choice value="complaint"/></Choices>
<Text name="t" value="$text"/></View>"""


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> TrainFolder:
    """A pipeline that takes every text for an order."""
    nlp = make_nlp(tiny, "ExclusiveHead")
    train(nlp, {"Anna, box 1": ["order"], "Anna, box 2": ["order"], "Bo": ["complaint"]})
    path = tmp_path / "texts"
    write_source(nlp, path, tiny, task="textcat")
    return TrainFolder(tmp_path / "labelled", str(path))


def test_a_classifier_learns_what_annotators_chose(folder: TrainFolder):
    result = {"type": "choices", "from_name": "kind", "value": {"choices": ["complaint"]}}
    store(folder, [*KEPT[:6], *TRAINED[:24]], CONFIG, result)
    before = spacy.load(folder.source)
    assert before(KEPT[0]).cats["order"] > 0.5
    assert job.run(folder, "cpu").startswith("model 1 takes over: 1.0000, before 0.0000, on 6 kept texts")
    after = spacy.load(folder.find_model(1))
    assert all(after(text).cats["complaint"] > 0.5 for text in KEPT)
    assert {*after.get_pipe("xcat").labels} == {"order", "complaint"}  # type: ignore[attr-defined]
