"""Details of an evaluation and its page, from pipelines of rules."""

import json
import re
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from spacy_xner.tools.compare import compare
from spacy_xner.tools.evaluate import evaluate
from spacy_xner.tools.report.groups import choose_namer

from ..conftest import make_examples
from ..test_cli import invoke

HOSTILE_LABEL = "<img src=x onerror=alert(1)>"
HOSTILE_TEXT = "<script>alert(1)</script> \"Anna\" & 'Bo' שלום 😀"
KEYS = {"intervals", "errors", "confusion", "calibration", "groups", "by"}


def make_rules(folder: Path, **labels: str) -> Path:
    """Save a pipeline that finds words."""
    nlp = spacy.blank("xx")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": word} for word, label in labels.items()])
    nlp.to_disk(folder)
    return folder


def make_doc(nlp: Language, text: str, *words: tuple[str, str]) -> Doc:
    doc = nlp.make_doc(text)
    spans = [doc.char_span(text.index(word), text.index(word) + len(word), label) for word, label in words]
    doc.set_ents(spans, default="outside")
    return doc


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    return make_rules(tmp_path / "rules", Anna="PER", Bo=HOSTILE_LABEL, DHL="COURIER", 上海="PER")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    nlp = spacy.blank("xx")
    docs = [
        make_doc(nlp, "Anna and DHL", ("Anna", "PER"), ("DHL", "COURIER")),
        make_doc(nlp, "Anna Li and DHL", ("Anna Li", "PER")),
        make_doc(nlp, HOSTILE_TEXT, ("Anna", "PER"), ("😀", HOSTILE_LABEL)),
        make_doc(nlp, "上海 广州", ("上海", "LOC"), ("广州", "LOC")),
        nlp.make_doc("Anna, not annotated"),
    ]
    for doc, language in zip(docs, ("en", "de", "he", "zh", "en"), strict=True):
        doc.user_data["language"] = language
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "gold.spacy")
    return tmp_path / "gold.spacy"


def test_details_are_only_there_if_asked_for(rules: Path, corpus: Path) -> None:
    plain, detailed = evaluate(rules, corpus), evaluate(rules, corpus, details=True)
    assert plain == {key: detailed[key] for key in plain}
    assert detailed.keys() - plain.keys() == KEYS


def test_details_count_errors_by_kind_and_label(rules: Path, corpus: Path) -> None:
    scores = evaluate(rules, corpus, details=True)
    kinds = {"correct": 3, "border": 1, "label": 1, "border and label": 0, "spurious": 2, "missed": 2}
    assert scores["errors"]["micro"] == kinds
    assert scores["errors"]["per_type"]["PER"] == {**dict.fromkeys(kinds, 0), "correct": 2, "border": 1}
    confusion = scores["confusion"]
    assert confusion["labels"] == [HOSTILE_LABEL, "COURIER", "LOC", "PER"]
    assert confusion["counts"] == [
        [0, 0, 0, 0, 1],
        [0, 1, 0, 0, 0],
        [0, 0, 0, 1, 1],
        [0, 0, 0, 3, 0],
        [1, 1, 0, 0, 0],
    ]
    assert list(scores["groups"]) == ["Latin", "Han"]
    assert scores["groups"]["Han"]["scores"] == {"p": 0.0, "r": 0.0, "f": 0.0, "support": 2}
    assert scores["groups"]["Han"]["intervals"]["r"]["low"] == 0.0
    # Rules give no probability.
    assert scores["calibration"]["entities"]["ece"] is None


def test_texts_are_grouped_by_what_they_have(rules: Path, corpus: Path) -> None:
    scores = evaluate(rules, corpus, details=True, by="language")
    assert {name: group["n_texts"] for name, group in scores["groups"].items()} == dict.fromkeys(
        ("en", "de", "he", "zh"), 1
    )


def name_groups(docs: list[Doc], by: str = "script") -> list[str]:
    namer = choose_namer(by)
    names = [namer.name(doc) for doc in docs]
    namer.check()
    return names


def test_names_of_groups(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc("Anna 上海"), nlp.make_doc("020-8888")]
    assert name_groups(docs) == ["Han + Latin", "none"]
    docs[0].cats = {"a": 1.0, "b": 0.0, "c": 1.0}
    assert name_groups(docs, "cats") == ["a + c", "none"]
    lines = tmp_path / "lines.txt"
    lines.write_text("zh\n\n", encoding="utf-8")
    assert name_groups(docs, str(lines)) == ["zh", "none"]
    docs[1].user_data["._.", "source", None, None] = 7
    assert name_groups(docs, "source") == ["none", "7"]
    with pytest.raises(ValueError, match=r"found 'nowhere', which no text has\. Name one of these"):
        name_groups(docs, "nowhere")
    with pytest.raises(ValueError, match="for each of the 1 texts, found 2 lines"):
        name_groups(docs[:1], str(lines))


def test_page_shows_hostile_texts_and_labels_as_text(rules: Path, corpus: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    evaluate(rules, corpus, html=page)
    html = page.read_text(encoding="utf-8")
    # Its own script is the only one, and nothing is loaded.
    assert html.count("<script>") == html.count("</script>") == 1
    assert "<img" not in html
    assert not re.search(r"https?://|src=|@import|url\(", html.replace("&lt;img src=x", ""))
    assert "&lt;script&gt;" in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "😀" in html
    assert "שלום" in html


def test_page_shows_gold_above_prediction_worst_first(rules: Path, corpus: Path, tmp_path: Path) -> None:
    evaluate(rules, corpus, html=tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert re.findall(r"<header>Text (\d+) · (.*?) ·", html) == [("2", "Latin"), ("3", "Latin"), ("4", "Han")]
    article = html[html.index("<header>Text 2") : html.index("</article>")]
    gold, predicted = article.split("<span>predicted</span>")
    assert "<bdi>Anna Li</bdi><small><bdi>PER</bdi> · border</small>" in gold
    assert "<bdi>DHL</bdi>" not in gold
    assert "<bdi>DHL</bdi><small><bdi>COURIER</bdi> · spurious</small>" in predicted


def test_comparison_has_a_paired_test(rules: Path, corpus: Path, tmp_path: Path) -> None:
    old = make_rules(tmp_path / "old", Anna="PER")
    scores = compare(rules, old, corpus, html=tmp_path / "page.html")
    test = scores["test"]
    before, after = (scores[name]["strict"]["micro"]["f"] for name in ("before", "after"))
    assert test["micro"]["f"] == pytest.approx(after - before)
    assert test["micro"]["p"] > 0.05
    assert set(test["per_type"]) == {HOSTILE_LABEL, "COURIER", "LOC", "PER"}
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "may be chance" in html
    assert '<td>COURIER</td><td data-value="-1">new</td>' in html


def test_only_the_first_characters_of_long_texts_are_shown(tmp_path: Path) -> None:
    nlp, text = spacy.blank("xx"), "x " * 2000 + "Anna Li" + " y" * 2000
    DocBin(docs=[make_doc(nlp, text, ("Anna Li", "PER"))]).to_disk(tmp_path / "gold.spacy")
    evaluate(make_rules(tmp_path / "rules", Anna="PER"), tmp_path / "gold.spacy", html=tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    article = html[html.index("<article") : html.index("</article>")]
    assert "<bdi>Anna Li</bdi>" in article
    assert article.count("x ") == 2 * 100
    assert article.count("…") == 4


def test_command_writes_page_and_json(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "nlp")
    gold = tmp_path / "gold.spacy"
    DocBin(docs=[eg.reference for eg in make_examples(trained)]).to_disk(gold)
    page = tmp_path / "page.html"
    code, out, err = invoke("evaluate", tmp_path / "nlp", gold, "--html", page)
    assert (code, err) == (0, f"Wrote {page}\n")
    assert out.startswith("type ")
    assert "Expected calibration error" in page.read_text(encoding="utf-8")
    code, _, err = invoke("evaluate", tmp_path / "nlp", gold, "--html", page)
    assert code == 1
    assert "must be empty or new" in err
    scores = json.loads(invoke("evaluate", tmp_path / "nlp", gold, "--json", "--by", "cats")[1])
    assert scores["calibration"]["entities"]["n"] == 8
    assert list(scores["groups"]) == ["none"]
    code, out, _ = invoke("evaluate", tmp_path / "nlp", gold, "--html", "-")
    assert out.startswith("<!DOCTYPE html>")
    assert out.endswith("</html>\n")


def test_open_tokens_are_no_errors(tmp_path: Path) -> None:
    nlp = spacy.blank("xx")
    doc = nlp.make_doc("Anna Li met Anna")
    doc.set_ents([Span(doc, 0, 2, "PER")], missing=[doc[3:4]], default="outside")
    DocBin(docs=[doc]).to_disk(tmp_path / "gold.spacy")
    scores = evaluate(
        make_rules(tmp_path / "rules", Anna="PER"), tmp_path / "gold.spacy", html=tmp_path / "p"
    )
    assert scores["errors"]["micro"]["spurious"] == 0
    assert "spurious" not in (tmp_path / "p").read_text(encoding="utf-8").split("<article")[1]


def test_table_has_intervals_beside_f1_if_they_are_computed(
    rules: Path, corpus: Path, tmp_path: Path
) -> None:
    code, plain, _ = invoke("evaluate", rules, corpus)
    assert code == 0
    assert "interval" not in plain
    code, out, _ = invoke("evaluate", rules, corpus, "--html", tmp_path / "page.html")
    assert code == 0
    scores = evaluate(rules, corpus, details=True)
    ends = scores["intervals"]["per_type"]["PER"]["f"]
    row = next(line for line in out.splitlines() if line.startswith("PER"))
    assert row.endswith(f"{100 * ends['low']:.2f} to {100 * ends['high']:.2f}")
    assert next(line for line in out.splitlines() if line.startswith("macro (strict)")).split()[-1] == "7"
