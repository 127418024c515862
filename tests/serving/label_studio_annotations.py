"""Finished annotations for tests of trainings."""

from typing import Any

from spacy_xner.serving.label_studio.annotations import read_event
from spacy_xner.serving.label_studio.folder import TrainFolder
from spacy_xner.serving.label_studio.gold import is_kept

CONFIG = """<View><Labels name="n" toName="t">{}</Labels><Text name="t" value="$text"/></View>"""
LABELS = ("PER", "LOC", "PHONE", "COURIER")
KEPT = [f"Anna, box {n}" for n in range(200) if is_kept(f"Anna, box {n}")]
TRAINED = [f"Anna, box {n}" for n in range(200) if not is_kept(f"Anna, box {n}")]


def annotate(
    folder: TrainFolder, texts: list[str], *, part: str = "Anna", label: str = "PER", labels: Any = LABELS
) -> None:
    """Store a finished annotation of each text, with an entity at its beginning."""
    config = CONFIG.format("".join(f'<Label value="{each}"/>' for each in labels))
    for number, text in enumerate(texts, start=len(folder.annotations.list_versions())):
        value = {"start": 0, "end": len(part), "text": part, "labels": [label]}
        result = {"id": "r", "type": "labels", "from_name": "n", "to_name": "t", "value": value}
        event = {
            "action": "ANNOTATION_CREATED",
            "project": {"id": 1, "label_config": config},
            "task": {"id": number, "data": {"text": text}},
            "annotation": {"id": number, "result": [result]},
        }
        assert folder.annotations.apply(read_event(event)) == 1
