"""Docs from a ``.spacy`` file, or from a folder of them, and to it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab


def read_docs(path: Path, vocab: Vocab) -> list[Doc]:
    """Read the docs of a corpus that was converted.

    Raises:
        OSError: If there is no such file, nor a folder of such.
    """
    return list(stream_docs(path, vocab))


def stream_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read the docs of a corpus that was converted, a file at a time.

    Raises:
        OSError: If there is no such file, nor a folder of such.
    """
    files = sorted(path.rglob("*.spacy")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise FileNotFoundError(
            f"The corpus must be a .spacy file, or a folder of such, found no {path}. Make it with: "
            "spacy-xner convert"
        )
    for file in files:
        yield from DocBin().from_disk(file).get_docs(vocab)


class EntityBin(DocBin):
    """A `DocBin` for docs with entities and labels of texts only.

    Strings of what is not stored (each token's tags, lemma, norm) are not looked up: it takes half the time.
    """

    def __init__(self) -> None:
        super().__init__(attrs=["ENT_IOB", "ENT_TYPE"])

    def add(self, doc: Doc) -> None:
        """Add a doc, as `DocBin.add` does."""
        self.tokens.append(doc.to_array([*self.attrs]))
        self.spaces.append(doc.to_array("SPACY").astype(bool).reshape(-1, 1))
        self.flags.append({"has_unknown_spaces": doc.has_unknown_spaces})
        self.cats.append(doc.cats)
        self.span_groups.append(doc.spans.to_bytes())
        self.strings.update([token.text for token in doc])
        self.strings.update(span.label_ for spans in (doc.ents, *doc.spans.values()) for span in spans)


class DocWriter:
    """Writes docs so that the whole is there, or nothing.

    Args:
        path: A file whose name ends in ``.spacy``; or else a folder.

    Raises:
        OSError: If a folder is there that has something else in it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_folder = path.suffix != ".spacy"
        self.part = path.with_name(f".{path.name}.part")
        self.docs = EntityBin()
        self.n_shards = 0
        if self.is_folder and path.exists() and any(file.suffix != ".spacy" for file in path.iterdir()):
            raise FileExistsError(
                f"The folder to write must be new, or hold nothing but .spacy files, found {path}. Choose "
                "another, or a name that ends in .spacy for a file."
            )

    def __enter__(self) -> "DocWriter":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._clear()
        if self.is_folder:
            self.part.mkdir()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if err is None:
                self._finish()
        finally:
            self._clear()

    def add(self, doc: Doc) -> None:
        """Add a doc."""
        self.docs.add(doc)

    def end_shard(self) -> None:
        """Write what there is as a file of the folder."""
        self.docs.to_disk(self.part / f"{self.n_shards:05}.spacy")
        self.n_shards += 1
        self.docs = EntityBin()

    def _finish(self) -> None:
        if not self.is_folder:
            self.docs.to_disk(self.part)
        elif len(self.docs):
            self.end_shard()
        if self.is_folder and self.path.exists():
            shutil.rmtree(self.path)
        os.replace(self.part, self.path)

    def _clear(self) -> None:
        if self.part.is_dir():
            shutil.rmtree(self.part)
        else:
            self.part.unlink(missing_ok=True)
