"""Label Studio's protocol of machine-learning backends.

Source: Label Studio's `ml.api_connector.MLApi` and `webhooks.utils`, of version 1.23.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from fastapi import APIRouter

from ...corpus.annotation.offsets import has_bad
from ..batch import PredictOptions
from ..engine import Engine
from ..errors import BODY_ERRORS, RequestError, describe_errors
from ..log import logger
from .annotations import read_event
from .interface import Interface, read_interface
from .pipelines import describe
from .results import Answer, Known, Region, make_prediction
from .schemas import (
    EventAnswer,
    PredictionRow,
    Predictions,
    SetupAnswer,
    SetupRequest,
    TasksRequest,
    VersionsAnswer,
)
from .trainer import Trainer

# Texts of a request that wait for the model at once: Label Studio sends all tasks of a project together.
CHUNK = 64
NO_FOLDER = "Training must have a folder, but the service was started without one. Add --train-folder."

read_cached = lru_cache(maxsize=64)(read_interface)


class Backend:
    """Answers Label Studio with the default model of an engine.

    Args:
        engine: The engine.
        trainer: Trains on what is annotated; None if nothing does.

    Attributes:
        number: Number of the current model; 0 for the one that the service was started with at first.
    """

    def __init__(self, engine: Engine, trainer: Trainer | None = None) -> None:
        self.engine = engine
        self.trainer = trainer
        self.number = 0 if trainer is None else trainer.model

    @property
    def version(self) -> str:
        """Version of the current model, by which Label Studio tells predictions apart."""
        name = self.engine.find(None)
        version = f"{name}-{self.engine.models[name].meta['version']}"
        return f"{version}+{self.number}" if self.number else version

    @property
    def known(self) -> Known:
        """Labels of the current model."""
        return describe(self.engine.models[self.engine.find(None)])

    async def predict(self, interface: Interface, tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Predict tasks; those without a text that can be predicted have no results."""
        version, known = self.version, self.known
        texts = [
            {name: text for name, text in interface.read_texts(data).items() if self._is_good(text)}
            for data in tasks
        ]
        unique = [*dict.fromkeys(text for own in texts for text in own.values())]
        answers: dict[str, Answer] = {}
        for start in range(0, len(unique), CHUNK):
            answers |= await self._predict_texts(unique[start : start + CHUNK])
        results = []
        for own in texts:
            predicted = {name: answers[text] for name, text in own.items() if text in answers}
            results.append({**make_prediction(interface, predicted, known), "model_version": version})
        return results

    def _is_good(self, text: str) -> bool:
        return len(text) <= self.engine.settings.max_chars and not has_bad(text)

    async def _predict_texts(self, texts: Sequence[str]) -> dict[str, Answer]:
        """Predict texts; one on which the pipeline fails has no answer, and the others have one."""
        settings = self.engine.settings
        size = min(len(texts), settings.max_texts, settings.max_queue)
        answers: dict[str, Answer] = {}
        for start in range(0, len(texts), size):
            part = texts[start : start + size]
            try:
                predictions = await self.engine.predict(part, PredictOptions())
            except RequestError as error:
                if error.status != 500:
                    raise
                if len(part) > 1:
                    for text in part:
                        answers |= await self._predict_texts([text])
                continue
            answers |= {text: make_answer(text, row) for text, row in zip(part, predictions, strict=True)}
        return answers


def make_answer(text: str, prediction: Mapping[str, Any]) -> Answer:
    """Read a prediction of the engine: entities of all components, nested ones too."""
    rows = [*prediction["spans"], *prediction["entities"]]
    regions = {(row["start"], row["end"], row["label"]): row["score"] for row in reversed(rows)}
    ordered = [Region(*place, score) for place, score in sorted(regions.items())]
    return Answer(text, ordered, prediction["cats"], prediction["score"])


def make_router(backend: Backend) -> APIRouter:
    """Make the routes that Label Studio calls, at the root of the service."""
    router = APIRouter(tags=["Label Studio"])

    @router.post("/setup", responses=BODY_ERRORS)
    async def setup(body: SetupRequest) -> SetupAnswer:
        """Check the labelling interface of a project, and return the version of the model."""
        interface = parse(body.label_config or "")
        logger.info(
            "Label Studio, project %s: %s", str(body.project)[:40], summarize(interface, backend.known)
        )
        return SetupAnswer(model_version=backend.version)

    @router.post("/predict", responses=BODY_ERRORS)
    async def predict(body: TasksRequest) -> Predictions:
        """Predict tasks of a project: regions and choices of its labelling interface, with scores."""
        results = await backend.predict(parse(body.label_config), [task.data for task in body.tasks])
        rows = [PredictionRow(**row) for row in results]
        return Predictions(results=rows, model_version=backend.version)

    @router.post("/webhook", responses=BODY_ERRORS)
    @router.post("/train", responses=BODY_ERRORS, include_in_schema=False)
    async def webhook(body: dict[str, Any]) -> EventAnswer:
        """Take a finished annotation, or the request to train; other events change nothing."""
        change, is_asked = read_event(body), body.get("action") in (None, "START_TRAINING")
        if backend.trainer is None:
            if is_asked and body.keys() & {"action", "annotations"}:
                raise RequestError(422, NO_FOLDER)
            return EventAnswer(status="ignored")
        n_changed = await asyncio.to_thread(backend.trainer.store, change)
        if is_asked:
            backend.trainer.ask()
        return EventAnswer(status="training" if is_asked else "stored" if n_changed else "ignored")

    @router.get("/versions", responses=describe_errors(401))
    async def versions() -> VersionsAnswer:
        """Return the version of the model."""
        return VersionsAnswer(versions=[backend.version])

    return router


def parse(label_config: str) -> Interface:
    """Read a labelling interface; an empty one labels nothing.

    Raises:
        RequestError: If it is not XML.
    """
    if not label_config.strip():
        return Interface((), {})
    try:
        return read_cached(label_config)
    except ValueError as err:
        raise RequestError(422, str(err)) from err


def summarize(interface: Interface, known: Known) -> str:
    """Say in one line which labels of a project the model predicts, and which it does not."""
    if not interface.controls:
        return "no labels or choices of a text"
    parts = []
    for control in interface.controls:
        matched = {*control.match(known.entities if control.kind == "labels" else known.cats).values()}
        others = [option.value for option in control.options if option.value not in matched]
        left_alone = f", not {', '.join(others)}" if others else ""
        parts.append(f"{control.name} predicts {', '.join(sorted(matched)) or 'nothing'}{left_alone}")
    return "; ".join(parts)[:500]
