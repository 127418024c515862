"""Chooses a few texts of a split to look at, with their entities."""

from dataclasses import dataclass
from heapq import nlargest

from spacy.tokens import Doc

from ...scoring.spans import all_entities

# Samples of each kind.
MAX_SAMPLES = 3
# Sequences of labels that are told apart; all others count as usual.
MAX_PATTERNS = 10_000

# First and last offset in characters, and label.
CharEntity = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """A text with its entities.

    Attributes:
        place: Its position in the corpus.
        text: The text.
        entities: Start, end and label of each entity, in characters, sorted.
        labels: The text's own labels.
    """

    place: str
    text: str
    entities: list[CharEntity]
    labels: list[str]


class Sampler:
    """Keeps some early texts with each label, the longest texts, and those whose labels are least usual."""

    def __init__(self) -> None:
        self.firsts: dict[str, list[Sample]] = {}
        self.longest: list[Sample] = []
        self.patterns: dict[tuple[str, ...], int] = {}
        self.first_of: dict[tuple[str, ...], Sample] = {}

    def add(self, doc: Doc, place: str) -> None:
        """Consider a text."""
        entities = sorted((span.start_char, span.end_char, span.label_) for span in all_entities(doc))
        labels = [label for label, value in doc.cats.items() if value >= 0.5]
        sample = Sample(place, doc.text, entities, labels)
        # A text is a sample of one label: of that with the fewest so far.
        firsts = [
            self.firsts.setdefault(label, [])
            for label in sorted({*(label for _, _, label in entities), *labels})
        ]
        fewest = min(firsts, key=len, default=None)
        if fewest is not None and len(fewest) < MAX_SAMPLES:
            fewest.append(sample)
        self.longest = nlargest(MAX_SAMPLES, [*self.longest, sample], key=lambda each: len(each.text))
        pattern = (*(label for _, _, label in entities), *labels)
        if pattern in self.patterns or len(self.patterns) < MAX_PATTERNS:
            self.patterns[pattern] = self.patterns.get(pattern, 0) + 1
            self.first_of.setdefault(pattern, sample)

    def choose(self) -> dict[str, list[Sample]]:
        """Return the samples by what they are samples of."""
        rarest = sorted(self.patterns, key=self.patterns.__getitem__)[:MAX_SAMPLES]
        samples = {f"With {label}": firsts for label, firsts in sorted(self.firsts.items())}
        samples["The longest"] = self.longest
        samples["The least usual labels"] = [self.first_of[pattern] for pattern in rarest]
        return {title: chosen for title, chosen in samples.items() if chosen}
