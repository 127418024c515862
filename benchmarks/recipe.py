"""Shared by the standard Hugging Face recipes: a dataset, arguments of the Trainer, a clock."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch.utils.data import Dataset
from transformers import TrainerCallback, TrainingArguments


class Rows(Dataset):  # type: ignore[type-arg]
    """Encoded texts as a torch dataset."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]


class Clock(TrainerCallback):
    """Times training from the start of the first step to the end of the last."""

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        """Start the clock."""
        self.begin = time.perf_counter()

    def on_train_end(self, *args: Any, **kwargs: Any) -> None:
        """Stop it."""
        self.seconds = time.perf_counter() - self.begin


def name_tags(labels: Iterable[str]) -> list[str]:
    """List the BIO tags of labels."""
    return ["O", *(f"{prefix}-{label}" for label in sorted(set(labels)) for prefix in "BI")]


def make_arguments(folder: str | Path, **settings: Any) -> TrainingArguments:
    """Build training arguments: on the CPU by default, without checkpoints and reports."""
    defaults = {"save_strategy": "no", "report_to": "none", "disable_tqdm": True, "use_cpu": True}
    return TrainingArguments(str(folder), **(defaults | settings))
