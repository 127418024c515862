"""Chooses a training config by the corpus."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import median

from spacy.tokens import Doc

from ...corpus.unpacking import stream_apart
from ...nn.runtime.device import resolve_device
from ...scoring.spans import all_entities
from ...scripts import has_unspaced
from ...training.preflight import read_labels
from .recipe import HeadName, Recipe, Task

# With more labels, a softmax trains many times as fast as a CRF.
MAX_CRF_LABELS = 50
# Longer texts, in tokens, are pages: they need no concatenation, smaller batches and wider windows.
PAGE = 150
# Texts to train on: the more, the more the corpus has, and the fewer times each.
MIN_SEEN, SEEN_PER_ROOT = 480, 72
# On a CPU, a few hours.
MAX_SEEN_ON_CPU = 48_000


@dataclass
class CorpusFacts:
    """What a corpus holds.

    Attributes:
        labels: Labels of entities.
        cats: Labels of texts.
        lengths: Length of each text, in tokens.
        n_unspaced: Number of texts in scripts without spaces.
        is_nested: Whether entities overlap.
        is_multilabel: Whether a text has more or fewer than one label.
    """

    labels: set[str] = field(default_factory=set)
    cats: set[str] = field(default_factory=set)
    lengths: list[int] = field(default_factory=list)
    n_unspaced: int = 0
    is_nested: bool = False
    is_multilabel: bool = False


def read_facts(docs: Iterable[Doc]) -> CorpusFacts:
    """Read what a corpus holds."""
    facts = CorpusFacts()
    for doc in docs:
        entities = sorted((ent.start, ent.end, ent.label_) for ent in all_entities(doc))
        facts.labels.update(label for _, _, label in entities)
        facts.cats.update(doc.cats)
        facts.lengths.append(len(doc))
        facts.n_unspaced += has_unspaced(doc.text)
        facts.is_nested |= any(b[0] < a[1] for a, b in pairwise(entities))
        facts.is_multilabel |= bool(doc.cats) and sum(value > 0.5 for value in doc.cats.values()) != 1
    return facts


def choose_recipe(
    train: str | None,
    dev: str | None,
    encoder: str | None,
    device: str = "auto",
    *,
    head: HeadName | None = None,
) -> Recipe:
    """Choose a training config by the corpora, the encoder and the device.

    Args:
        train: Training corpus, a ``.spacy`` file or a folder of them.
        dev: Development corpus.
        encoder: Hub id or folder.
        device: As the setting of a component.
        head: The head, if it is not to be chosen.

    Raises:
        OSError: If a corpus does not exist.
        ValueError: If a corpus is missing, is no ``.spacy`` file or has no labels, or the head cannot learn
            them.
    """
    for part, path in (("train", train), ("dev", dev)):
        read_labels(path, part, ("xner", "xcat"))
    facts = read_facts(stream_apart(Path(str(train))))
    kind = resolve_device(device).type
    length, n_texts = round(median(facts.lengths)), len(facts.lengths)
    task: Task = "textcat" if not facts.labels else "spans" if facts.is_nested else "ner"
    if task == "ner" and head is None:
        head = "crf" if len(facts.labels) <= MAX_CRF_LABELS else "softmax"
    is_page = length > PAGE
    batch_size = (8 if kind == "cpu" else 16) // (2 if is_page else 1)
    n_seen = count_seen(n_texts, on_cpu=kind == "cpu")
    return Recipe(
        task=task,
        head=head,
        multilabel=task == "textcat" and facts.is_multilabel,
        encoder=encoder,
        device=kind,
        train=train,
        dev=dev,
        max_steps=round(n_seen / batch_size),
        batch_size=batch_size,
        window=512 if is_page else None,
        share=0.0 if is_page else 0.5,
        reasons=(*explain(facts, task, n_texts, length), explain_steps(n_seen / n_texts)),
    )


def count_seen(n_texts: int, *, on_cpu: bool) -> float:
    """Return on how many texts to train: the whole corpus at least once, a small one several times.

    Args:
        n_texts: Texts in the corpus.
        on_cpu: Whether the training runs on a CPU, which would take days for a large corpus.
    """
    once = min(n_texts, MAX_SEEN_ON_CPU) if on_cpu else n_texts
    return max(MIN_SEEN, SEEN_PER_ROOT * sqrt(n_texts), once)


def explain_steps(passes: float) -> str:
    """Explain the number of steps in a line.

    Args:
        passes: How many times each text is trained on, on average.
    """
    if passes < 1:
        return f"The steps see {passes:.0%} of the texts, for a few hours on a CPU: raise max_steps for more."
    return f"The steps see each text {passes:.1f} times on average: the smaller a corpus, the more often."


def explain(facts: CorpusFacts, task: Task, n_texts: int, length: int) -> tuple[str, ...]:
    """Explain, in lines for the top of a config, what it is chosen by."""
    learned, kind = (facts.cats, "of texts") if task == "textcat" else (facts.labels, "of entities")
    what = f"{n_texts} texts of {length} tokens (median), {facts.n_unspaced} in scripts without spaces"
    lines = [f"Chosen by the training corpus: {what},", f"with {len(learned)} labels {kind}"]
    if task == "textcat":
        lines[-1] += ", any number for a text." if facts.is_multilabel else ", one for each text."
    else:
        lines[-1] += ", nested ones among them." if facts.is_nested else ", none nested."
        if facts.cats:
            lines.append(f"The {len(facts.cats)} labels of texts are left out: they need --task textcat.")
    return tuple(lines)
