"""Nested entities of span heads, and labels of whole texts."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ...conftest import train_nlp
from ...pipeline.test_xcat import TEXTS as CATS
from ...pipeline.test_xcat import make_nlp as make_xcat
from ...pipeline.test_xcat import train as train_xcat
from .conftest import find, read, serving


@pytest.fixture(scope="module")
def nested(tiny: Path) -> Iterator[str]:
    slips = [("北京市海淀区 张伟", [("北京市海淀区", "LOC"), ("张伟", "PER")])]
    nlp = train_nlp(tiny, "GlobalPointerHead", n_steps=30, slips=slips)
    with serving({"nested": nlp}) as url:
        yield url


def test_all_spans_of_a_span_head_are_shown(open_page: Callable[..., Any], nested: str) -> None:
    page = open_page(nested)
    find(page, "北京市海淀区 张伟", "海淀区 张伟 北京市")
    for card in read(page):
        expected = page.evaluate(
            """async texts => {
              const headers = { "Content-Type": "application/json" };
              const body = JSON.stringify({ texts });
              const response = await fetch("v1/predict", { method: "POST", headers, body });
              return (await response.json()).predictions[0].spans.map(ent => [ent.start, ent.end, ent.label]);
            }""",
            card.text,
        )
        assert card.entities == sorted(map(tuple, expected))


@pytest.mark.parametrize("head", ["ExclusiveHead", "MultiLabelHead"])
def test_labels_of_texts_are_toggled(open_page: Callable[..., Any], tiny: Path, head: str) -> None:
    texts = (
        CATS if head == "MultiLabelHead" else {text: labels[:1] or ["other"] for text, labels in CATS.items()}
    )
    nlp = make_xcat(tiny, head)
    train_xcat(nlp, texts)
    with serving({"texts": nlp}) as url:
        page = open_page(url)
        find(page, *texts)
        page.select_option("#order", "given")

        def chosen() -> list[set[str]]:
            cards = page.locator(".card").all()
            return [
                set(card.locator("[aria-pressed=true]").evaluate_all("all => all.map(el => el.dataset.cat)"))
                for card in cards
            ]

        assert chosen() == [set(labels) for labels in texts.values()]
        page.locator(".card").nth(0).locator("[data-cat=english]").click()
        assert chosen()[0] == ({"english"} if head == "ExclusiveHead" else {"parcel", "english"})
        page.click("#undo")
        assert chosen()[0] == {"parcel"}
