"""The application: routers, and the layers that every request passes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Security
from spacy.language import Language

from . import export, health, pages, routes
from .auth import TokenAuth, bearer
from .body_limits import BodyLimits
from .engine import Engine
from .error_handlers import add_handlers
from .label_studio.training import Training, connect
from .metrics import Metrics
from .request_metrics import RequestMetrics
from .settings import Settings

DESCRIPTION = "Entities and labels of texts, predicted by spaCy pipelines."


def create_app(
    models: Mapping[str, Language], settings: Settings, *, training: Training | None = None
) -> FastAPI:
    """Make the application.

    Args:
        models: The pipelines by name, the default one first.
        settings: Its settings.
        training: How the default model is trained on what Label Studio sends; None for not at all.

    Returns:
        An ASGI application. ``app.state`` has its ``engine``, ``metrics`` and ``settings``.

    Raises:
        ValueError: If there is no model.
    """
    metrics = Metrics()
    engine = Engine(models, settings, metrics)

    label_studio, follow = connect(engine, training)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Engine]]:
        async with engine.running(), follow():
            yield {"engine": engine}

    app = FastAPI(
        title="spacy-xner",
        version=version("spacy-xner"),
        description=DESCRIPTION,
        lifespan=lifespan,
        # Their files would come from a CDN.
        docs_url=None,
        redoc_url=None,
    )
    app.state.engine, app.state.metrics, app.state.settings = engine, metrics, settings
    for public in (health.router, pages.router):
        app.include_router(public)
    pages.mount_files(app)
    # `TokenAuth` checks the token; OpenAPI says which routes need it.
    guards = [] if settings.token is None else [Security(bearer)]
    for router in (routes.router, export.router, label_studio, health.metrics_router):
        app.include_router(router, dependencies=guards)
    add_handlers(app)
    # The last one is the outermost.
    app.add_middleware(BodyLimits, settings=settings)
    if settings.token is not None:
        app.add_middleware(TokenAuth, token=settings.token)
    app.add_middleware(RequestMetrics, metrics=metrics)
    return app
