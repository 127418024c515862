"""Tags beside a text: one for each of its characters or tokens."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...schemes import OUTSIDE, TagScheme, is_label_first
from ..annotation.rebuild import Offsets, locate_tokens
from ..annotation.spellings import find_form
from ..annotation.tags import detect_scheme
from ..reading.json_layout import LISTS, normalize
from ..reading.json_stream import Row
from ..reading.options import ReadOptions
from ..reading.session import ReadSession
from .json_paths import get
from .json_spans import SpanKeys


class Sample(NamedTuple):
    """A value of a key.

    Attributes:
        text: The text of its row.
        value: The value.
        row: Its row.
    """

    text: str
    value: Any
    row: Row


def are_tags(samples: Sequence[Sample], options: ReadOptions) -> bool:
    """Return whether arrays have a tag of any spelling for each character or token."""
    tags = [(each, as_tags(each.value) or []) for each in samples]
    fits = [each for sample, each in tags if find_offsets(sample.text, len(each), sample.row) is not None]
    # Labels of a text never recur.
    if 2 * len(fits) <= len(tags) or not any(len({*each}) < len(each) for each in fits):
        return False
    counts = Counter(tag for each in fits for tag in each)
    return find_form(counts, options.scheme, options.label) is not None


def is_tagged(sample: Sample) -> bool:
    """Return whether a value is one tag for each character or token, or would be with other tokens."""
    tags = as_tags(sample.value)
    scheme = TagScheme(label_first=is_label_first(tags or ()))
    if not tags or any(scheme.parse(tag) is None for tag in tags):
        return False
    return find_offsets(sample.text, len(tags), sample.row) is not None or OUTSIDE in tags


def as_tags(value: Any) -> list[str] | None:
    """Return tags in an array, or apart by blanks; None if a value is something else."""
    tags = value.split() if isinstance(value, str) else value
    is_good = isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)
    return tags if is_good else None


def find_offsets(text: str, n_tags: int, row: Row) -> Offsets | None:
    """Return start and end of the tokens that a number of tags belong to, or None if it fits none.

    These are the tokens of the row, the characters of the text, those that are not blank, or its words.
    """
    listed = [each for key, each in row.items() if normalize(key) in LISTS and isinstance(each, list)]
    words = re.findall(r"\w+|[^\w\s]", text)
    candidates = [*listed, list(text), "".join(text.split()), text.split(), words]
    for tokens in candidates:
        if len(tokens) != n_tags or not all(isinstance(token, str) for token in tokens):
            continue
        if tokens == list(text):
            return [(i, i + 1) for i in range(n_tags)]
        offsets = locate_tokens(tokens, text)
        if offsets is not None:
            return offsets
    return None


def find_token_scheme(
    session: ReadSession, samples: Sequence[Sample], keys: SpanKeys | None
) -> TagScheme | None:
    """Find the scheme of entities that are tokens with tags, as pipelines of transformers write them."""
    if keys is None or keys.start is None:
        return None
    values = [each.value for each in samples if isinstance(each.value, list)]
    tags = [[get(item, keys.label or ()) for item in value] for value in values]
    flat = [tag for each in tags for tag in each]
    are_good = all(isinstance(tag, str) and TagScheme().parse(tag) for tag in flat)
    # The pipelines have tags, where others have labels, under this key.
    letters = ("B-", "I-") if keys.label == ("entity",) else ("I-",)
    if not are_good or not any(tag.startswith(letters) for tag in flat):
        return None
    scheme, evidence = detect_scheme(tags, session.options.scheme)
    session.note(f"entities are tokens with tags: {evidence}")
    return scheme
