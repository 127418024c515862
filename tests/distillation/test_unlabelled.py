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


@pytest.mark.parametrize("arch", ["bert", "xlm-roberta"])
def test_generated_texts_have_no_special_pieces(tiny_encoders: Callable[..., Path], arch: str) -> None:
    tokenizer = Tokenizer.from_file(str(tiny_encoders(arch) / "tokenizer.json"))
    texts = generate_texts(tokenizer, seed=1, n_texts=30)
    assert len(texts) == 30
    assert not any(
        token.content in text for text in texts for token in tokenizer.get_added_tokens_decoder().values()
    )
