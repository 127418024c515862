"""The log of the service: that of uvicorn, which shows what is of level INFO and above."""

import logging

logger = logging.getLogger("uvicorn.error")
