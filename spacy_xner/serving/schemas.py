"""Bodies of requests and answers, as OpenAPI describes them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from ..corpus.formats.registry import list_writable
from ..scripts import LONE_SURROGATE

Offsets = Literal["codepoints", "utf-16"]
# The format of `.spacy` files, which no writer of text writes.
SPACY = "spacy"
TEXT = "寄给张伟，顺丰速运 🚚"


def check_unicode(text: str) -> str:
    """Check that a text can be encoded.

    Raises:
        ValueError: If it has half of a surrogate pair.
    """
    if not text.isascii() and LONE_SURROGATE.search(text):
        raise ValueError("must be Unicode, found half of a surrogate pair. Remove it.")
    return text


Text = Annotated[str, AfterValidator(check_unicode)]
Texts = Annotated[
    Annotated[Text, Tag("text")] | Annotated[list[Text], Tag("texts")],
    Discriminator(lambda value: "texts" if isinstance(value, list) else "text"),
]


class Body(BaseModel):
    """A body without unknown fields."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


class ErrorAnswer(BaseModel):
    """Why a request was refused."""

    detail: str = Field(description="What must hold, what was found, what to do.")


class PredictRequest(Body):
    """Texts to predict, and how."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"texts": TEXT}, {"texts": [TEXT, "Send to Bo"], "threshold": 0.8}]}
    )

    texts: Texts = Field(description="One text, or several.")
    model: Text | None = Field(None, description="Name of the model; the first one by default.")
    threshold: float | None = Field(
        None, ge=0, le=1, description="Least score of an entity; the pipeline's own by default."
    )
    labels: list[Text] | None = Field(None, description="Labels of the entities to return; all by default.")
    offsets: Offsets = Field(
        "codepoints",
        description="What offsets count: characters as Python does, or UTF-16 units as JavaScript does.",
    )


class EntityAnswer(BaseModel):
    """An entity."""

    start: int = Field(description="Offset of its first character.")
    end: int = Field(description="Offset after its last character.")
    label: str
    text: str
    score: float | None = Field(description="Its probability; null if the component gives none.")


class Prediction(BaseModel):
    """What a pipeline predicts of a text."""

    entities: list[EntityAnswer] = Field(description="Entities without overlaps.")
    spans: list[EntityAnswer] = Field(description="All entities, nested ones too.")
    cats: dict[str, float] = Field(description="Probabilities of labels of the text; empty without an xcat.")
    score: float | None = Field(
        description="Probability that all entities are right and none is missing; null without an xner."
    )
    records: list[dict[str, Any]] | None = Field(
        None, description="Who, with which telephone, courier and address; only with an xrecord."
    )


class PredictAnswer(BaseModel):
    """Predictions, in the order of the texts."""

    model: str
    predictions: list[Prediction]


class ModelAnswer(BaseModel):
    """A model."""

    name: str
    lang: str
    version: str
    description: str
    components: list[str]
    labels: dict[str, list[str]] = Field(description="Labels by component.")
    entity_labels: list[str] = Field(description="Labels of entities, of all components.")
    threshold: float | dict[str, float] | None = Field(
        description="Least score of an entity, for all or by label; null without an xner."
    )
    default: bool = Field(description="Whether it answers requests that name no model.")


class ModelsAnswer(BaseModel):
    """The models, the default one first."""

    models: list[ModelAnswer]


class ExportEntity(Body):
    """An entity to write."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)
    label: Text = Field(min_length=1)


class ExportText(Body):
    """A text to write, with what it was corrected to."""

    text: Text
    entities: list[ExportEntity] | None = Field(
        None, description="Null or missing if the text is not annotated with entities."
    )
    cats: dict[Text, Annotated[float, Field(ge=0, le=1)]] | None = None


class ExportRequest(Body):
    """Texts to write as a corpus."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "format": "conll",
                    "texts": [{"text": "Send to Bo", "entities": [{"start": 8, "end": 10, "label": "PER"}]}],
                }
            ]
        }
    )

    format: Text = Field(
        description="spacy, or any format that `spacy-xner export` writes.",
        json_schema_extra=lambda schema: schema.update(enum=[SPACY, *list_writable()]),
    )
    texts: list[ExportText] = Field(min_length=1)
    model: Text | None = Field(None, description="Model whose tokenizer splits the texts.")
    offsets: Offsets = "codepoints"


class StatusAnswer(BaseModel):
    """State of the service."""

    status: Literal["UP", "STARTING", "STOPPING"]
