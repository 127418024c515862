"""Whether the service works, and what it does."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from .errors import describe_errors
from .routes import AppEngine
from .schemas import StatusAnswer

# Anybody may see these.
router = APIRouter(tags=["Operate"])
metrics_router = APIRouter(tags=["Operate"])
METRICS = {
    "content": {"text/plain": {"schema": {"type": "string"}}},
    "description": "Metrics for Prometheus.",
}


@router.get("/health")
async def health() -> StatusAnswer:
    """Return that the service is alive."""
    return StatusAnswer(status="UP")


@router.get("/ready", responses={503: {"model": StatusAnswer, "description": "It takes no requests."}})
async def ready(engine: AppEngine) -> JSONResponse:
    """Return whether the service takes requests: not while it starts or stops."""
    if engine.is_ready:
        return JSONResponse({"status": "UP"})
    return JSONResponse({"status": "STOPPING" if engine.is_stopping else "STARTING"}, 503)


@metrics_router.get(
    "/metrics",
    response_class=Response,
    responses={200: METRICS, **describe_errors(401)},
)
async def metrics(request: Request) -> Response:
    """Return metrics for Prometheus, those of all workers together."""
    return Response(request.app.state.metrics.render(), media_type=CONTENT_TYPE_LATEST)
