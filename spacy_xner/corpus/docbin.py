"""Reads and writes docs as a ``.spacy`` file, or as a folder of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ..atomic import new_file, new_folder


def read_docs(path: Path, vocab: Vocab) -> list[Doc]:
    """Read the docs of a converted corpus.

    Raises:
        OSError: If there is no such file, and no folder of such files.
    """
    return list(stream_docs(path, vocab))


def stream_docs(path: Path, vocab: Vocab) -> Iterator[Doc]:
    """Read the docs of a converted corpus, one file at a time.

    Raises:
        OSError: If there is no such file, and no folder of such files.
    """
    files = sorted(path.rglob("*.spacy")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise FileNotFoundError(
            f"The corpus must be a .spacy file, or a folder of such files, found no {path}. Make it with: "
            "spacy-xner convert"
        )
    for file in files:
        yield from DocBin().from_disk(file).get_docs(vocab)


class EntityBin(DocBin):
    """A `DocBin` for docs that have only entities and labels of texts.

    It does not look up strings of attributes that are not stored (tags, lemma, norm): that halves the time.
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
    """Writes docs to a ``.spacy`` file, or to a folder of them.

    Args:
        part: File or folder to write to, until it is complete.
        is_folder: Whether it is a folder.
    """

    def __init__(self, part: Path, *, is_folder: bool) -> None:
        self.part = part
        self.is_folder = is_folder
        self.docs = EntityBin()
        self.n_shards = 0

    def add(self, doc: Doc) -> None:
        """Add a doc."""
        self.docs.add(doc)

    def end_shard(self) -> None:
        """Write the docs so far as one file of the folder."""
        self.docs.to_disk(self.part / f"{self.n_shards:05}.spacy")
        self.n_shards += 1
        self.docs = EntityBin()

    def finish(self) -> None:
        """Write the docs that are left."""
        if not self.is_folder:
            self.docs.to_disk(self.part)
        elif len(self.docs):
            self.end_shard()


@contextmanager
def write_docs(path: Path) -> Iterator[DocWriter]:
    """Write a corpus of docs; a failure leaves whatever was there.

    Args:
        path: A file whose name ends in ``.spacy``; else a folder.

    Yields:
        A writer to add docs to.

    Raises:
        OSError: If the folder exists and has anything but ``.spacy`` files in it.
    """
    is_folder = path.suffix != ".spacy"
    if is_folder and path.is_dir() and any(file.suffix != ".spacy" for file in path.iterdir()):
        raise FileExistsError(
            f"The folder to write must be new, or hold only .spacy files, found {path}. Choose "
            "another, or a name that ends in .spacy for a file."
        )
    with new_folder(path, replace=True) if is_folder else new_file(path) as part:
        writer = DocWriter(part, is_folder=is_folder)
        yield writer
        writer.finish()
