"""Training on finished annotations of whole texts."""

from pathlib import Path

import pytest
import spacy
from thinc.api import Config

from spacy_xner.serving.label_studio import job
from spacy_xner.serving.label_studio.annotations import read_event
from spacy_xner.serving.label_studio.folder import TrainFolder
from spacy_xner.tools.starting import init_config
from tests.pipeline.test_xcat import make_nlp, train
from tests.serving.label_studio_annotations import KEPT, TRAINED

CONFIG = """<View><Choices name="kind" toName="t"><Choice value="order"/><Choice value="complaint"/></Choices>
<Text name="t" value="$text"/></View>"""


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> TrainFolder:
    """A pipeline that takes every text for an order."""
    nlp = make_nlp(tiny, "ExclusiveHead")
    train(nlp, {"Anna, box 1": ["order"], "Anna, box 2": ["order"], "Bo": ["complaint"]})
    init_config(tmp_path / "my.cfg", task="textcat", encoder=str(tiny))
    config = Config().from_disk(tmp_path / "my.cfg", interpolate=False)
    config["vars"] |= {"learn_rate": 5e-3, "warmup_steps": 1}
    path = tmp_path / "texts"
    nlp.to_disk(path)
    written = Config().from_disk(path / "config.cfg", interpolate=False)
    for section in ("paths", "vars", "training", "initialize"):
        written[section] = config[section]
    written.to_disk(path / "config.cfg")
    return TrainFolder(tmp_path / "labelled", str(path))


def annotate(folder: TrainFolder, texts: list[str], choice: str) -> None:
    """Store a finished annotation of each text."""
    for number, text in enumerate(texts):
        value = {"choices": [choice]}
        event = {
            "action": "ANNOTATION_CREATED",
            "project": {"id": 1, "label_config": CONFIG},
            "task": {"id": number, "data": {"text": text}},
            "annotation": {
                "id": number,
                "result": [
                    {"id": "r", "type": "choices", "from_name": "kind", "to_name": "t", "value": value}
                ],
            },
        }
        assert folder.annotations.apply(read_event(event)) == 1


def test_a_classifier_learns_what_annotators_chose(folder: TrainFolder):
    annotate(folder, [*KEPT[:6], *TRAINED[:24]], "complaint")
    before = spacy.load(folder.source)
    assert before(KEPT[0]).cats["order"] > 0.5
    assert job.run(folder, "cpu").startswith("model 1 takes over: 1.0000, before 0.0000, on 6 kept texts")
    after = spacy.load(folder.find_model(1))
    assert all(after(text).cats["complaint"] > 0.5 for text in KEPT)
    assert {*after.get_pipe("xcat").labels} == {"order", "complaint"}  # type: ignore[attr-defined]
