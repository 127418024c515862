"""Bodies that Label Studio sends, and answers, as OpenAPI describes them."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

CONFIG = (
    '<View><Labels name="label" toName="text"><Label value="PER"/></Labels>'
    '<Text name="text" value="$text"/></View>'
)


class SetupRequest(BaseModel):
    """A project that is connected. Label Studio sends more, which is not used."""

    model_config = ConfigDict(
        strict=True, json_schema_extra={"examples": [{"project": "1.1700000000", "schema": CONFIG}]}
    )

    project: str | int | None = None
    label_config: str | None = Field(None, alias="schema", description="The labelling interface, as XML.")


class SetupAnswer(BaseModel):
    """The model."""

    model_version: str = Field(description="By which Label Studio tells predictions of models apart.")


class TaskRow(BaseModel):
    """A task."""

    model_config = ConfigDict(strict=True)

    data: dict[str, Any] = Field(description="Its texts, by the variables of the labelling interface.")


class TasksRequest(BaseModel):
    """Tasks to predict."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "examples": [{"tasks": [{"id": 1, "data": {"text": "Send to Bo"}}], "label_config": CONFIG}]
        },
    )

    tasks: list[TaskRow]
    label_config: str = Field(description="The labelling interface, as XML.")


class PredictionRow(BaseModel):
    """The prediction of a task."""

    result: list[dict[str, Any]] = Field(description="Regions and choices, as Label Studio's results.")
    score: float | None = Field(description="Probability that all of it is right; null if it is not known.")
    model_version: str


class Predictions(BaseModel):
    """Predictions, in the order of the tasks."""

    results: list[PredictionRow]
    model_version: str


class EventAnswer(BaseModel):
    """What was done with an event."""

    status: Literal["stored", "training", "ignored"]


class VersionsAnswer(BaseModel):
    """Versions that predictions may have."""

    versions: list[str]
