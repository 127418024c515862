"""Reads a request within limits of size and time, and ends the work for a client that went away."""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .error_handlers import reject_early
from .errors import RequestError
from .settings import Settings

# Bodies of the largest size that are held in memory at once.
MAX_BODIES = 16


class ClientDisconnected(Exception):
    """The client has closed the connection before its request was complete."""


class BodyLimits:
    """An ASGI layer that reads bodies, before anything else is done with a request.

    Args:
        app: The application.
        settings: The limits.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        # Bytes of all bodies that are here now.
        self._n_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        # Routes read bodies of this method alone.
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body, has_more = bytearray(), True

        async def receive_part() -> Message:
            nonlocal has_more
            message = await receive()
            has_more = message.get("more_body", False)
            return message

        try:
            self._check_size(Headers(scope=scope))
            await self._read(body, receive_part)
            await self._answer(bytes(body), scope, receive, send)
        except RequestError as error:
            await reject_early(error, receive if has_more else None, send)
        except ClientDisconnected:
            return
        finally:
            self._n_bytes -= len(body)

    def _check_size(self, headers: Headers) -> None:
        size = headers.get("content-length", "")
        if size.isdecimal() and int(size) > self._settings.max_body:
            raise self._too_large(size)

    def _too_large(self, size: str) -> RequestError:
        return RequestError(
            413, f"A request must have at most {self._settings.max_body} bytes, found {size}. Split it."
        )

    async def _read(self, body: bytearray, receive: Receive) -> None:
        limit = self._settings.body_timeout_s
        try:
            await asyncio.wait_for(self._read_chunks(body, receive), limit)
        except asyncio.TimeoutError as err:
            raise RequestError(
                408, f"A request must arrive within {limit:g} s, found a part. Send it again."
            ) from err

    async def _read_chunks(self, body: bytearray, receive: Receive) -> None:
        max_body, has_more = self._settings.max_body, True
        while has_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
            chunk = message.get("body", b"")
            has_more = message.get("more_body", False)
            if len(body) + len(chunk) > max_body:
                raise self._too_large("more")
            if self._n_bytes + len(chunk) > MAX_BODIES * max_body:
                raise RequestError(
                    503, "Too many requests arrive at once. Try again in 1 s.", {"Retry-After": "1"}
                )
            body += chunk
            self._n_bytes += len(chunk)

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
