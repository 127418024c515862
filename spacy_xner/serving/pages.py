"""The web page, from files of the package."""

from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

PAGE = Path(__file__).parent / "page"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def index() -> FileResponse:
    """Return the page."""
    return FileResponse(PAGE / "index.html")


def mount_files(app: FastAPI) -> None:
    """Serve the other files of the page at ``/static/``."""
    app.mount("/static", StaticFiles(directory=PAGE))
