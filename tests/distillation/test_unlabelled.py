"""Unlabelled texts: read from files, or generated from a vocabulary."""

import math
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import spacy
from spacy.tokens import DocBin
from tokenizers import Tokenizer, models

from spacy_xner.distillation.unlabelled import (
    UnlabelledTexts,
    generate_texts,
    read_texts,
)
from spacy_xner.errors import XnerWarning

# Probabilities of pieces in two scripts, and of two without letters. Together: 1.
PIECES = {"a": 0.375, "b": 0.125, "中": 0.1875, "文": 0.0625, "7": 0.1875, "8": 0.0625}


def test_unlabelled_files(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    assert read_texts(tmp_path / "a.jsonl") == ["one", "two"]
    texts = ["寄给李娜，顺丰快递", "北京市海淀区"]
    (tmp_path / "b.jsonl").write_bytes("".join(f'{{"text": "{text}"}}\n' for text in texts).encode("gbk"))
    (tmp_path / "b.txt").write_bytes("\n".join(texts).encode("gbk"))
    for name in ("b.jsonl", "b.txt"):
        with pytest.warns(XnerWarning, match=f"{name}: encoding gb18030: .* are common in Chinese"):
            assert read_texts(tmp_path / name) == texts
    DocBin(docs=[spacy.blank("xx").make_doc("three")]).to_disk(tmp_path / "a.spacy")
    assert read_texts(tmp_path / "a.spacy") == ["three"]


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        (
            "a.jsonl",
            b'{"text": "one"}\n{"txt": "two"}\n',
            "a.jsonl:2: expected .*, found {'txt': 'two'}. Fix the line.$",
        ),
        ("a.jsonl", b'{"text": "one"}\n{"text": ["two"]}', "a.jsonl:2: expected .*, found {'text': .'two'.}"),
        ("a.jsonl", b'{"text": "one"}\n3', "a.jsonl:2: expected a JSON object, found int"),
        ("a.jsonl", b'{"text": "one"}\n{', "a.jsonl:2: expected a JSON object on each line"),
        ("a.jsonl", b'{"text": "one"}\n{"text": "\\ud83d"}', "a.jsonl:2: expected text, found"),
        ("a.txt", b"one\nB\xff", "a.txt:2: expected UTF-8"),
        ("a.txt", b" \n", "must not be empty, found none in"),
        ("a.jsonl", b'{"text": " "}', "must not be empty, found none in"),
    ],
)
def test_bad_unlabelled_files_are_refused(tmp_path: Path, name: str, raw: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(ValueError, match=message):
        read_texts(tmp_path / name)


@pytest.mark.parametrize("arch", ["bert", "xlm-roberta"])
def test_generated_texts_have_no_special_pieces(tiny_encoders: Callable[..., Path], arch: str) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_encoders(arch) / "tokenizer.json"))
    texts = generate_texts(tokenizer, seed=1, n_texts=30)
    assert len(texts) == 30
    assert not any(
        token.content in text for text in texts for token in tokenizer.get_added_tokens_decoder().values()
    )


def make_unigram(pieces: dict[str, float]) -> Tokenizer:
    """Make a tokenizer of pieces with known probabilities, and a special piece."""
    vocab = [("<s>", 0.0), *((piece, math.log(prob)) for piece, prob in pieces.items())]
    tokenizer = Tokenizer(models.Unigram(vocab, unk_id=0))
    tokenizer.add_special_tokens(["<s>"])
    return tokenizer


@pytest.fixture
def unigram() -> Tokenizer:
    return make_unigram(PIECES)


def shares(texts: list[str]) -> dict[str, float]:
    """Count the pieces of texts; return the share of each."""
    counts = Counter(piece for text in texts for piece in text.split())
    return {piece: n / counts.total() for piece, n in counts.items()}


def test_pieces_are_as_frequent_as_in_the_vocabulary(unigram: Tokenizer) -> None:
    texts = generate_texts(unigram, seed=0, n_texts=400)
    assert shares(texts) == pytest.approx(PIECES, abs=0.02)
    lengths = [len(text.split()) for text in texts]
    assert (min(lengths), max(lengths)) == (4, 48)


def test_texts_are_of_one_script_and_what_all_share(unigram: Tokenizer) -> None:
    texts = generate_texts(unigram, seed=0, scripts=["Han", "Latin"], n_texts=600)
    han = [text for text in texts if set(text.split()) & {"中", "文"}]
    latin = [text for text in texts if set(text.split()) & {"a", "b"}]
    assert not set(han) & set(latin)
    assert len(han) == pytest.approx(len(latin), rel=0.2)
    # Digits keep their share of the whole vocabulary, a quarter; the script has the rest.
    common = {"7": 0.1875, "8": 0.0625}
    assert shares(han) == pytest.approx({"中": 0.5625, "文": 0.1875, **common}, abs=0.02)
    assert shares(latin) == pytest.approx({"a": 0.5625, "b": 0.1875, **common}, abs=0.02)


def test_digits_of_other_scripts_leave_their_share_to_those_of_all() -> None:
    tokenizer = make_unigram({"a": 0.5, "7": 0.25, "๗": 0.25})
    texts = generate_texts(tokenizer, seed=0, scripts=["Latin"], n_texts=400)
    assert shares(texts) == pytest.approx({"a": 0.5, "7": 0.5}, abs=0.02)


def test_a_seed_gives_the_same_texts(unigram: Tokenizer) -> None:
    first, again, other = (generate_texts(unigram, seed, n_texts=5) for seed in (1, 1, 2))
    assert first == again != other


def test_pieces_of_other_tokenizers_are_frequent_by_their_number() -> None:
    vocab = {"[UNK]": 0, "a": 1, "b": 2, "c": 5}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.add_special_tokens(["[UNK]"])
    weights = {"a": 1 / 2, "b": 1 / 3, "c": 1 / 6}
    assert shares(generate_texts(tokenizer, seed=0, n_texts=400)) == pytest.approx(weights, abs=0.02)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("Klingon", "scripts must be names of Unicode scripts, such as Han or Latin, found 'Klingon'"),
        ("Thai", "must have pieces of each script, found none of Thai"),
        ("Common", "must have pieces of each script, found none of Common"),
    ],
)
def test_scripts_without_pieces_are_refused(unigram: Tokenizer, script: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate_texts(unigram, seed=0, scripts=["Latin", script])


def test_unlabelled_texts_come_at_their_rate_and_again() -> None:
    nlp = spacy.blank("xx")
    docs = [nlp.make_doc(text) for text in "abc"]
    texts = UnlabelledTexts(docs, 0.75)
    taken = [texts.take(2) for _ in range(4)]
    assert ["".join(doc.text for doc in part) for part in taken] == ["a", "bc", "a", "bc"]
    # A text that is taken again is not the doc that a component has written to.
    assert not {id(doc) for part in taken for doc in part} & {id(doc) for doc in docs}
    assert all(a is not b for a, b in pairwise(doc for part in taken for doc in part))
    assert UnlabelledTexts([], 5.0).take(100) == []
