"""The ways to train on labels that arrive step by step: rows of the table of `label_steps.py`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from teacher_parts import Parts


class Row(NamedTuple):
    """A way to train the steps after the first one.

    Attributes:
        teacher: Settings of the teacher; None for no teacher.
        parts: What is added to it.
    """

    teacher: dict[str, Any] | None = None
    parts: Parts = Parts()


# All labels at once, the ceiling; no teacher, the floor; a teacher without further settings; and the first
# step, which is the same for all but the joint model.
JOINT, PLAIN, TEACHER, FIRST = "joint", "plain", "teacher", "first"
WEIGHTED: dict[str, Any] = {"entity_weight": 30.0}
ROWS: Mapping[str, Row] = {
    JOINT: Row(),
    PLAIN: Row(),
    TEACHER: Row({}),
    "entity-weight": Row(WEIGHTED),
    # What is added to that.
    "pseudo-labels": Row(WEIGHTED | {"confidence": 0.8}),
    "vocabulary": Row(WEIGHTED | {"texts": "vocabulary", "texts_share": 0.3, "scripts": ["Latin"]}),
    "logit-adjustment": Row(WEIGHTED | {"logit_adjustment": 1.0}),
    "alpha": Row(WEIGHTED | {"alpha": 0.4}),
    "thresholds": Row(WEIGHTED, Parts(thresholds=True)),
    "views": Row(WEIGHTED, Parts(views=0.3)),
    "hidden": Row(WEIGHTED, Parts(hidden=2.0)),
    "average": Row(WEIGHTED, Parts(average=True)),
    "certain": Row(WEIGHTED, Parts(certain=0.95)),
    "norms": Row(WEIGHTED, Parts(norms=True)),
    "all": Row(
        WEIGHTED | {"logit_adjustment": 1.0},
        Parts(views=0.3, thresholds=True, hidden=2.0, average=True, certain=0.95, norms=True),
    ),
}
