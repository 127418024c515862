"""Settings that may differ between machines. This module must not import torch or transformers."""

from typing import TypedDict

# Supported precisions by backend.
PRECISIONS = {"torch": ("auto", "fp32", "bf16", "fp16", "int8"), "onnx": ("auto", "fp32", "int8")}


class RuntimeSettings(TypedDict):
    """Settings that may differ between machines. See `make_xner`."""

    device: str
    precision: str
    max_batch_pieces: int
    backend: str


def check_runtime(settings: RuntimeSettings) -> None:
    """Check batch size, backend and precision. The device is checked when it is used.

    Raises:
        ValueError: If a value is unknown, or two values are incompatible.
    """
    backend, precision = settings["backend"], settings["precision"]
    max_batch_pieces = settings["max_batch_pieces"]
    if max_batch_pieces < 1:
        raise ValueError(f"max_batch_pieces must be at least 1, found {max_batch_pieces}. Raise it.")
    if backend not in PRECISIONS:
        raise ValueError(f"backend must be {' or '.join(PRECISIONS)}, found {backend!r}. Change it.")
    if precision not in PRECISIONS[backend]:
        raise ValueError(
            f'precision must be {", ".join(PRECISIONS[backend])} with backend = "{backend}", found '
            f"{precision!r}. Change one of them."
        )
