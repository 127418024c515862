"""Entities of a corpus whose labels no component has: they are an error, or read as no entity.

A setting of the corpora in a config:

    [corpora.train.augmenter]
    @augmenters = "spacy_xner.UnknownLabels.v1"
    action = "O"
"""

import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, Optional

from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.training.initialize import init_nlp
from spacy.util import filter_spans
from thinc.api import Config

from ..corpus.labels import CorpusLabels, count_entities
from ..errors import XnerWarning
from ..pipeline.xner import EntityRecognizer
from ..scoring.spans import all_entities
from .preflight import read_all_labels

Action = Literal["O", "error"]
Augmenter = Callable[[Language, Example], Iterator[Example]]
NAME = "spacy_xner.UnknownLabels.v1"
READERS = ("spacy.Corpus.v1", "spacy_xner.StreamedCorpus.v1")
PARTS = ("train", "dev")
# Of a text in an error message, in characters.
MAX_SHOWN = 40


class UnknownLabelError(ValueError):
    """An entity of a corpus has a label that no component has.

    Args:
        message: What was found.
        known: What the components have.
    """

    def __init__(self, message: str, known: "Known") -> None:
        super().__init__(message)
        self.known = known


class Known(NamedTuple):
    """What the components of a pipeline learn of entities.

    Attributes:
        labels: Their labels.
        keys: Where they look for gold: keys of span groups, and None for ``doc.ents``.
    """

    labels: set[str]
    keys: set[str | None]

    def __str__(self) -> str:
        return f"the pipeline's ({', '.join(sorted(self.labels))})"


def build_unknown_labels_v1(
    action: Action = "error",
    augmenter: Optional[Augmenter] = None,  # noqa: UP045 - confection reads it
) -> Augmenter:
    """Build what a corpus does with gold entities whose labels no component of the pipeline has.

    As long as a component has no labels, before it is initialized, all entities stay. Labels of texts do.

    Args:
        action: ``"error"`` to stop, or ``"O"`` to read them as no entity.
        augmenter: Another augmenter, which is applied before.
    """

    def augment(nlp: Language, example: Example) -> Iterator[Example]:
        for each in [example] if augmenter is None else augmenter(nlp, example):
            known = read_known(nlp)
            if known is not None:
                _drop_unknown(each.reference, known, action)
            yield each

    return augment


def read_known(nlp: Language) -> Known | None:
    """Return what a pipeline learns of entities; None if a component has not got its labels yet."""
    own, labels = nlp.pipe_labels, set[str]()
    for name, pipe in nlp.components:
        if not {"doc.ents", "doc.spans"}.isdisjoint(nlp.get_pipe_meta(name).assigns):
            if not own.get(name) and getattr(pipe, "is_trainable", False):
                return None
            labels.update(own.get(name, ()))
    pipes = [pipe for _, pipe in nlp.components if isinstance(pipe, EntityRecognizer)]
    return Known(labels, {pipe.spans_key if pipe.is_nested else None for pipe in pipes}) if labels else None


def _drop_unknown(doc: Doc, known: Known, action: Action) -> None:
    """Remove entities with unknown labels; shorter ones that they hid in ``doc.ents`` take their place.

    Raises:
        UnknownLabelError: If there is one, and the action is to stop.
    """
    unknown = [
        span for key in known.keys for span in all_entities(doc, key) if span.label_ not in known.labels
    ]
    if not unknown:
        return
    if action == "error":
        raise UnknownLabelError(
            f"Gold labels must be among {known}, found {unknown[0].label_!r} at {doc.text[:MAX_SHOWN]!r}. "
            f'Correct it, or set action to "O".',
            known,
        )
    spans: list[Span] = [ent for ent in doc.ents if ent.label_ in known.labels]
    for key in known.keys:
        if key is not None and key in doc.spans:
            doc.spans[key] = [span for span in doc.spans[key] if span.label_ in known.labels]
            spans += doc.spans[key]
    doc.set_ents(
        [], outside=[ent for ent in doc.ents if ent.label_ not in known.labels], default="unmodified"
    )
    doc.set_ents(filter_spans(spans), default="unmodified")


def override_corpora(config: Config, action: Action) -> dict[str, Any]:
    """Return the settings that make a config's corpora do this, by dotted names.

    Raises:
        ValueError: If a corpus has a reader without augmenters, or another augmenter; or if the config has no
            component for entities.
    """
    components = config.get("components", {}).values()
    if not any(each.get("factory") == "xner" or "source" in each for each in components):
        raise ValueError("--unknown-labels is for entities, found no component xner. Leave it out.")
    overrides: dict[str, Any] = {}
    for name, corpus in _list_corpora(config).items():
        augmenter = corpus.get("augmenter")
        reader, other = corpus.get("@readers"), (augmenter or {}).get("@augmenters")
        if reader not in READERS:
            raise ValueError(
                f"--unknown-labels needs [{name}] to be read by one of {', '.join(READERS)}, found {reader}. "
                "Use one of these."
            )
        if augmenter is None:
            overrides[f"{name}.augmenter"] = {"@augmenters": NAME, "action": action}
        elif other == NAME:
            overrides[f"{name}.augmenter.action"] = action
        else:
            raise ValueError(
                f"--unknown-labels sets the augmenter of [{name}], found {other} there. Put it into the "
                f"config as [{name}.augmenter.augmenter], inside a {NAME}."
            )
    return overrides


def _list_corpora(config: Config) -> dict[str, dict[str, Any]]:
    """List the sections of the corpora that a config trains on and scores, by their names."""
    training = config.get("training", {})
    sections = {}
    for part in PARTS:
        name = training.get(f"{part}_corpus", f"corpora.{part}")
        section: Any = config
        for key in name.split("."):
            section = section.get(key, {})
        sections[name] = section
    return sections


def read_actions(config: Config) -> dict[str, Action | None]:
    """Read from a config what the corpora do with unknown labels, by part; None where nothing is set."""
    augmenters = [corpus.get("augmenter") or {} for corpus in _list_corpora(config).values()]
    actions = [
        each.get("action", "error") if each.get("@augmenters") == NAME else None for each in augmenters
    ]
    return dict(zip(PARTS, actions, strict=True))


def init_known(config: Config, labels: CorpusLabels) -> Language:
    """Initialize a pipeline, and refuse or count the entities of its corpora whose labels no component has.

    Without a setting, those of the training corpus are refused: they would stop the training later.

    Args:
        config: Its config, not interpolated.
        labels: All labels of the training corpus.

    Raises:
        ValueError: If there are some, and they are not to be read as no entity.
    """
    resolved = config.interpolate()
    try:
        nlp = init_nlp(config)
    except UnknownLabelError as err:
        _check(resolved, err.known, labels)
        raise
    frozen = resolved["training"].get("frozen_components", ())
    trained = [pipe for name, pipe in nlp.pipeline if name not in frozen]
    known = read_known(nlp)
    if known is not None and any(isinstance(pipe, EntityRecognizer) for pipe in trained):
        _check(resolved, known, labels)
    return nlp


def _check(config: Config, known: Known, labels: CorpusLabels) -> None:
    for part, action in read_actions(config).items():
        path = config["paths"].get(part)
        if path is None or (part != "train" and action is None):
            continue
        own = labels if part == "train" else read_all_labels(path, part)
        unknown = own.select({"xner"}, known.keys) - known.labels
        counts, files = count_entities(Path(path), unknown, known.keys) if unknown else (Counter(), [])
        if not counts:
            continue
        shown = ", ".join(f"{label} {n}" for label, n in sorted(counts.items()))
        shown += f" in {files[0]}{f' and {len(files) - 1} more files' if len(files) > 1 else ''}"
        if action != "O":
            raise ValueError(
                f"Labels of {part} must be among {known}, found also {shown}. Correct them, or read entities "
                "of others as none with --unknown-labels O."
            )
        warnings.warn(
            f"Entities with labels that the pipeline lacks are read as none: {shown}.",
            XnerWarning,
            stacklevel=3,
        )
