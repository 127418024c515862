"""Answers to requests that cannot be served: a status and one clear line."""

from collections.abc import Mapping
from typing import Any

from .schemas import ErrorAnswer

DESCRIPTIONS = {
    400: "The request is not HTTP or JSON that can be read.",
    401: "The bearer token is missing or wrong.",
    404: "There is no such model.",
    408: "The request did not arrive in time.",
    413: "The body, a text or the list of texts is too large.",
    415: "The body is not JSON.",
    422: "The content of the body is wrong.",
    500: "The pipeline failed on a text.",
    503: "The queue is full, or the service is stopping. Try again after `Retry-After` seconds.",
}


class RequestError(Exception):
    """A request cannot be served.

    Args:
        status: The HTTP status.
        detail: What must hold, what was found, what to do.
        headers: Headers of the answer.
    """

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def describe_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe answers for OpenAPI."""
    return {
        status: {"model": ErrorAnswer, "description": DESCRIPTIONS[status]} for status in sorted(statuses)
    }


# What any route with a body may answer.
BODY_ERRORS = describe_errors(400, 401, 404, 408, 413, 415, 422, 500, 503)
