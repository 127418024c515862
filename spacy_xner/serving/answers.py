"""Answers to requests that fail: one line of JSON, never with the text of a client's request."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from .refusals import Refusal

# What pydantic adds to a place that is no name in the body.
TAGS = ("text", "texts", "body")


def make_answer(refusal: Refusal, *, close: bool = False) -> JSONResponse:
    """Make the answer of a refusal; `close` ends the connection, as when a body has not been read."""
    headers = dict(refusal.headers or {}) | ({"Connection": "close"} if close else {})
    return JSONResponse({"detail": refusal.detail}, refusal.status, headers)


async def send_refusal(
    refusal: Refusal, scope: Scope, receive: Receive, send: Send, *, close: bool = False
) -> None:
    """Send the answer of a refusal."""
    await make_answer(refusal, close=close)(scope, receive, send)


def add_handlers(app: FastAPI) -> None:
    """Let an application answer all errors in the same form."""
    app.add_exception_handler(Refusal, _answer_refusal)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)


async def _answer_refusal(request: Request, err: Exception) -> Response:
    assert isinstance(err, Refusal)
    return make_answer(err)


async def _answer_http(request: Request, err: Exception) -> Response:
    assert isinstance(err, HTTPException)
    return make_answer(Refusal(err.status_code, str(err.detail), err.headers))


async def _answer_invalid(request: Request, err: Exception) -> Response:
    assert isinstance(err, RequestValidationError)
    problems: list[Any] = list(err.errors())
    first = problems[0]
    if first["type"] == "json_invalid":
        return make_answer(Refusal(400, f"The body must be JSON, found an error at character {first['loc'][-1]}."))
    place = ".".join(_list_names(first["loc"])) or "the body"
    more = f" ({len(problems)} errors in all)" if len(problems) > 1 else ""
    message = first["msg"].removeprefix("Value error, ")
    return make_answer(Refusal(422, f"{place}: {message}{more}"))


def _list_names(loc: tuple[str | int, ...]) -> list[str]:
    """List the names of a place in a body, without those that pydantic adds for kinds of values."""
    names = [str(part) for part in loc[1:]]
    return [name for i, name in enumerate(names) if i == 0 or name not in TAGS]
