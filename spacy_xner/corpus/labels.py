"""The labels of a converted corpus, read without its texts."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from ..scoring.spans import all_entities
from .docbin import list_docbins, stream_docs
from .unpacking import GroupReader, StoredDocs

ENT_TYPE = int(DocBin(attrs=["ENT_TYPE"]).attrs[-1])


@dataclass
class CorpusLabels:
    """The labels of a corpus.

    Attributes:
        ents: Those of ``doc.ents``.
        groups: Those of span groups, by their keys.
        cats: Those of texts.
    """

    ents: set[str] = field(default_factory=set)
    groups: dict[str, set[str]] = field(default_factory=dict)
    cats: set[str] = field(default_factory=set)

    def add(self, docs: StoredDocs) -> None:
        """Add the labels of a file."""
        names, reader = docs.read_names(), GroupReader()
        numbers: set[int] = set()
        for column in docs.read_column(ENT_TYPE):
            numbers.update(np.unique(column).tolist())
        self.ents.update(names[number] for number in numbers - {0})
        for groups in docs.read_values("span_groups"):
            for key, spans in reader.read(groups).items():
                self.groups.setdefault(key, set()).update(names[span.label] for span in spans if span.label)
        for cats in docs.read_values("cats"):
            self.cats.update(cats or ())

    def select(self, kinds: Collection[str | None], keys: Iterable[str | None] = ("xner",)) -> set[str]:
        """Return the labels that components learn: of entities (``xner``), of texts (``xcat``).

        Args:
            kinds: Factories of the components.
            keys: Keys of span groups that may hold entities.
        """
        labels = self.cats if "xcat" in kinds else set()
        if "xner" in kinds:
            labels = labels.union(self.ents, *(self.groups.get(key, ()) for key in keys if key is not None))
        return {*labels}


def count_entities(
    path: Path, labels: Collection[str], keys: Collection[str | None]
) -> tuple[Counter[str], list[Path]]:
    """Count the entities of a corpus with some labels, and list the files that have them.

    Args:
        path: A ``.spacy`` file, or a folder of them.
        labels: The labels.
        keys: Keys of span groups that may hold entities; None for ``doc.ents`` alone.
    """
    counts: Counter[str] = Counter()
    files = []
    for file in list_docbins(path):
        own: Counter[str] = Counter()
        for doc in stream_docs(file, Vocab()):
            spans = {(ent.start, ent.end, ent.label_) for key in keys for ent in all_entities(doc, key)}
            own.update(label for _, _, label in spans if label in labels)
        counts += own
        files += [file] if own else []
    return counts, files
