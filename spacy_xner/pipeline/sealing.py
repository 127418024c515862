"""JSON objects with a digest of their own values, so that a damaged file does not load as another one."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SEAL = "sha256"
COPY_AGAIN = "Copy the pipeline's folder again, or retrain the pipeline."


def seal(values: Mapping[str, Any]) -> str:
    """Serialize an object as JSON, with the SHA-256 of its values as its last entry."""
    return json.dumps({**values, SEAL: _digest(values)}, indent=2)


def parse_object(text: str) -> dict[str, Any]:
    """Parse a JSON object.

    Raises:
        ValueError: If the text is not one.
    """
    try:
        values = json.loads(text)
    except RecursionError as err:
        raise ValueError("must be a JSON object, found deeply nested values") from err
    except ValueError as err:
        raise ValueError(f"must be a JSON object: {err}") from err
    if not isinstance(values, dict):
        raise ValueError(f"must be a JSON object, found {type(values).__name__}")
    return values


def unseal(values: Mapping[str, Any], *, verify: bool) -> dict[str, Any]:
    """Return the values of an object that `seal` wrote; older versions wrote objects without a digest.

    Args:
        values: The object.
        verify: Whether to check the digest, if there is one.

    Raises:
        ValueError: If the values have changed.
    """
    content = {key: value for key, value in values.items() if key != SEAL}
    if verify and values.get(SEAL, _digest(content)) != _digest(content):
        raise ValueError("has changed since it was saved (verify = false skips this check)")
    return content


def read_cfg(file: Path, *, verify: bool) -> dict[str, Any]:
    """Read the file ``cfg`` of a component, which has its labels.

    Args:
        file: The file.
        verify: Whether to check that it has not changed since it was saved.

    Raises:
        OSError: If there is no such file.
        ValueError: If it is damaged.
    """
    if not file.is_file():
        raise FileNotFoundError(
            f"A component's folder must contain the file cfg, found no {file}. {COPY_AGAIN}"
        )
    try:
        values = unseal(parse_object(file.read_text("utf-8")), verify=verify)
        labels = values.get("labels", [])
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise ValueError("must have a list of strings as labels")
    except ValueError as err:
        raise ValueError(f"{file} {err}. {COPY_AGAIN}") from err
    return values


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
