"""Unlabelled texts: read from files, or generated from a vocabulary."""

from collections.abc import Callable
from pathlib import Path

import pytest
from spacy.language import Language
from spacy.tokens import DocBin
from tokenizers import Tokenizer

from spacy_xner.distillation.unlabelled import generate_texts, read_texts


def test_unlabelled_files(tmp_path: Path, trained: Language) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    assert read_texts(tmp_path / "a.jsonl") == ["one", "two"]
    DocBin(docs=[trained.make_doc("three")]).to_disk(tmp_path / "a.spacy")
    assert read_texts(tmp_path / "a.spacy") == ["three"]


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("a.jsonl", b'{"text": "one"}\n{"txt": "two"}\n', "a.jsonl:2: expected .*, found {'txt': 'two'}"),
        ("a.jsonl", b'{"text": ["one"]}', "a.jsonl:1: expected .*, found {'text': .'one'.}"),
        ("a.jsonl", b'{"text": "one"}\n3', "a.jsonl:2: expected a JSON object, found int"),
        ("a.jsonl", b'{"text": "one"}\n{', "a.jsonl:2: expected a JSON object on each line"),
        ("a.jsonl", b'{"text": "one"}\n{"text": "\\ud83d"}', "a.jsonl:2: expected text, found"),
        ("a.txt", "one\nzwölf".encode("latin-1"), "a.txt:2: expected UTF-8"),
        ("a.txt", "one".encode("utf-16"), "a.txt:1: expected UTF-8, found UTF-16"),
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
