"""The project's corpus, as its tests and those of `synth` draw it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from spacy_xner.tools.synth import draw_part, read_spec
from spacy_xner.types import Record

ROOT = Path(__file__).parent.parent.parent
SLIPS = ROOT / "assets" / "slips.yml"
SIZES = {"train": 600, "dev": 150, "test": 200}


def surfaces(records: Iterable[Record], label: str) -> set[str]:
    """Collect the texts of a label's entities."""
    return {
        record.text[span.char_start : span.char_end].lower()
        for record in records
        for span in record.spans
        if span.label == label
    }


@pytest.fixture(scope="session")
def project_spec() -> dict[str, Any]:
    """The project's lists and templates."""
    return read_spec(SLIPS)


@pytest.fixture(scope="session")
def parts(project_spec: dict[str, Any]) -> dict[str, list[Record]]:
    """The parts of the project's corpus."""
    return {part: list(draw_part(project_spec, part, size, 7)) for part, size in SIZES.items()}
