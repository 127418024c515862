"""Reads a request within limits of size and time, and ends the work for a client that went away."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .answers import send_refusal
from .refusals import Refusal
from .settings import Settings


class ClientGone(Exception):
    """The client has closed the connection before its request was complete."""


class Intake:
    """An ASGI layer that reads bodies, before anything else is done with a request.

    Args:
        app: The application.
        settings: The limits.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, send)
            return
        try:
            headers = Headers(scope=scope)
            check_type(headers)
            body = await self._read(headers, receive)
        except Refusal as refusal:
            await send_refusal(refusal, scope, receive, send, close=True)
        except ClientGone:
            return
        else:
            await self._answer(body, scope, receive, send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        size = headers.get("content-length", "")
        if size.isdecimal():
            self._check_size(int(size))
        try:
            return await asyncio.wait_for(self._read_chunks(receive), self._settings.body_timeout_s)
        except asyncio.TimeoutError:
            limit = self._settings.body_timeout_s
            raise Refusal(408, f"A request must arrive within {limit:g} s, found only a part. Send it again.") from None

    async def _read_chunks(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            body += message.get("body", b"")
            self._check_size(len(body))
            if not message.get("more_body", False):
                return bytes(body)

    def _check_size(self, size: int) -> None:
        limit = self._settings.max_body
        if size > limit:
            raise Refusal(413, f"A request must have at most {limit} bytes, found {size} or more. Split it.")

    async def _answer(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application; until it has an answer, it is cancelled if the client goes away."""
        is_answered = False
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_body() -> Message:
            return messages.pop() if messages else await receive()

        async def send_answer(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        work = asyncio.ensure_future(self._app(scope, receive_body, send_answer))
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and not is_answered:
                work.cancel()
            await asyncio.gather(work)
        except asyncio.CancelledError:
            work.cancel()
            if not gone.done():
                # Not the client, but the service has ended it.
                raise
        finally:
            gone.cancel()


def check_type(headers: Headers) -> None:
    """Check that a body is JSON.

    Raises:
        Refusal: If it is something else.
    """
    kind = headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != "application/json":
        raise Refusal(415, f"Content-Type must be application/json, found {kind[:100]!r}. Send JSON.")
