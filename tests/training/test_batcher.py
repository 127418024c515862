"""Concatenated texts keep every token and entity, each text once."""

import random

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example

from spacy_xner.training.batcher import build_batch_joined_v1, join_docs, join_examples

from ..conftest import TOKENIZER, make_examples

NLP: Language = spacy.blank("xx", config=TOKENIZER)


def surfaces(doc: Doc) -> list[tuple[str, str]]:
    """List entities as texts and labels."""
    return [(ent.text, ent.label_) for ent in doc.ents]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_every_text_is_in_one_batch(share: float) -> None:
    random.seed(0)
    examples = make_examples(NLP) * 9
    batches = list(build_batch_joined_v1(8, share)(examples))
    assert len(batches) == 5
    ents = [pair for batch in batches for eg in batch for pair in surfaces(eg.reference)]
    assert ents == [pair for eg in examples for pair in surfaces(eg.reference)]
    n_tokens = sum(len(eg.predicted.text.split()) for batch in batches for eg in batch)
    assert n_tokens == sum(len(eg.predicted.text.split()) for eg in examples)
    assert all(len(eg.predicted) == len(eg.reference) for batch in batches for eg in batch)
    n_texts = sum(map(len, batches))
    assert n_texts == 36 if share == 0 else n_texts < 36


@pytest.mark.parametrize("joiner", ["\n", " "])
@given(st.lists(st.text("a1 张,\n", max_size=6).filter(str.strip), min_size=1, max_size=4))
def test_joined_docs_are_tokens_of_the_joined_text(joiner: str, texts: list[str]) -> None:
    texts = [text.strip() for text in texts]
    joined = join_docs([NLP.make_doc(text) for text in texts], joiner)
    assert joined.text == joiner.join(texts)
    assert [token.text for token in joined] == [token.text for token in NLP.make_doc(joined.text)]


def test_unannotated_tokens_stay_unannotated() -> None:
    texts = ["Anna calls", "Bo"]
    open_doc, known = (NLP.make_doc(text) for text in texts)
    known.set_ents([known.char_span(0, 2, "PER")], default="outside")
    example = join_examples(
        [Example(NLP.make_doc(text), doc) for text, doc in zip(texts, (open_doc, known), strict=True)], "\n"
    )
    assert example.get_aligned_ner() == [None, None, "O", "U-PER"]


def test_empty_texts_are_dropped() -> None:
    empty = NLP.make_doc("")
    assert join_docs([empty, empty], " ").text == ""
    assert join_docs([empty, NLP.make_doc("a"), empty], "\n").text == "a"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 0}, "size and most must be at least 1 and share from 0 to 1, found size 0"),
        ({"size": 8, "share": 1.5}, "found size 8, most 16, share 1.5"),
        ({"size": 8, "joiners": ["; "]}, r"joiners must be white space, found \['; '\]"),
    ],
)
def test_settings_are_checked(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_batch_joined_v1(**settings)  # type: ignore[arg-type]


def test_classified_texts_are_not_concatenated() -> None:
    nlp = spacy.blank("xx")
    examples = [Example(nlp(text), nlp(text)) for text in "abcd"]
    examples[0].reference.cats = {"x": 1.0}
    batches = list(build_batch_joined_v1(2, 1.0)(examples))
    assert batches[0] == examples[:2]
    assert {eg.reference.text for eg in batches[0]} == {"a", "b"}
