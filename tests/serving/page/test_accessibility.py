"""axe-core finds no serious or critical fault, whatever the page shows."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ...conftest import SLIPS
from .conftest import find


def faults(page: Any) -> list[str]:
    package = pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python")
    page.evaluate((Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    violations = page.evaluate("axe.run({resultTypes: ['violations']}).then(results => results.violations)")
    return [
        f"{fault['id']} ({fault['impact']}): {json.dumps([node['html'] for node in fault['nodes']])}"
        for fault in violations
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
@pytest.mark.parametrize("width", [1100, 360])
def test_no_faults(open_page: Callable[..., Any], url: str, scheme: str, locale: str, width: int) -> None:
    page = open_page(
        url,
        locale=locale,
        color_scheme=scheme,
        viewport={"width": width, "height": 800},
        bypass_csp=True,
        reduced_motion="reduce",
    )
    page.wait_for_selector("#find:enabled")
    assert faults(page) == []
    find(page, *(text for text, _ in SLIPS))
    page.keyboard.press(".")
    assert faults(page) == []
    page.click("#tab-table")
    assert faults(page) == []
    page.click("#open-help")
    assert faults(page) == []
