"""The bearer token."""

import hmac

from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .answers import refuse_early
from .refusals import Refusal

# Anybody may see these: the page, which asks for the token, and whether the service works.
PUBLIC = ("/", "/health", "/ready", "/openapi.json")
STATIC = "/static/"
# Describes the token for OpenAPI; `TokenCheck` checks it.
bearer = HTTPBearer(auto_error=False, description="The token that the service was started with, if any.")


class TokenCheck:
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
            scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
            is_equal = hmac.compare_digest(token.strip().encode("latin-1", "replace"), self._token)
            if scheme.lower() != "bearer" or not is_equal:
                refusal = Refusal(
                    401,
                    "Authorization must be Bearer with the token of the service, found another or none.",
                    {"WWW-Authenticate": "Bearer"},
                )
                await refuse_early(refusal, receive, send)
                return
        await self._app(scope, receive, send)


def is_public(path: str) -> bool:
    """Return whether anybody may see a path."""
    return path in PUBLIC or path.startswith(STATIC)
