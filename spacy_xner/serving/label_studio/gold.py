"""Finished annotations as records to train on, with the labels of the model."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from hashlib import blake2b
from typing import Any

from ...corpus.annotation.convention import Convention
from ...corpus.annotation.detection import cut_text
from ...corpus.annotation.offsets import has_bad
from ...corpus.annotation.raw import RawSpan
from ...corpus.annotation.surfaces import compare
from ...corpus.formats.label_studio_project import clean_surface
from ...corpus.formats.label_studio_results import ANNOTATIONS, Choice, Region, Results, read_annotation
from ...types import CharSpan, Record
from .interface import Interface, read_interface
from .results import Known

# What offsets count: characters; in versions of Label Studio before 1.5, UTF-16.
CONVENTIONS = (Convention(), Convention(units="utf16"))
# One text of so many is kept to compare models, and never trained on.
DEV_SHARE = 5


def is_kept(text: str) -> bool:
    """Return whether a text is kept to compare models. The same text always is, or never."""
    return blake2b(text.strip().encode("utf-8", "surrogatepass"), digest_size=8).digest()[0] % DEV_SHARE == 0


def read_records(task: Mapping[str, Any], known: Known, left_out: Counter[str]) -> Iterator[Record]:
    """Read what an annotated task teaches: a record for each of its labelled texts.

    Args:
        task: The task, with its annotations and ``label_config``.
        known: The labels of the model.
        left_out: Counts what cannot be read, by reason.
    """
    try:
        interface = read_interface(task["label_config"])
        results = read_annotation(dict(task), ANNOTATIONS).results
    except (ValueError, LookupError, TypeError, AttributeError):
        left_out["tasks of another shape"] += 1
        return
    if results is None:
        left_out["skipped tasks"] += 1
        return
    for name, text in interface.read_texts(task["data"]).items():
        spans = _read_spans(interface, results, name, text, known=known)
        cats = _read_cats(interface, results, name, known)
        if has_bad(text) or not text.strip():
            left_out["texts without text, or with what is none"] += 1
        elif spans is None and any(c.kind == "labels" and c.to_name == name for c in interface.controls):
            left_out["texts with entities whose places cannot be read"] += 1
        elif spans is not None or cats:
            yield Record(text, None if spans is None else tuple(sorted(spans)), name, cats or None)


def _read_spans(
    interface: Interface, results: Results, name: str, text: str, *, known: Known
) -> set[CharSpan] | None:
    """Read the entities of a text; None if it is not labelled with entities, or one cannot be read."""
    controls = [each for each in interface.controls if each.kind == "labels" and each.to_name == name]
    regions = [region for region in results.regions if region.to_name == name]
    if not controls or results.n_misplaced:
        return None
    labels: dict[str, str] = {}
    for control in reversed(controls):
        labels |= control.name_labels(known.entities)
    for convention in CONVENTIONS:
        places = _locate(regions, text, convention)
        if places is not None:
            trimmed = [_trim(text, *place) for place in places]
            return {
                CharSpan(start, end, labels.get(label, label))
                for (start, end), region in zip(trimmed, regions, strict=True)
                for label in region.labels
                if start < end
            }
    return None


def _locate(regions: list[Region], text: str, convention: Convention) -> list[tuple[int, int]] | None:
    """Return the places of entities; None if one is not its text, or is not in the text."""
    if not all(type(each.start) is int and type(each.end) is int for each in regions):
        return None
    raw = [RawSpan(each.start, each.end, "") for each in regions]
    places = [parts[0] for parts in convention.locate(text, raw)]
    for place, region in zip(places, regions, strict=True):
        cut = cut_text(text, [place])
        surface = region.surface
        if not cut or not all(isinstance(label, str) and label for label in region.labels):
            return None
        if isinstance(surface, str) and compare(cut, clean_surface(surface, text)) is None:
            return None
    return places


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a place without the white space at its ends."""
    cut = text[start:end]
    return end - len(cut.lstrip()), start + len(cut.rstrip())


def _read_cats(interface: Interface, results: Results, name: str, known: Known) -> dict[str, float]:
    """Read the labels of a text: of each control that was used, those chosen and those not."""
    cats: dict[str, float] = {}
    for control in interface.controls:
        own = [each for each in results.choices if _belongs(each, control.name, name)]
        if control.kind == "choices" and own:
            labels = control.name_labels(known.cats)
            chosen = {str(value) for each in own for value in each.labels}
            cats |= {label: float(value in chosen) for value, label in labels.items()}
    return cats


def _belongs(choice: Choice, control: str, text: str) -> bool:
    return choice.from_name == control and choice.to_name == text


def annotated_labels(tasks: Collection[Mapping[str, Any]], known: Known) -> tuple[set[str], set[str]]:
    """Return the labels of entities and of texts that annotators could choose from."""
    entities: set[str] = set()
    cats: set[str] = set()
    for config in {task["label_config"] for task in tasks}:
        try:
            controls = read_interface(config).controls
        except ValueError:
            continue
        for control in controls:
            if control.kind == "labels":
                entities |= {*control.name_labels(known.entities).values(), *control.match(known.entities)}
            else:
                cats |= {*control.name_labels(known.cats).values(), *control.match(known.cats)}
    return entities, cats
