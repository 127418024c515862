"""A connection of uvicorn that slow clients cannot hold, and that ends without losing a request."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# Seconds in which the headers of a request must arrive.
HEADERS_S = 15.0
# Seconds that an open connection may still bring a request when the service stops: it may be on its way.
LINGER_S = 0.5


class Connection(HttpToolsProtocol):
    """A connection. uvicorn has time limits for neither headers nor a first request."""

    _timer: asyncio.TimerHandle | None = None
    _is_stopping = False

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time limit of the first request."""
        super().connection_made(transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Read a part of a request; the time limit of its headers starts with its first part."""
        super().data_received(data)
        if self.is_idle:
            self._start_timer()

    def on_headers_complete(self) -> None:
        """Begin to answer a request. When the service stops, it is the last one of the connection."""
        super().on_headers_complete()
        self._stop_timer()
        if self._is_stopping:
            self._end_after_answer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close the connection after its last answer, or if it brings no more request."""
        self._is_stopping = True
        if self.is_idle:
            self.loop.call_later(LINGER_S, super().shutdown)
        else:
            self._end_after_answer()

    def _end_after_answer(self) -> None:
        """Close the connection after the answer to its request, which says so to the client."""
        self.cycle.keep_alive = False
        # Not all versions of uvicorn add it.
        self.cycle.default_headers = [*self.cycle.default_headers, (b"connection", b"close")]

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(HEADERS_S, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
