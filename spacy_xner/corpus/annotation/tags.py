"""Finds out the tagging scheme of a corpus from a sample of its tags."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain

from ...schemes import OUTSIDE, SCHEMES, TagScheme, is_label_first

# Sentences with entities that are compared with each scheme.
MAX_SENTENCES = 500


def detect_scheme(sentences: Sequence[Sequence[str]], scheme: str | None = None) -> tuple[TagScheme, str]:
    """Detect the scheme in which the fewest tags are illegal.

    Args:
        sentences: The tags of some sentences; cells that are no tags are skipped.
        scheme: The scheme, if it is known; then only the order of letter and label is detected.

    Returns:
        The scheme, and the evidence in one line.
    """
    label_first = is_label_first(chain.from_iterable(sentences))
    lenient = TagScheme(label_first=label_first)
    good = [[tag for tag in tags if lenient.parse(tag)] for tags in sentences]
    good = [tags for tags in good if any(tag != OUTSIDE for tag in tags)][:MAX_SENTENCES]
    entities = [lenient.decode(tags) for tags in good]
    n_illegal = {
        name: sum(len(candidate.repairs(tags, ents)) for tags, ents in zip(good, entities, strict=True))
        for name in SCHEMES
        for candidate in [TagScheme(name, label_first=label_first)]
    }
    best = TagScheme(scheme or min(n_illegal, key=n_illegal.__getitem__), label_first=label_first)
    letters = Counter(parsed[0] for tag in chain.from_iterable(good) if (parsed := lenient.parse(tag)))
    worse = [name for name in n_illegal if n_illegal[name] > n_illegal[best.name]]
    second = min(worse, key=n_illegal.__getitem__, default="")
    evidence = (
        f"{best.name}, {'label first' if label_first else 'letter first'}: "
        + ", ".join(f"{letter} {n}" for letter, n in letters.most_common())
        + f"; illegal as {best.name} {n_illegal[best.name]}"
        + (f", as {second} {n_illegal[second]}" if second else "")
    )
    return best, evidence
