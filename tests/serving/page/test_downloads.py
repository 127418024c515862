"""What is downloaded is a corpus: `spacy-xner convert` reads it, and a pipeline learns from it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from spacy.tokens import DocBin
from spacy.training import Example
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_xner.cli import app
from spacy_xner.training.optimizer import build_adamw_v1

from ...conftest import SLIPS, make_nlp
from .conftest import find, read

TEXTS = ["🚚👍🏽 张伟 13800138000 北京市海淀区", *[text for text, _ in SLIPS]]
FORMATS = {"jsonl": "jsonl", "spacy": "spacy", "conll": "conll", "doccano": "jsonl"}


def correct(page: Any) -> None:
    """Remove an entity of the first text, and give another label to one of the second."""
    for keys in [("PageUp",) * 9, (".", "Delete"), ("PageDown", ".", "Space", "End")]:
        for key in keys:
            page.keyboard.press(key)
    page.click("#labels [data-label=COURIER]")


def open_corrected(open_page: Callable[..., Any], url: str) -> tuple[Any, list[Any]]:
    """Return a page with corrected texts, and what it shows of them."""
    page = open_page(url)
    find(page, *TEXTS)
    correct(page)
    page.select_option("#order", "given")
    return page, read(page)


def download(page: Any, format: str, folder: Path) -> Path:
    page.select_option("#format", format)
    with page.expect_download() as waiting:
        page.click("#download button")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def convert(path: Path, *options: str) -> list[Any]:
    """Convert a file with the command, and return its docs."""
    target = path.with_name("converted.spacy")
    result = CliRunner().invoke(app, ["convert", str(path), str(target), *options, "--overwrite"])
    assert result.exit_code == 0, result.output
    return list(DocBin().from_disk(target).get_docs(Vocab()))


@pytest.mark.parametrize("format", FORMATS)
def test_download_is_converted_without_loss(
    open_page: Callable[..., Any], url: str, tmp_path: Path, format: str
) -> None:
    page, shown = open_corrected(open_page, url)
    path = download(page, format, tmp_path)
    assert path.suffix == f".{FORMATS[format]}"
    docs = convert(path)
    assert len(docs) == len(TEXTS)
    for doc, card in zip(docs, shown, strict=True):
        assert [(ent.text, ent.label_) for ent in doc.ents] == [
            (card.text[start:end], label) for start, end, label in card.entities
        ]
        if format != "conll":
            assert doc.text == card.text
            assert [(ent.start_char, ent.end_char) for ent in doc.ents] == [ent[:2] for ent in card.entities]
    assert "COURIER" in {ent.label_ for doc in docs for ent in doc.ents}


def test_pipeline_learns_from_the_download(
    open_page: Callable[..., Any], url: str, tiny: Path, tmp_path: Path
) -> None:
    page, shown = open_corrected(open_page, url)
    nlp = make_nlp(tiny)
    docs = list(DocBin().from_disk(download(page, "spacy", tmp_path)).get_docs(nlp.vocab))
    examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
    nlp.initialize(lambda: examples)
    sgd = build_adamw_v1(learn_rate=5e-3, head_factor=2.0)
    for _ in range(60):
        nlp.update(examples, sgd=sgd)
    for card in shown:
        assert [(ent.start_char, ent.end_char, ent.label_) for ent in nlp(card.text).ents] == card.entities


def test_only_checked_texts_are_downloaded(open_page: Callable[..., Any], url: str, tmp_path: Path) -> None:
    page = open_page(url)
    find(page, *TEXTS)
    assert page.locator("#scope option[value=checked]").is_disabled()
    assert page.locator("#scope option[value=all]").inner_text() == f"all {len(TEXTS)} texts"
    page.locator(".card footer input").nth(2).check()
    page.select_option("#scope", "checked")
    path = download(page, "jsonl", tmp_path)
    (row,) = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert row["text"] == read(page)[2].text
    assert [(span["start"], span["end"], span["label"]) for span in row["spans"]] == read(page)[2].entities


def test_overlaps_are_kept_or_their_loss_is_said(
    open_page: Callable[..., Any], url: str, tmp_path: Path
) -> None:
    page = open_page(url)
    find(page, "nothing to find in this line")
    for _ in read(page)[0].entities:
        page.keyboard.press(".")
        page.keyboard.press("Delete")
    page.check("#overlap")
    for n_steps, digit in [(15, "1"), (7, "2")]:
        page.focus(".text")
        for key in ["Home", *["Shift+ArrowRight"] * n_steps, digit]:
            page.keyboard.press(key)
    assert [ent[:2] for ent in read(page)[0].entities] == [(0, 7), (0, 15)]
    (doc,) = convert(download(page, "jsonl", tmp_path))
    assert {(span.start_char, span.end_char) for span in doc.spans["xner"]} == {(0, 7), (0, 15)}
    assert page.inner_text("#download-hint") == ""
    page.select_option("#format", "conll")
    assert "CoNLL has no place" in page.inner_text("#download-hint")
