"""Settings that the config gives and Python code may change: what was changed is saved with the pipeline.

This module must not import torch or transformers. See `factories`.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from ..errors import check_range

Value = TypeVar("Value")


class Configured(Protocol):
    """A component.

    Attributes:
        cfg: What it saves with its labels.
        configured: The settings as they are in the config.
    """

    cfg: dict[str, Any]
    configured: dict[str, Any]


class Setting(Generic[Value]):
    """An attribute of a component, first set to the config's value, then by Python code.

    The value is in the component's ``__dict__``, where reading costs no call. A change is kept in
    `Configured.cfg`, with the value that the config had.

    Args:
        check: Raises a ValueError if a value cannot be used.
    """

    def __init__(self, check: Callable[[Value], None]) -> None:
        self.check = check
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    if TYPE_CHECKING:

        @overload
        def __get__(self, pipe: None, owner: type) -> "Setting[Value]": ...
        @overload
        def __get__(self, pipe: Configured, owner: type) -> Value: ...
        def __get__(self, pipe: Configured | None, owner: type) -> "Setting[Value] | Value": ...

    def __set__(self, pipe: Configured, value: Value) -> None:
        self.check(value)
        vars(pipe)[self.name] = value
        if self.name not in pipe.configured:
            pipe.configured[self.name] = value
        elif value == pipe.configured[self.name]:
            pipe.cfg.pop(self.name, None)
        else:
            pipe.cfg[self.name] = {"from": pipe.configured[self.name], "to": value}


def restore_settings(pipe: Configured) -> None:
    """Restore the changed settings of a component whose `cfg` was loaded.

    If the config has another value than at the change, it was edited afterwards, and counts.
    """
    for name, value in pipe.configured.items():
        change = pipe.cfg.get(name)
        vars(pipe)[name] = change["to"] if change is not None and change["from"] == value else value


def check_threshold(value: object) -> None:
    """Check a probability. Raises ValueError, as all checks here do."""
    check_range("threshold", value, 0.0, 1.0)


def check_thresholds(value: object) -> None:
    """Check a probability, or one for each label."""
    for threshold in value.values() if isinstance(value, Mapping) else [value]:
        check_threshold(threshold)


def check_temperature(value: object) -> None:
    """Check a temperature."""
    check_range("temperature", value, 0.0, is_open=True)


def check_calibration(value: object) -> None:
    """Check temperatures and biases, or None."""
    if value is None:
        return
    names = {"temperature", "bias", "text_temperature", "text_bias"}
    if not isinstance(value, Mapping) or set(value) != names:
        raise ValueError(
            f"calibration must have {', '.join(sorted(names))}, or be null, found {value!r}. "
            "Let spacy-xner calibrate set it."
        )
    for name in sorted(names):
        check_range(name, value[name], 0.0 if "temperature" in name else -math.inf, is_open=True)


def check_key(value: object) -> None:
    """Check the key of a span group, or None."""
    if value is not None and not isinstance(value, str):
        raise ValueError(f"spans_key must be a text or null, found {value!r}. Change it.")


def check_within(value: object) -> None:
    """Check the labels of `within`, or None."""
    labels = value if isinstance(value, list | tuple) else [value]
    if value is not None and (labels == [value] or not all(isinstance(label, str) for label in labels)):
        raise ValueError(f"within must be a list of labels or null, found {value!r}. Change it.")


def check_flag(value: object) -> None:
    """Check the setting `overwrite`."""
    if not isinstance(value, bool):
        raise ValueError(f"overwrite must be true or false, found {value!r}. Change it.")
