"""The web page, from files of the package."""

import mimetypes
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from starlette.datastructures import MutableHeaders
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = Path(__file__).parent / "page"
# Nothing is loaded from elsewhere, no script or style stands in the page, and no string becomes HTML.
POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Files of two versions of the package do not mix: browsers ask whether theirs is still the one.
    "Cache-Control": "no-cache",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    """Return the page."""
    return FileResponse(PAGE / "index.html", headers=HEADERS)


def mount_files(app: FastAPI) -> None:
    """Serve the other files of the page at ``/static/``."""
    # Some Windows registries have another type, with which browsers run no module.
    mimetypes.add_type("text/javascript", ".js")
    app.mount("/static", with_headers(StaticFiles(directory=PAGE)))


def with_headers(app: ASGIApp) -> ASGIApp:
    """Add the headers of the page to all answers of an application."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await app(scope, receive, send_with_headers)

    return answer
