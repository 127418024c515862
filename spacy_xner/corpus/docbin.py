"""Docs from a ``.spacy`` file."""

from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab


def read_docs(path: Path, vocab: Vocab) -> list[Doc]:
    """Read the docs of a corpus that was converted.

    Raises:
        OSError: If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"The corpus must be a .spacy file, found no {path}. Make it with: spacy-xner convert"
        )
    return list(DocBin().from_disk(path).get_docs(vocab))
