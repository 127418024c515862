"""Gold against predicted entities, by seqeval, as a spaCy scorer."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

from spacy.tokens import Doc
from spacy.training import Example

from ..schemes import OUTSIDE, TagScheme
from ..types import Entity

MODES: dict[str, str | None] = {"strict": "strict", "default": None}
_IOB2 = TagScheme("IOB2")


def score_entities(examples: Iterable[Example]) -> dict[str, Any] | None:
    """Score entities with seqeval, strictly in IOB2 and in its default (conlleval) way.

    Gold and predicted are compared on the tokens, or on the characters where the two are cut differently, so
    that no entity is lost. Tokens that the gold leaves open are left out, and so is what is predicted there.

    Args:
        examples: Predicted docs with references.

    Returns:
        For each mode precision, recall, F1 (from 0 to 1) and support, by type, micro and macro; and the
        accuracy of tags. None if no example is annotated.
    """
    gold_tags, predicted_tags = [], []
    for example in examples:
        if not example.reference.has_annotation("ENT_IOB"):
            continue
        gold, predicted = _tags(example)
        gold_tags.append(gold)
        predicted_tags.append(predicted)
    if not gold_tags:
        return None
    scores: dict[str, Any] = {mode: _report(gold_tags, predicted_tags, mode) for mode in MODES}
    n_right = sum(
        a == b for g, p in zip(gold_tags, predicted_tags, strict=True) for a, b in zip(g, p, strict=True)
    )
    scores["accuracy"] = n_right / max(sum(map(len, gold_tags)), 1)
    scores["n_texts"] = len(gold_tags)
    return scores


def build_seqeval_scorer_v1() -> Callable[..., dict[str, Any]]:
    """Build a scorer with the keys of spaCy's own entity scores: ``ents_p``, ``ents_r``, ``ents_f``.

    These are strict and micro-averaged. Further ones: ``ents_acc`` (accuracy of tags), ``ents_macro_p/r/f``,
    ``ents_default_p/r/f`` (seqeval's default mode), ``ents_per_type``.
    """
    return seqeval_scorer


def seqeval_scorer(examples: Iterable[Example], **kwargs: Any) -> dict[str, Any]:
    """Score examples for spaCy; all None where nothing is annotated."""
    scores = score_entities(examples)
    names = {"": ("strict", "micro"), "macro_": ("strict", "macro"), "default_": ("default", "micro")}
    found: dict[str, Any] = {"ents_acc": None, "ents_per_type": None}
    for prefix, (mode, average) in names.items():
        row = scores[mode][average] if scores else {"p": None, "r": None, "f": None}
        found |= {f"ents_{prefix}{key}": row[key] for key in "prf"}
    if scores:
        found["ents_acc"] = scores["accuracy"]
        per_type = scores["strict"]["per_type"]
        found["ents_per_type"] = {label: {key: row[key] for key in "prf"} for label, row in per_type.items()}
    return found


def _report(gold: list[list[str]], predicted: list[list[str]], mode: str) -> dict[str, Any]:
    # seqeval brings scikit-learn with it, which no pipeline needs that only predicts.
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    empty = {"p": 0.0, "r": 0.0, "f": 0.0, "support": 0}
    if not any(tag != OUTSIDE for tags in gold + predicted for tag in tags):
        return {"per_type": {}, "micro": dict(empty), "macro": dict(empty)}
    scheme = IOB2 if mode == "strict" else None
    with warnings.catch_warnings():
        # Types without gold or predictions are 0 here; their support says so.
        warnings.simplefilter("ignore")
        table = classification_report(
            gold, predicted, output_dict=True, mode=MODES[mode], scheme=scheme, zero_division=0
        )
    rows = {
        name: {
            "p": float(row["precision"]),
            "r": float(row["recall"]),
            "f": float(row["f1-score"]),
            "support": int(row["support"]),
        }
        for name, row in table.items()
    }
    averages = {"micro avg", "macro avg", "weighted avg"}
    per_type = {name: row for name, row in rows.items() if name not in averages}
    return {"per_type": per_type, "micro": rows["micro avg"], "macro": rows["macro avg"]}


def _tags(example: Example) -> tuple[list[str], list[str]]:
    gold, predicted = example.reference, example.predicted
    if _borders(gold) == _borders(predicted):
        known = [bool(token.ent_iob) for token in gold]
        gold_ents, predicted_ents = (
            [Entity(ent.start, ent.end, ent.label_) for ent in doc.ents] for doc in (gold, predicted)
        )
    else:
        places, predicted_places = _places(gold.text, predicted.text)
        known = _known_places(gold, places)
        gold_ents = _entities(gold, places)
        predicted_ents = _entities(predicted, predicted_places)
    # As in spaCy: a prediction that reaches into what the gold leaves open is neither right nor wrong.
    predicted_ents = [ent for ent in predicted_ents if all(known[ent.start : ent.end])]
    first, second = (_IOB2.encode(ents, len(known)) for ents in (gold_ents, predicted_ents))
    keep = [i for i, is_known in enumerate(known) if is_known]
    return [first[i] for i in keep], [second[i] for i in keep]


def _borders(doc: Doc) -> list[tuple[int, int]]:
    return [(token.idx, token.idx + len(token)) for token in doc]


def _places(gold: str, predicted: str) -> tuple[Sequence[int], Sequence[int]]:
    """Number the characters of two texts alike: all, or all but white space if only that differs."""
    if gold == predicted:
        return range(len(gold) + 1), range(len(gold) + 1)
    first, second = (
        list(accumulate((not char.isspace() for char in text), initial=0)) for text in (gold, predicted)
    )
    if first[-1] != second[-1]:
        raise ValueError(
            "Gold and predicted text must be the same but for white space, found "
            f"{gold[:40]!r} and {predicted[:40]!r}. Predict the text of the gold doc."
        )
    return first, second


def _entities(doc: Doc, places: Sequence[int]) -> list[Entity]:
    found = (Entity(places[ent.start_char], places[ent.end_char], ent.label_) for ent in doc.ents)
    return [ent for ent in found if ent.start < ent.end]


def _known_places(doc: Doc, places: Sequence[int]) -> list[bool]:
    known = [False] * places[-1]
    for token in doc:
        start, end = places[token.idx], places[token.idx + len(token.text_with_ws)]
        known[start:end] = [bool(token.ent_iob)] * (end - start)
    return known
