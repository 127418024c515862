"""Finished annotations for tests of trainings."""

from pathlib import Path
from typing import Any

from spacy.language import Language
from thinc.api import Config

from spacy_xner.serving.label_studio.annotations import read_event
from spacy_xner.serving.label_studio.folder import TrainFolder
from spacy_xner.serving.label_studio.gold import is_kept
from spacy_xner.tools.starting import init_config

CONFIG = """<View><Labels name="n" toName="t">{}</Labels><Text name="t" value="$text"/></View>"""
LABELS = ("PER", "LOC", "PHONE", "COURIER")
KEPT = [f"Anna, box {n}" for n in range(200) if is_kept(f"Anna, box {n}")]
TRAINED = [f"Anna, box {n}" for n in range(200) if not is_kept(f"Anna, box {n}")]


def annotate(
    folder: TrainFolder, texts: list[str], *, part: str = "Anna", label: str = "PER", labels: Any = LABELS
) -> None:
    """Store a finished annotation of each text, with an entity at its beginning."""
    config = CONFIG.format("".join(f'<Label value="{each}"/>' for each in labels))
    value = {"start": 0, "end": len(part), "text": part, "labels": [label]}
    store(folder, texts, config, {"type": "labels", "from_name": "n", "value": value})


def store(folder: TrainFolder, texts: list[str], config: str, result: dict[str, Any]) -> None:
    """Store a finished annotation of each text, with one result."""
    for number, text in enumerate(texts, start=len(folder.annotations.list_versions())):
        event = {
            "action": "ANNOTATION_CREATED",
            "project": {"id": 1, "label_config": config},
            "task": {"id": number, "data": {"text": text}},
            "annotation": {"id": number, "result": [{"id": "r", "to_name": "t", **result}]},
        }
        assert folder.annotations.apply(read_event(event)) == 1


def write_source(nlp: Language, path: Path, encoder: Path, **init: Any) -> None:
    """Write a pipeline with a config to train it with."""
    init_config(path.with_name("my.cfg"), encoder=str(encoder), **init)
    config = Config().from_disk(path.with_name("my.cfg"), interpolate=False)
    config["vars"] |= {"learn_rate": 5e-3, "warmup_steps": 1}
    nlp.to_disk(path)
    written = Config().from_disk(path / "config.cfg", interpolate=False)
    for section in ("paths", "vars", "training", "initialize"):
        written[section] = config[section]
    written.to_disk(path / "config.cfg")
