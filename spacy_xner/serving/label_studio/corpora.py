"""What a pipeline is trained on, and what is kept to compare models."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.language import Language

from ...atomic import new_file
from ...corpus.docbin import list_docbins, make_docbin, read_docs
from ...corpus.docs import record_to_doc
from ...corpus.report import ConvertReport
from ...scoring.spans import all_entities
from ...types import Record
from .gold import annotated_labels, is_kept, read_records
from .pipelines import describe

ANNOTATIONS = "annotations.spacy"


@dataclass
class Corpora:
    """What is trained on, and what is kept to compare models.

    Attributes:
        train: Folder of ``.spacy`` files: those of the annotations, and others that were put there.
        dev: The same, of texts that are never trained on.
        n_train: Texts to train on.
        n_dev: Texts kept.
        entities: Labels of entities that annotators chose from, and those of other files.
        cats: Labels of texts, likewise.
        known_entities: Labels of entities that the pipeline knows.
        left_out: Counts what could not be read, by reason.
    """

    train: Path
    dev: Path
    n_train: int = 0
    n_dev: int = 0
    entities: set[str] = field(default_factory=set)
    cats: set[str] = field(default_factory=set)
    known_entities: Collection[str] = ()
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def lacks(self) -> str:
        """What is missing for a training, in words; empty if nothing is."""
        for n_texts, what in ((self.n_train, "to train on"), (self.n_dev, "kept to compare models")):
            if not n_texts:
                return f"no labelled text {what} yet (about one of five texts is kept, chosen by its hash)"
        return ""


def write_corpora(folder: Path, tasks: Sequence[Mapping[str, Any]], nlp: Language) -> Corpora:
    """Write the corpora of a training: ``train/annotations.spacy`` and ``dev/annotations.spacy``.

    Args:
        folder: The folder. Other ``.spacy`` files in its ``train`` and ``dev`` are read, too.
        tasks: Tasks with their annotations and interfaces.
        nlp: The pipeline, which tokenizes the texts.
    """
    corpora, known = Corpora(folder / "train", folder / "dev"), describe(nlp)
    corpora.entities, corpora.cats = annotated_labels(tasks, known)
    corpora.known_entities = known.entities
    # Of texts that several tasks have, the last one counts.
    records = {r.text: r for task in tasks for r in read_records(task, known, corpora.left_out)}
    parts: dict[bool, list[Record]] = {False: [], True: []}
    for record in records.values():
        parts[is_kept(record.text)].append(record)
    for kept, other in ((False, corpora.dev), (True, corpora.train)):
        parts[kept] = _drop_others(parts[kept], other, nlp, corpora.left_out)
    parts[True] = _drop_unknown(parts, {*known.entities, *known.cats}, corpora.left_out)
    for kept, path in ((False, corpora.train), (True, corpora.dev)):
        _write_docs(path / ANNOTATIONS, parts[kept], nlp)
        for file in list_docbins(path):
            docs = read_docs(file, nlp.vocab)
            n_labelled = sum(bool(doc.cats or all_entities(doc)) for doc in docs)
            if kept:
                corpora.n_dev += n_labelled
            else:
                corpora.n_train += n_labelled
            if file.name != ANNOTATIONS:
                corpora.entities |= {span.label_ for doc in docs for span in all_entities(doc)}
                corpora.cats |= {label for doc in docs for label in doc.cats}
    return corpora


def _drop_others(
    records: Sequence[Record], path: Path, nlp: Language, left_out: Counter[str]
) -> list[Record]:
    """Return the records whose text is in no file of the user in a folder: no text is in both corpora."""
    files = [file for file in list_docbins(path) if file.name != ANNOTATIONS]
    texts = {doc.text.strip() for file in files for doc in read_docs(file, nlp.vocab)}
    apart = [record for record in records if record.text.strip() not in texts]
    left_out["texts that are in another file of the other corpus"] += len(records) - len(apart)
    return apart


def _drop_unknown(
    parts: Mapping[bool, Sequence[Record]], known: set[str], left_out: Counter[str]
) -> list[Record]:
    """Return the kept texts without entities whose label neither the model knows nor the training teaches."""
    labels = known | {span.label for record in parts[False] for span in record.spans or ()}
    kept = []
    for record in parts[True]:
        spans = None if record.spans is None else tuple(s for s in record.spans if s.label in labels)
        left_out["kept entities of labels that are not learned yet"] += len(record.spans or ()) - len(
            spans or ()
        )
        kept.append(Record(record.text, spans, record.source, record.cats))
    return kept


def _write_docs(path: Path, records: Iterable[Record], nlp: Language) -> None:
    report = ConvertReport()
    docs = [record_to_doc(record, nlp.make_doc, report) for record in records]
    with new_file(path) as part:
        make_docbin(docs).to_disk(part)
