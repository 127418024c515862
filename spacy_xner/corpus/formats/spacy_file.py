"""SpaCy's ``.spacy`` files, one or a folder of them: texts that another pipeline has tokenized.

Source: spaCy's documentation, "DocBin".
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path

from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

from ...types import CharSpan, Record
from ..annotation.offsets import check_texts
from ..annotation.rebuild import join_tokens
from ..annotation.spacing import Spacing, detect_spacing
from ..docbin import list_docbins
from ..reading.session import ReadSession
from ..reading.sniff import FileHead

# Span groups that are read: those of this package, and of spaCy's span categorizer.
GROUPS = ("xner", "sc")
SAMPLE_DOCS = 2000


def recognizes_spacy_file(head: FileHead) -> bool:
    """Return whether this is a ``.spacy`` file, or a folder of them."""
    return (head.is_folder or head.path.suffix == ".spacy") and bool(list_docbins(head.path))


def read_spacy_file(session: ReadSession) -> Iterator[Record]:
    """Read the text of each doc, its entities, those of its span groups too, and its labels.

    A doc whose entities are not annotated stays so. Other span groups are counted.

    Raises:
        CorpusError: If a file is damaged.
    """
    files = list_docbins(session.path) or [session.path]
    first = (doc for _, doc in _read_docs(session.preview(), files))
    sample = list(islice(first, SAMPLE_DOCS))
    groups = [name for name in GROUPS if any(doc.spans.get(name) for doc in sample)]
    names = ", ".join(["doc.ents", *(f'doc.spans["{name}"]' for name in groups)])
    session.note(f"entities in {names}; the texts are tokenized again")
    unspaced = [[token.text for token in doc] for doc in sample if doc.has_unknown_spaces]
    spacing = detect_spacing(session, unspaced) if unspaced else Spacing()
    if unspaced:
        session.note(
            f"{len(unspaced)} of {len(sample)} docs do not know their spaces: their tokens are joined"
        )
    yield from session.read_each(_read_docs(session, files), partial(_read_doc, session, groups, spacing))


def _read_docs(session: ReadSession, files: Iterable[Path]) -> Iterator[tuple[str, Doc]]:
    """Read the docs of all files, each with its position: the file and its number in it."""
    for file in files:
        in_file = session.for_file(file)
        with _damage_reported(in_file):
            docs = DocBin().from_disk(file).get_docs(Vocab())
        for number in count(1):
            with _damage_reported(in_file):
                doc = next(docs, None)
            if doc is None:
                break
            yield in_file.at(number), doc
        session.report.n_bytes += file.stat().st_size


@contextmanager
def _damage_reported(session: ReadSession) -> Iterator[None]:
    """Report whatever zlib, msgpack and spaCy raise for damaged files."""
    try:
        yield
    except OSError:
        raise
    except Exception as err:
        session.fail(
            1,
            f"expected a .spacy file that can be read, found {type(err).__name__}.",
            "Write it again with DocBin.to_disk.",
        )


def _read_doc(session: ReadSession, groups: Sequence[str], spacing: Spacing, item: tuple[str, Doc]) -> Record:
    where, doc = item
    spans = [*doc.ents, *(span for name in groups for span in doc.spans.get(name, ()))]
    n_missing = sum(token.ent_iob == 0 for token in doc)
    is_annotated = n_missing < len(doc) or any(name in doc.spans for name in groups)
    lost = Counter(
        {f"spans of the group {name}": len(doc.spans[name]) for name in doc.spans if name not in groups}
    )
    lost["spans without a label"] = sum(not span.label for span in spans)
    lost["tokens of which no entity is known, read as O"] = n_missing % max(len(doc), 1)
    for kind in lost.elements():
        session.leave_out(kind)
    text, offsets = doc.text, [(token.idx, token.idx + len(token)) for token in doc]
    if doc.has_unknown_spaces:
        text, offsets = join_tokens([token.text for token in doc], [False] * len(doc), spacing)
    labelled = [span for span in spans if span.label]
    entities = {CharSpan(offsets[span.start][0], offsets[span.end - 1][1], span.label_) for span in labelled}
    check_texts(session, where, [text, *(span.label for span in entities), *doc.cats])
    return Record(text, tuple(sorted(entities)) if is_annotated else None, where, dict(doc.cats) or None)
