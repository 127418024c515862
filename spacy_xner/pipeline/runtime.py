"""Settings that may differ between machines. Nothing here imports torch or transformers."""

from typing import TypedDict

# By backend.
PRECISIONS = {"torch": ("auto", "fp32", "bf16", "fp16", "int8"), "onnx": ("auto", "fp32", "int8")}


class RuntimeSettings(TypedDict):
    """Settings that may differ between machines. See `make_xner`."""

    device: str
    precision: str
    max_batch_pieces: int
    backend: str


def check_runtime(settings: RuntimeSettings) -> None:
    """Check the batch budget and that the backend supports the precision; devices are checked when used.

    Raises:
        ValueError: If a value is unknown, or two do not go together.
    """
    backend, precision = settings["backend"], settings["precision"]
    max_batch_pieces = settings["max_batch_pieces"]
    if max_batch_pieces < 1:
        raise ValueError(f"max_batch_pieces must be at least 1, found {max_batch_pieces}. Raise it.")
    if backend not in PRECISIONS:
        raise ValueError(f"backend must be {' or '.join(PRECISIONS)}, found {backend!r}. Choose one.")
    if precision not in PRECISIONS[backend]:
        raise ValueError(
            f'precision must be {", ".join(PRECISIONS[backend])} with backend = "{backend}", found '
            f"{precision!r}. Change one of them."
        )
