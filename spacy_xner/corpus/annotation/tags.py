"""Finds out the tagging scheme of a corpus from a sample of its tags."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from ...schemes import OUTSIDE, SCHEMES, TagScheme, is_label_first
from ..reading.session import ReadSession
from .spellings import find_form

# Sentences with entities that are compared with each scheme.
MAX_SENTENCES = 500
# Of a file, if so many more are bad in the scheme of other files than in its own.
MIN_OWN = 2


def detect_scheme(
    sentences: Sequence[Sequence[str]], scheme: str | None = None, label: str | None = None
) -> tuple[TagScheme, str]:
    """Detect how tags are written, and the scheme in which the fewest are illegal.

    Args:
        sentences: The tags of some sentences; cells that are no tags are skipped.
        scheme: The scheme, if it is known; then only how tags are written is detected.
        label: The label of all entities, where tags are letters alone.

    Returns:
        The scheme, and the evidence in one line.
    """
    counts = Counter(chain.from_iterable(sentences))
    form = find_form(counts, scheme, label) or TagScheme(label_first=is_label_first(counts.elements()))
    lenient = replace(form, name="IO" if form.spelling.is_plain else "IOB2")
    parsed = {tag: letter_label for tag in counts if (letter_label := lenient.parse(tag))}
    good = [[tag for tag in tags if tag in parsed] for tags in sentences]
    good = [tags for tags in good if any(parsed[tag][1] for tag in tags)][:MAX_SENTENCES]
    entities = [lenient.decode(tags) for tags in good]
    n_illegal = {
        name: sum(len(candidate.repairs(tags, ents)) for tags, ents in zip(good, entities, strict=True))
        for name in (SCHEMES if not form.spelling.is_plain else ["IO"])
        for candidate in [replace(form, name=name)]
    }
    best = replace(form, name=scheme or min(n_illegal, key=n_illegal.__getitem__))
    worse = [name for name in n_illegal if n_illegal[name] > n_illegal[best.name]]
    second = min(worse, key=n_illegal.__getitem__, default="")
    part = 1 if form.spelling.is_plain else 0
    letters = Counter(parsed[tag][part] or OUTSIDE for tag in chain.from_iterable(good))
    evidence = (
        f"{best.name}, {_describe(best, label)}: "
        + ", ".join(f"{letter} {n}" for letter, n in letters.most_common(10))
        + f"; illegal as {best.name} "
        f"{n_illegal[best.name]}" + (f", as {second} {n_illegal[second]}" if second else "")
    )
    return best, evidence


def find_shared_scheme(session: ReadSession, own: Sequence[Sequence[str]]) -> tuple[TagScheme, str]:
    """Detect how the tags of a file are written, from those of all files of its corpus.

    A file in which more tags are illegal then has its own scheme.

    Args:
        session: The session.
        own: The tags of some sentences.
    """
    scheme, label = session.options.scheme, session.options.label
    best, evidence = detect_scheme(own, scheme, label)
    others = session.exchange("tags", own)
    if not others:
        return best, evidence
    shared, shared_evidence = detect_scheme([*own, *others], scheme, label)
    if shared == best:
        return best, evidence
    if _count_bad(own, best) + MIN_OWN <= _count_bad(own, shared):
        return best, f"{evidence}; unlike other files, in {shared.name}"
    return shared, f"{shared_evidence}, as in other files"


def _count_bad(sentences: Iterable[Sequence[str]], scheme: TagScheme) -> int:
    """Count the tags that are illegal, and twice those that are none."""
    n_bad = 0
    for tags in sentences:
        good = [tag for tag in tags if scheme.parse(tag) is not None]
        n_bad += 2 * (len(tags) - len(good)) + len(scheme.repairs(good, scheme.decode(good)))
    return n_bad


def _describe(scheme: TagScheme, label: str | None) -> str:
    """Return how tags are written, given the label that the options name."""
    spelling = scheme.spelling
    outside = f", {' and '.join(map(repr, sorted(spelling.outside)))} read as O" if spelling.outside else ""
    if spelling.is_plain:
        return f"labels alone{outside}"
    if spelling.label:
        advice = "" if label else " by default (--label NAME sets it)"
        return f"letters alone, label {spelling.label}{advice}{outside}"
    form = "" if spelling.separator == "-" else f", such as {scheme.join('B', 'LABEL')}"
    return f"{'label' if scheme.label_first else 'letter'} first{form}{outside}"
