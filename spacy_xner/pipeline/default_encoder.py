"""The encoder that the components have unless a config names another."""

from typing import Any

DEFAULT_ENCODER: dict[str, Any] = {
    "@architectures": "spacy_xner.Encoder.v1",
    "name": "xlm-roberta-base",
    "prefix_space": "text",
    "pooling": "mean",
    "window": None,
    "overlap": None,
    "freeze": None,
    "gradient_checkpointing": False,
    "layers": None,
    "lora": None,
    "cut": "tokens",
}
