"""``span._.xner_score`` stays with its entity whatever spaCy does with the doc."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span, SpanGroup
from typer.testing import CliRunner

from spacy_xner.errors import XnerWarning
from spacy_xner.pipeline.xner import EntityRecognizer
from spacy_xner.types import Entity

from ..conftest import SLIPS, make_nlp

WORDS = "Bank of China sent Anna Li to Paris".split()
ENTITIES = [
    Entity(0, 3, "ORG", 0.9),
    Entity(2, 3, "LOC", 0.25),
    Entity(4, 6, "PER", 0.8),
    Entity(7, 8, "LOC", 0.7),
]
SCORES = {"Bank of China": 0.9, "Anna Li": 0.8, "Paris": 0.7}


@pytest.fixture
def pipe(tiny: Path) -> EntityRecognizer:
    """Return a component without a network: `annotate` writes entities of the test's choice."""
    pipe = make_nlp(tiny, "GlobalPointerHead").get_pipe("xner")
    assert isinstance(pipe, EntityRecognizer)
    return pipe


def annotate(pipe: EntityRecognizer, entities: list[Entity] = ENTITIES, words: list[str] = WORDS) -> Doc:
    doc = Doc(pipe.vocab, words=words, spaces=[True] * len(words))
    pipe.set_annotations([doc], [entities])
    return doc


def scores_of(doc: Doc) -> dict[str, float | None]:
    return {ent.text: ent._.xner_score for ent in doc.ents}


def through_docbin(doc: Doc, *, store_user_data: bool) -> Doc:
    data = DocBin(docs=[doc], store_user_data=store_user_data).to_bytes()
    (copy,) = DocBin(store_user_data=store_user_data).from_bytes(data).get_docs(doc.vocab)
    return copy


def through_json(doc: Doc) -> Doc:
    return Doc(doc.vocab).from_json(doc.to_json(underscore=["xner_score"]))


def merged(doc: Doc) -> Doc:
    """Merge entities, as spaCy's `merge_entities`."""
    return spacy.blank("xx", vocab=doc.vocab).add_pipe("merge_entities")(doc)


def split(doc: Doc) -> Doc:
    with doc.retokenize() as retokenizer:
        retokenizer.split(doc[3], ["se", "nt"], [doc[3], doc[4]])
    return doc


WAYS: dict[str, Callable[[Doc], Doc]] = {
    "copy": Doc.copy,
    "bytes": lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()),
    "json": through_json,
    "DocBin": lambda doc: through_docbin(doc, store_user_data=True),
    "DocBin without user data": lambda doc: through_docbin(doc, store_user_data=False),
    "as_doc": lambda doc: doc[:].as_doc(copy_user_data=True),
    "from_docs": lambda doc: Doc.from_docs([doc]),
}
CHANGES: dict[str, Callable[[Doc], Doc]] = {"no": lambda doc: doc, "merged": merged, "split": split}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_scores_survive(
    pipe: EntityRecognizer, way: Callable[[Doc], Doc], change: Callable[[Doc], Doc]
) -> None:
    # Retokenization: explosion/spaCy#12024.
    doc = way(change(annotate(pipe)))
    assert scores_of(doc) == pytest.approx(SCORES)
    assert way(doc).text.strip() == doc.text.strip()


def test_scores_move_with_concatenated_and_cut_docs(pipe: EntityRecognizer) -> None:
    other = annotate(pipe, [Entity(0, 3, "ORG", 0.5)])
    joined = Doc.from_docs([annotate(pipe), other])
    assert [ent._.xner_score for ent in joined.ents] == [0.9, 0.8, 0.7, 0.5]
    part = annotate(pipe)[4:].as_doc(copy_user_data=True)
    assert scores_of(part) == {"Anna Li": 0.8, "Paris": 0.7}
    # Without user data, spaCy copies no attributes of spans.
    assert set(scores_of(annotate(pipe)[4:].as_doc()).values()) == {None}


def test_span_group_follows_merged_tokens(pipe: EntityRecognizer) -> None:
    doc = annotate(pipe)
    held, scores = doc.spans["xner"], doc.spans["xner"].attrs["scores"]
    merged(doc)
    # The inner entity is now inside a token.
    expected = [("Bank of China", 0, 1, 0.9), ("Anna Li", 2, 3, 0.8), ("Paris", 4, 5, 0.7)]
    copy = doc.copy()
    for group in (held, doc.spans["xner"], copy.spans["xner"]):
        rows = [(s.text, s.start, s.end, x) for s, x in zip(group, group.attrs["scores"], strict=True)]
        assert rows == expected
        assert len(group) == 3
        assert group[2]._.xner_score == 0.7
    assert scores == [0.9, 0.8, 0.7]


def test_span_group_without_its_doc_is_refused_by_spacy(pipe: EntityRecognizer) -> None:
    group = annotate(pipe).spans["xner"]
    with pytest.raises(RuntimeError, match="garbage collected"):
        list(group)


def test_spans_without_a_score_have_none(pipe: EntityRecognizer) -> None:
    doc = annotate(pipe)
    assert doc[0:2]._.xner_score is None
    assert Span(doc, 0, 3, "PER")._.xner_score is None
    assert Span(doc, 0, 3, "ORG")._.xner_score == 0.9
    # Not scores of this package, or not of these spans.
    doc = Doc(pipe.vocab, words=WORDS)
    for odd in ([0.5], [], 3, "scores", None, {"a": 1}):
        doc.spans["odd"] = SpanGroup(doc, name="odd", spans=[doc[0:1], doc[1:2]], attrs={"scores": odd})
        assert doc[0:1]._.xner_score is None
    doc[0:1]._.xner_score = 0.5
    assert doc[0:1]._.xner_score == 0.5


def test_scores_of_a_group_of_spacy_are_none_after_merging(pipe: EntityRecognizer) -> None:
    doc = through_docbin(annotate(pipe), store_user_data=False)
    with doc.retokenize() as retokenizer:
        retokenizer.merge(doc[0:7])
    assert doc[0:1]._.xner_score is None


@pytest.mark.parametrize("store_user_data", [True, False])
def test_reading_scores_is_linear(pipe: EntityRecognizer, store_user_data: bool) -> None:
    words = WORDS * 500
    entities = [
        Entity(ent.start + i, ent.end + i, ent.label, ent.score)
        for i in range(0, len(words), len(WORDS))
        for ent in ENTITIES
        if ent.label != "LOC"
    ]
    doc = through_docbin(annotate(pipe, entities, words), store_user_data=store_user_data)
    begin = time.process_time()
    assert [ent._.xner_score for ent in doc.ents] == [ent.score for ent in entities]
    # Quadratic, it was 6 s.
    assert time.process_time() - begin < 1.0


def test_two_components_keep_their_scores(pipe: EntityRecognizer, tiny: Path) -> None:
    # explosion/spaCy#1752
    other = make_nlp(tiny, spans_key="second").get_pipe("xner")
    doc = annotate(pipe, [Entity(0, 3, "ORG", 0.9)])
    other.set_annotations([doc], [[Entity(0, 3, "ORG", 0.1), Entity(4, 6, "PER", 0.6)]])
    assert scores_of(doc) == {"Bank of China": 0.9, "Anna Li": 0.6}
    assert doc.spans["xner"].attrs["scores"] == [0.9]
    assert doc.spans["second"].attrs["scores"] == [0.1, 0.6]
    other.overwrite = True
    other.set_annotations([doc], [[Entity(0, 3, "ORG", 0.2)]])
    assert scores_of(doc) == {"Bank of China": 0.2}


def test_components_with_one_spans_key_are_warned_about(tiny: Path) -> None:
    nlp = make_nlp(tiny)
    config = {"model": {"encoder": {"name": str(tiny)}}}
    with pytest.warns(XnerWarning, match=r"'xner' and 'second' both write doc.spans\['xner'\]"):
        nlp.add_pipe("xner", name="second", config=config)
    nlp.add_pipe("xner", name="third", config={**config, "spans_key": "third"})
    nlp.add_pipe("xner", name="fourth", config={**config, "spans_key": None})
    nlp.add_pipe("xner", name="fifth", config={**config, "spans_key": None})


def test_scores_survive_processes_and_apply(trained: Language, tmp_path: Path) -> None:
    nlp = trained.from_config(trained.config).from_bytes(trained.to_bytes())
    nlp.add_pipe("merge_entities")
    texts = [text for text, _ in SLIPS]
    expected = [scores_of(doc) for doc in nlp.pipe(texts)]
    assert all(0.5 < score <= 1.0 for scores in expected for score in scores.values() if score)
    assert [scores_of(doc) for doc in nlp.pipe(texts, n_process=2)] == [
        {text: pytest.approx(score) for text, score in scores.items()} for scores in expected
    ]
    nlp.to_disk(tmp_path / "nlp")
    (tmp_path / "texts.jsonl").write_text("".join(f'{{"text": "{text}"}}\n' for text in texts), "utf-8")
    from spacy.cli._util import app

    files = [str(tmp_path / name) for name in ("nlp", "texts.jsonl", "out.spacy")]
    result = CliRunner().invoke(app, ["apply", *files])
    assert result.exit_code == 0, result.output
    applied = DocBin().from_disk(tmp_path / "out.spacy").get_docs(nlp.vocab)
    assert [set(scores_of(doc)) for doc in applied] == [set(scores) for scores in expected]


@pytest.mark.parametrize(
    "imports",
    [
        "import spacy_xner; from spacy.tokens import Span",
        "from spacy.tokens import Span; import spacy_xner",
    ],
)
def test_importing_the_package_registers_the_attribute(imports: str) -> None:
    code = f"{imports}; assert Span.has_extension('xner_score')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
