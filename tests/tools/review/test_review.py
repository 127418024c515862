"""Reviews of a corpus, from files to findings, tasks and pages."""

import json
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import DocBin
from typer.testing import CliRunner

from spacy_xner import read_records
from spacy_xner.cli import app
from spacy_xner.tools.review import Review, render_page, render_review, review, write_tasks
from spacy_xner.tools.review.findings import Judgement, find_errors
from spacy_xner.tools.review.folds import split_folds, train_folds
from spacy_xner.tools.review.judging import judge
from spacy_xner.types import CharSpan, Record

from ...conftest import SLIPS, make_examples, train_nlp
from ...pipeline import test_xcat as texts
from .conftest import HOSTILE, HOSTILE_LABEL


def invoke(*args: object) -> tuple[int, str, str]:
    """Run the command line; return exit code, output and errors."""
    result = CliRunner().invoke(app, ["review", *map(str, args)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_errors_are_found_where_they_are(reviewed: Review) -> None:
    found = {
        (each.text, each.kind, None if each.predicted is None else each.predicted.label)
        for each in reviewed.findings
    }
    assert {(0, "wrong border", "PER"), (1, "wrong label", "PER"), (2, "missed", SLIPS[2][1][0][1])} <= found
    assert reviewed.places[1].endswith("spoilt.jsonl:2")
    suspicions = [finding.suspicion for finding in reviewed.findings]
    assert suspicions == sorted(suspicions, reverse=True)


def test_gold_entities_have_the_probability_of_the_model(reviewed: Review, trained: Language) -> None:
    (phone,) = [span for span in reviewed.judgements[0].gold.spans or () if span.label == "PHONE"]
    (predicted,) = [ent for ent in trained(SLIPS[0][0]).ents if ent.label_ == "PHONE"]
    assert phone.score == pytest.approx(predicted._.xner_score, abs=1e-5)
    (anna,) = [span for span in reviewed.judgements[1].gold.spans or () if span.char_start == 8]
    assert anna.label == "COURIER"
    assert anna.score < 0.1


@pytest.mark.parametrize(("head", "scheme"), [("CRFHead", "BIOES"), ("PointerHead", None)])
def test_marginals_are_those_of_the_gold_tags(tiny: Path, head: str, scheme: str | None) -> None:
    nlp = train_nlp(tiny, head, **({} if scheme is None else {"head_scheme": scheme}))
    docs = [eg.reference for eg in make_examples(nlp)]
    docs[0].ents = docs[0].ents[1:]
    judgements = list(judge(nlp, docs))
    if scheme is None:
        assert not any(each.marginals for each in judgements)
    else:
        scores = [[round(token.score) for token in each.marginals] for each in judgements]
        assert scores == [[0, 0] + [1] * (len(docs[0]) - 2), *([1] * len(doc) for doc in docs[1:])]
    (finding,) = find_errors(judgements)
    assert (finding.kind, finding.area) == ("missed", (0, 2))


@pytest.mark.parametrize("format", ["label-studio", "doccano"])
def test_tasks_are_read_back_as_the_gold(reviewed: Review, spoilt: Path, tmp_path: Path, format: str) -> None:
    file = tmp_path / "tasks.json"
    write_tasks(reviewed, file, format)
    written = [(record.text, [span[:3] for span in record.spans or ()]) for record in read_records(file)]
    gold = [(record.text, [span[:3] for span in record.spans or ()]) for record in read_records(spoilt)]
    assert sorted(written) == sorted(gold)
    assert written[0] == gold[reviewed.findings[0].text]


def test_tasks_hold_both_versions(reviewed: Review, tmp_path: Path) -> None:
    write_tasks(reviewed, tmp_path / "tasks.json", "label-studio")
    write_tasks(reviewed, tmp_path / "tasks.jsonl", "doccano")
    tasks = json.loads((tmp_path / "tasks.json").read_text("utf-8"))
    (task,) = [each for each in tasks if each["data"]["place"].endswith("spoilt.jsonl:2")]
    labels = [
        {each["value"]["text"]: each["value"]["labels"] for each in task[kind][0]["result"]}
        for kind in ("annotations", "predictions")
    ]
    assert [each["Anna Schmidt"] for each in labels] == [["COURIER"], ["PER"]]
    rows = [json.loads(line) for line in (tmp_path / "tasks.jsonl").read_text("utf-8").splitlines()]
    (row,) = [each for each in rows if each["place"].endswith("spoilt.jsonl:2")]
    assert row["review"] == task["data"]["review"]
    assert "wrong label: gold COURIER 8-20 'Anna Schmidt' (0.0" in row["review"]
    assert "model PER 8-20 'Anna Schmidt' (" in row["review"]


class Page(HTMLParser):
    """The tags and the visible text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.attributes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_shows_hostile_texts_as_text(reviewed: Review) -> None:
    page = Page(render_page(reviewed, HOSTILE))
    assert HOSTILE in page.text
    assert HOSTILE_LABEL in page.text
    assert page.tags.count("script") == 1
    assert "img" not in page.tags
    assert not {name for name in page.attributes if name.startswith("on") or name in ("src", "href")}
    assert HOSTILE in unescape(render_page(reviewed, HOSTILE))


def test_page_has_both_versions_of_each_finding(reviewed: Review) -> None:
    page = render_page(reviewed)
    assert (
        page.count("<article") == page.count("<dt>gold") == page.count("<dt>model") == len(reviewed.findings)
    )


def test_table_has_the_first_findings(reviewed: Review) -> None:
    lines = render_review(reviewed, 1).splitlines()
    assert lines[0].startswith("1. ")
    assert not any(line.startswith("2. ") for line in lines)
    assert f"{len(reviewed.findings)} findings in {len(reviewed.judgements)} texts" in lines[-1]


def test_folds_keep_near_duplicates_together() -> None:
    texts = [f"Parcel {i} for Anna Schmidt is at the station" for i in range(6)]
    others = ["寄给李娜，顺丰速运", "Bo met Ann in Rome", "顺丰快递 王五", "Please call tomorrow"]
    parts = split_folds([*texts, *others], 3)
    assert sorted(i for part in parts for i in part) == list(range(10))
    assert any(set(range(6)) <= set(part) for part in parts)
    with pytest.raises(ValueError, match="The folds must be from 2 to 5, as the 10 texts are 5 apart"):
        split_folds([*texts, *others], 6)


def test_folds_judge_every_text_once(tiny: Path, trained: Language, tmp_path: Path) -> None:
    docs = [eg.reference for eg in make_examples(trained, [*SLIPS, ("Ann", [("Ann", "PER")])])]
    DocBin(docs=docs).to_disk(tmp_path / "slips.spacy")
    before = {*Path(tmp_path).iterdir()}
    settings = {"paths.encoder": str(tiny), "vars.max_steps": 2, "vars.warmup_steps": 1}
    result = review(tmp_path / "slips.spacy", folds=2, device="cpu", overrides=settings)
    assert [each.gold.text for each in result.judgements] == [doc.text for doc in docs]
    assert len(result.folds) == 2
    assert sum(fold["micro"]["support"] for fold in result.folds) == sum(len(doc.ents) for doc in docs)
    assert {*Path(tmp_path).iterdir()} == before


def test_folds_do_not_train_on_what_they_judge(tiny: Path, trained: Language) -> None:
    docs = [eg.reference for eg in make_examples(trained)]
    docs[0].ents = [docs[0].char_span(0, 2, "ONLY")]
    settings = {"paths.encoder": str(tiny), "vars.max_steps": 1, "vars.warmup_steps": 0}
    (fold,) = [each for each in train_folds(docs, 2, device="cpu", overrides=settings) if 0 in each.held_out]
    assert "ONLY" not in fold.nlp.get_pipe("xner").labels


def test_command_writes_all_outputs(spoilt: Path, pipeline: Path, tmp_path: Path) -> None:
    tasks, page = tmp_path / "tasks.json", tmp_path / "page.html"
    words = (pipeline, spoilt, "--device", "cpu", "--output", tasks, "--html", page)
    code, out, err = invoke(*words, "--json")
    assert code == 0
    first = json.loads(out)["findings"][0]
    assert {"place", "kind", "gold", "model", "suspicion"} <= set(first)
    assert f"Wrote {tasks}" in err
    assert page.read_text("utf-8").startswith("<!DOCTYPE html>")
    code, _, err = invoke(*words)
    assert (code, "The output must be empty or new" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["CORPUS"], "A review must have either a model or a number of folds, found neither."),
        (["MODEL", "CORPUS", "--folds", "2"], "either a model or a number of folds, found both."),
        (
            ["MODEL", "CORPUS", "more"],
            "A review must have a corpus, after a model or with --folds, found 3 names.",
        ),
        (["MODEL", "missing.jsonl"], "The corpus must be a file or folder, found no missing.jsonl."),
        (
            ["MODEL", "CORPUS", "--format", "brat"],
            "The format of tasks must be label-studio or doccano, found 'brat'.",
        ),
        (["CORPUS", "--folds", "90"], "The folds must be from 2 to "),
    ],
)
def test_bad_input_is_one_line(spoilt: Path, pipeline: Path, words: list[str], message: str) -> None:
    names = {"CORPUS": str(spoilt), "MODEL": str(pipeline)}
    code, out, err = invoke(*(names.get(word, word) for word in words))
    assert (code, out) == (1, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_labels_of_texts_are_judged(tiny: Path) -> None:
    nlp = texts.make_nlp(tiny)
    docs = [eg.reference for eg in texts.train(nlp, texts.ONE)]
    first = docs[0].cats
    docs[0].ents = [docs[0][:1].char_span(0, len(docs[0][0]), "KEPT")]
    right = max(first, key=first.__getitem__)
    wrong = next(label for label in first if label != right)
    docs[0].cats = {label: float(label == wrong) for label in first}
    judgements = list(judge(nlp, docs))
    (finding,) = find_errors(judgements)
    assert [span.label for span in judgements[0].gold.spans or ()] == ["KEPT"]
    assert (finding.text, finding.kind, finding.is_of_text) == (0, "wrong label", True)
    assert [span.label for span in (finding.gold, finding.predicted) if span] == [wrong, right]


def test_what_a_format_cannot_hold_is_counted(tmp_path: Path) -> None:
    gold = Record("Bo met", (CharSpan(0, 2, "PER"),), cats={"meeting": 1.0})
    result = Review([], [Judgement(gold, gold)], ["in.jsonl:1"], [])
    lost = write_tasks(result, tmp_path / "tasks.jsonl", "doccano")
    assert lost == {"labels of texts with entities, for which doccano has no place": 1}
    assert not write_tasks(result, tmp_path / "tasks.json", "label-studio")
