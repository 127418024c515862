"""Joins Label Studio's routes and trainings to the service."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from fastapi import APIRouter
from spacy.language import Language

from ...loading import load
from ..engine import Engine
from .folder import TrainFolder
from .routes import Backend, make_router
from .trainer import Trainer


class Training(NamedTuple):
    """How the default model is trained on what Label Studio sends.

    Attributes:
        folder: Where annotations and models are kept.
        load: Loads a pipeline as the service does.
        device: Device of trainings, as the setting of a component.
        every: Number of new, changed or deleted annotations that start a training.
    """

    folder: TrainFolder
    load: Callable[[str], Language]
    device: str = "auto"
    every: int = 1


def plan_training(path: Path, model: str, device: str, every: int) -> tuple[Training, str]:
    """Plan the trainings of a folder.

    Args:
        path: The folder.
        model: The pipeline to begin with.
        device: Device of the service and of trainings, as the setting of a component.
        every: Number of annotations that start a training.

    Returns:
        The plan, and the pipeline to serve: the current model of the folder.

    Raises:
        ValueError: If the folder began with another pipeline.
    """
    folder = TrainFolder(path, model)
    training = Training(folder, lambda path: load(path, device), device, every)
    return training, folder.find_model(folder.model)


def connect(
    engine: Engine, training: Training | None
) -> tuple[APIRouter, Callable[[], AbstractAsyncContextManager[None]]]:
    """Make Label Studio's routes, and a context in which trainings run and their models are served."""
    trainer = None
    if training is not None:
        trainer = Trainer(training.folder, training.load, device=training.device, every=training.every)
    backend = Backend(engine, trainer)

    @asynccontextmanager
    async def follow() -> AsyncIterator[None]:
        if trainer is None:
            yield
            return
        loop = asyncio.get_running_loop()

        def take_over(nlp: Language, number: int) -> None:
            engine.replace_model(engine.find(None), nlp)
            backend.number = number

        trainer.start(lambda nlp, number: loop.call_soon_threadsafe(take_over, nlp, number))
        try:
            yield
        finally:
            await asyncio.to_thread(trainer.stop)

    return make_router(backend), follow
