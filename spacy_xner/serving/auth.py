"""The bearer token."""

import hmac
from base64 import b64decode
from contextlib import suppress

from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .error_handlers import reject_early
from .errors import RequestError

# Anybody may see these: the page, which asks for the token, and whether the service works.
PUBLIC = ("/", "/health", "/ready", "/openapi.json")
STATIC = "/static/"
# Describes the token for OpenAPI; `TokenAuth` checks it.
bearer = HTTPBearer(auto_error=False, description="The token that the service was started with, if any.")


class TokenAuth:
    """An ASGI layer that refuses requests without the token, before their body is read.

    Args:
        app: The application.
        token: The token.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and not is_public(scope["path"]):
            token = read_token(Headers(scope=scope).get("authorization", ""))
            if token is None or not hmac.compare_digest(token, self._token):
                error = RequestError(
                    401,
                    "Authorization must be Bearer with the token of the service, found another or none.",
                    {"WWW-Authenticate": "Bearer"},
                )
                await reject_early(error, receive, send)
                return
        await self._app(scope, receive, send)


def read_token(authorization: str) -> bytes | None:
    """Return the token of a header: a bearer token, or the password of any user, as Label Studio sends it."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1", "replace")
    if scheme.lower() == "basic":
        with suppress(ValueError):
            return b64decode(value.strip(), validate=True).partition(b":")[2]
    return None


def is_public(path: str) -> bool:
    """Return whether anybody may see a path."""
    return path in PUBLIC or path.startswith(STATIC)
