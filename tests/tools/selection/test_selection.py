"""Texts to label: which are selected, and how the command writes them."""

import json
from math import log
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

import spacy_xner
from spacy_xner.corpus.duplicates import fold_text, group_duplicates
from spacy_xner.errors import XnerWarning
from spacy_xner.tools.selection import select_texts
from spacy_xner.tools.selection.candidates import BestTexts, read_candidates, score_entities, score_labels
from spacy_xner.tools.selection.diversity import cluster, embed, put_duplicates_last, take_in_turn

from ...conftest import SLIPS
from ...pipeline import test_xcat as texts
from ...test_cli import invoke

WORDS = "parcel letter courier street Anna Schmidt DHL 北京市 张伟 李娜 顺丰速运 station evening".split()
POOL = [f"{a} {b} {c}" for a in WORDS for b in WORDS[3:5] for c in WORDS[::6] if len({a, b, c}) == 3]


@pytest.fixture(scope="module")
def folder(trained: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("selection") / "nlp"
    trained.to_disk(path)
    return path


def test_selected_texts_are_among_the_least_sure(trained: Language) -> None:
    selection = select_texts(trained, POOL, 3, random_share=0)
    scores = {doc.text: score_entities(doc) for doc in trained.pipe(POOL)}
    candidates = sorted(POOL, key=lambda text: -scores[text])[:30]
    assert {doc.text for doc in selection.docs} <= {*candidates}
    assert selection.docs[0].text == candidates[0]
    assert selection.n_texts == len(POOL)
    assert all(doc._.xner_score is not None for doc in selection.docs)


def test_same_seed_selects_the_same_texts_and_another_draws_others(trained: Language) -> None:
    first, again, other = (
        [
            [doc.text for doc in docs]
            for docs in select_texts(trained, POOL, 20, random_share=0.5, seed=seed)[:2]
        ]
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first[1] != other[1]
    assert [len(part) for part in first] == [10, 10]
    assert not {*first[0]} & {*first[1]}


def test_random_texts_depend_on_their_places_alone(trained: Language) -> None:
    pools = POOL, [f"{text}!" for text in POOL]
    first, other = (read_candidates(trained, pool, 0, 20, [], 0)[1] for pool in pools)
    assert [f"{text}!" for text in first] == other
    assert {*first} < {*POOL}


def test_copies_and_labelled_texts_are_not_selected(trained: Language) -> None:
    text, other = "Send to Anna Schmidt, DHL 12", "北京市海淀区 张伟"
    pool = [text, text.upper(), "Send to Anna Schmidt,  DHL 9", other, "", "  "]
    with pytest.warns(XnerWarning, match="must be 4 different texts to select from, found 2 .* in 4"):
        selection = select_texts(trained, pool, 4, random_share=0)
    assert {doc.text for doc in selection.docs} == {text, other}
    with pytest.warns(XnerWarning, match="found 1"):
        selection = select_texts(trained, pool, 2, random_share=0, labelled=[text.replace("12", "7")])
    assert [doc.text for doc in selection.docs] == [other]


def test_near_duplicates_come_last() -> None:
    known, text, near = "call the courier at the station", "letter for Anna Schmidt of Berlin", "parcel"
    ordered = put_duplicates_last([known + "!", text, text + "!", near], [known])
    assert ordered == [text, near, known + "!", text + "!"]


def test_each_cluster_has_its_turn(trained: Language) -> None:
    assert take_in_turn(["a", "b", "c", "d"], [0, 0, 1, 0]) == ["a", "c", "b", "d"]
    pool = [SLIPS[0][0]] * 3 + [SLIPS[1][0]] * 3
    clusters = cluster(embed(trained, pool), 2, seed=0)
    assert [len({*clusters[:3]}), len({*clusters[3:]}), len({*clusters})] == [1, 1, 2]


def test_best_texts_are_those_of_sorting() -> None:
    values = [(i * 7919 % 101, f"text {i % 60}") for i in range(100)]
    best = BestTexts(10)
    for value, text in values:
        best.add(value, text, text)
    assert len(best._heap) == len(best._folded) == 10
    whole = BestTexts(1000)
    for value, text in values[:60]:
        whole.add(value, text, text)
    assert whole.texts() == [text for value, text in sorted(values[:60], reverse=True)]


def test_uncertainty_is_normalized_by_length(trained: Language) -> None:
    doc = trained(SLIPS[1][0])
    assert 1 - score_entities(doc) == pytest.approx(doc._.xner_score ** (1 / len(doc)))


def test_without_a_score_of_the_text_the_least_sure_entity_counts() -> None:
    doc = Doc(spacy.blank("xx").vocab, ["Anna", "met", "Bo"])
    assert score_entities(doc) == 0
    doc.spans["xner"] = [Span(doc, 0, 1, label="PER"), Span(doc, 2, 3, label="PER")]
    for span, score in zip(doc.spans["xner"], (0.9, 0.6), strict=True):
        span._.xner_score = score
    doc.ents = doc.spans["xner"]
    assert score_entities(doc) == pytest.approx(0.4)


def test_uncertainty_of_labels_is_their_entropy() -> None:
    assert score_labels([0.25] * 4, is_exclusive=True) == pytest.approx(1)
    assert score_labels([1.0, 0.0], is_exclusive=True) == 0
    assert score_labels([0.9, 0.1], is_exclusive=True) == pytest.approx(
        -(0.9 * log(0.9) + 0.1 * log(0.1)) / log(2)
    )
    assert score_labels([0.01, 0.5], is_exclusive=False) == pytest.approx(1)


def test_texts_are_selected_for_xcat(tiny: Path) -> None:
    nlp = texts.make_nlp(tiny, "MultiLabelHead")
    texts.train(nlp, texts.TEXTS, n_steps=5)
    selection = select_texts(nlp, POOL, 4, random_share=0.5)
    assert [len(selection.docs), len(selection.random_docs)] == [2, 2]
    assert {*selection.docs[0].cats} == {"parcel", "english"}


def test_command_writes_tasks_with_predictions(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join([*POOL, SLIPS[1][0]]), encoding="utf-8")
    tasks = tmp_path / "tasks.json"
    command = ["select", folder, tmp_path / "texts.txt", "--n", "10", "--random-share", "0.2", "-o"]
    code, _, err = invoke(*command, tasks)
    assert (code, err.count("Wrote")) == (0, 2)
    chosen, drawn = (
        [task["data"]["text"] for task in json.loads(path.read_text("utf-8"))]
        for path in (tasks, tmp_path / "tasks-random.json")
    )
    assert [len(chosen), len(drawn)] == [8, 2]
    assert all("predictions" in task for task in json.loads(tasks.read_text("utf-8")))
    assert invoke(*command, tasks)[0] == 1
    # What was selected before is not selected again, whatever else is labelled.
    following = tmp_path / "next.jsonl"
    known = ["--labelled", tasks, "--labelled", tmp_path / "tasks-random.json"]
    code, _, _ = invoke(*command, following, *known)
    again = [json.loads(line)["text"] for line in following.read_text("utf-8").splitlines()]
    assert code == 0
    assert not {*map(fold_text, again)} & {*map(fold_text, chosen + drawn)}
    groups = group_duplicates(chosen + drawn + again)
    assert not {*groups[:10]} & {*groups[10:]}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--n", "0"], "n must be at least 1, found 0."),
        (["--random-share", "2"], "The random share must be from 0 to 1, found 2.0."),
        (["--format", "brat"], "format must be one of"),
        (["--random-output", "-"], "The output must be two files"),
        ([], "There must be a text that is not labelled, found none in 0."),
    ],
)
def test_command_refuses_in_one_line(folder: Path, tmp_path: Path, args: list[str], message: str) -> None:
    (tmp_path / "texts.txt").write_text("\n \n", encoding="utf-8")
    code, out, err = invoke("select", folder, tmp_path / "texts.txt", "-o", tmp_path / "out.jsonl", *args)
    assert (code, out) == (1, "")
    assert message in err
    assert [path.name for path in tmp_path.iterdir()] == ["texts.txt"]


def test_pipeline_without_probabilities_is_refused() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("sentencizer")
    with pytest.raises(ValueError, match=r"must have an xner or xcat .* found sentencizer"):
        select_texts(nlp, ["a"], 1)


def test_public_function_checks_its_numbers() -> None:
    with pytest.raises(ValueError, match="n must be at least 1"):
        spacy_xner.select("missing", [], n=0)
