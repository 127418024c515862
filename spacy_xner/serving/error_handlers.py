"""Answers to requests that fail: one line of JSON, never with the text of a client's request."""

import asyncio
from contextlib import suppress
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Send

from .errors import RequestError

# Seconds for which the rest of a refused body is read.
DROP_S = 10.0
# What pydantic adds to a place that is no name in the body.
TAGS = ("text", "texts", "body")


def make_answer(error: RequestError) -> JSONResponse:
    """Make the answer of an error."""
    return JSONResponse({"detail": error.detail}, error.status, dict(error.headers or {}))


async def reject_early(error: RequestError, receive: Receive | None, send: Send) -> None:
    """Refuse a request whose body has not been read, and close the connection.

    The rest of the body is read and dropped for a while: a client that is sending it would see the connection
    break, and not the answer.

    Args:
        error: What is wrong.
        receive: Reads the rest of the body; None if there is none.
        send: Sends the answer.
    """
    answer = make_answer(error)
    headers = [*answer.raw_headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    if receive is not None:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_drop_body(receive), DROP_S)
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drop_body(receive: Receive) -> None:
    while (await receive()).get("more_body", False):
        pass


def add_handlers(app: FastAPI) -> None:
    """Let an application answer all errors in the same form."""
    app.add_exception_handler(RequestError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)


async def _answer_error(request: Request, err: Exception) -> Response:
    assert isinstance(err, RequestError)
    return make_answer(err)


async def _answer_http(request: Request, err: Exception) -> Response:
    assert isinstance(err, HTTPException)
    if err.status_code == 400:
        # FastAPI could not read the body, for a reason that it does not name.
        return make_answer(
            RequestError(400, "The body must be JSON in UTF-8, found something else. Correct it.")
        )
    return make_answer(RequestError(err.status_code, str(err.detail), err.headers))


async def _answer_invalid(request: Request, err: Exception) -> Response:
    assert isinstance(err, RequestValidationError)
    problems: list[Any] = list(err.errors())
    first = problems[0]
    if first["type"] == "json_invalid":
        place = first["loc"][-1]
        return make_answer(
            RequestError(400, f"The body must be JSON, found an error at character {place}. Fix it.")
        )
    place = ".".join(_list_names(first["loc"])) or "the body"
    more = f" ({len(problems)} errors in all)" if len(problems) > 1 else ""
    message = first["msg"].removeprefix("Value error, ")
    return make_answer(RequestError(422, f"{place}: {message}{more}"))


def _list_names(loc: tuple[str | int, ...]) -> list[str]:
    """List the names of a place in a body, without those that pydantic adds for kinds of values."""
    names = [str(part) for part in loc[1:]]
    return [name for i, name in enumerate(names) if i == 0 or name not in TAGS]
