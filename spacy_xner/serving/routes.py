"""Routes that predict."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from spacy.language import Language

from ..pipeline.xner import EntityRecognizer
from .batch import PredictOptions
from .engine import Engine
from .errors import BODY_ERRORS, RequestError, describe_errors
from .schemas import ModelsAnswer, PredictAnswer, PredictRequest


# FastAPI would run dependencies that are not async in its thread pool, while the model's thread computes.
async def check_type(request: Request) -> None:
    """Check that a body is JSON.

    Raises:
        RequestError: If it is something else.
    """
    kind = request.headers.get("content-type", "")
    if request.method == "POST" and kind.partition(";")[0].strip().lower() != "application/json":
        raise RequestError(415, f"Content-Type must be application/json, found {kind[:100]!r}. Send JSON.")


async def get_engine(request: Request) -> Engine:
    """Return the engine of the application, for routes to depend on."""
    engine: Engine = request.app.state.engine
    return engine


AppEngine = Annotated[Engine, Depends(get_engine)]
router = APIRouter(prefix="/v1", tags=["Predict"], dependencies=[Depends(check_type)])


@router.post("/predict", response_model=PredictAnswer, responses=BODY_ERRORS)
async def predict(body: PredictRequest, engine: AppEngine) -> Response:
    """Predict entities and labels of texts. Requests of all clients share batches."""
    model = engine.find(body.model)
    if body.labels is not None:
        check_labels(engine.models[model], body.labels)
    labels = None if body.labels is None else frozenset(body.labels)
    texts = [body.texts] if isinstance(body.texts, str) else body.texts
    options = PredictOptions(model, body.threshold, labels, body.offsets)
    answer = {"model": model, "predictions": await engine.predict(texts, options)}
    # FastAPI would check it against the schema first, which takes longer than writing it.
    return Response(json.dumps(answer, ensure_ascii=False), media_type="application/json")


@router.get("/models", response_model=ModelsAnswer, responses=describe_errors(401))
async def models(engine: AppEngine) -> dict[str, Any]:
    """List the models, the default one first."""
    default = engine.find(None)
    return {
        "models": [
            describe_model(nlp, name) | {"default": name == default} for name, nlp in engine.models.items()
        ]
    }


def describe_model(nlp: Language, name: str) -> dict[str, Any]:
    """Describe a pipeline. See `spacy_xner.serving.schemas.ModelAnswer`."""
    recognizers = [pipe for _, pipe in nlp.pipeline if isinstance(pipe, EntityRecognizer)]
    return {
        "name": name,
        "lang": nlp.lang,
        "version": nlp.meta["version"],
        "description": nlp.meta["description"],
        "components": nlp.pipe_names,
        "labels": labels_of(nlp),
        "entity_labels": entity_labels_of(nlp),
        "threshold": recognizers[0].threshold if recognizers else None,
    }


def labels_of(nlp: Language) -> dict[str, list[str]]:
    """Return the labels of a pipeline's components, as far as these have any."""
    labels = nlp.pipe_labels
    return {name: labels[name] for name in nlp.pipe_names if labels.get(name)}


def entity_labels_of(nlp: Language) -> list[str]:
    """Return the labels of entities, those of all components that find some."""
    labels = labels_of(nlp)
    names = [name for name in labels if "doc.ents" in nlp.get_pipe_meta(name).assigns]
    return list(dict.fromkeys(label for name in names for label in labels[name]))


def check_labels(nlp: Language, labels: list[str]) -> None:
    """Check that a pipeline has some labels.

    Raises:
        RequestError: If it lacks one.
    """
    known = {label for own in labels_of(nlp).values() for label in own}
    unknown = [label for label in labels if label not in known]
    if unknown:
        raise RequestError(
            422,
            f"labels must be the model's ({', '.join(sorted(known))}), found {unknown[0]!r:.99}. Remove it.",
        )
