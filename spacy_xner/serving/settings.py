"""Settings of the service."""

from dataclasses import dataclass

from ..errors import check_range


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the service.

    Attributes:
        max_batch: Texts that the model reads at once.
        max_wait_ms: How long a free model waits for the next request, if there were more a moment ago; each
            one that comes is followed by another such wait. One client alone never waits.
        max_queue: Texts that may wait for the model; more are refused with 503.
        max_body: Bytes of a request.
        max_texts: Texts of a request; never more than `max_queue`.
        max_chars: Characters of a text.
        body_timeout_s: Seconds in which a request must arrive.
        token: Bearer token that requests must have; None for none.
        log_texts: Whether texts and their entities are logged.
    """

    max_batch: int = 32
    max_wait_ms: float = 5.0
    max_queue: int = 1024
    max_body: int = 8 << 20
    max_texts: int = 1000
    max_chars: int = 50_000
    body_timeout_s: float = 30.0
    token: str | None = None
    log_texts: bool = False

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: If one is out of range.
        """
        for name in ("max_batch", "max_queue", "max_body", "max_texts", "max_chars"):
            check_range(name, getattr(self, name), 1)
        check_range("max_wait_ms", self.max_wait_ms, 0.0)
        check_range("body_timeout_s", self.body_timeout_s, 0.0, is_open=True)
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and self.token):
            raise ValueError("The token must be one or more printable ASCII characters. Choose another.")
