"""Which settings of the machine go together. Nothing here imports torch or transformers."""

# Of each backend.
PRECISIONS = {"torch": ("auto", "fp32", "bf16", "fp16", "int8"), "onnx": ("auto", "fp32", "int8")}


def check_runtime(backend: str, precision: str, max_batch_pieces: int) -> None:
    """Check that a backend is one, and can compute in a precision, something at least.

    Raises:
        ValueError: If not.
    """
    if max_batch_pieces < 1:
        raise ValueError(f"max_batch_pieces must be at least 1, found {max_batch_pieces}. Raise it.")
    if backend not in PRECISIONS:
        raise ValueError(f"backend must be {' or '.join(PRECISIONS)}, found {backend!r}. Choose one.")
    if precision not in PRECISIONS[backend]:
        raise ValueError(
            f'precision must be {", ".join(PRECISIONS[backend])} with backend = "{backend}", found '
            f"{precision!r}. Change one of them."
        )
