"""What a conversion did: counts, and the warnings that follow from them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..types import Entity
from .reading.session import ReadReport


@dataclass(slots=True)
class ConvertReport:
    """What a conversion did.

    Attributes:
        reading: What the reader detected, repaired and skipped.
        n_texts: Texts written.
        n_tokens: Their tokens.
        entities: Entities written, overlapping ones too, by label.
        cats: Texts written, by their own labels.
        n_limited: Texts left out since there were more than the limit.
        n_widened: Entities with a boundary inside a token, widened to whole tokens.
        n_merged: Widened entities that became another with the same label: they are one.
        n_overlapping: Entities that overlap a longer one: they are in ``doc.spans``, not in ``doc.ents``.
        n_overlapping_widened: Those of them that only overlap since they were widened.
    """

    reading: ReadReport = field(default_factory=ReadReport)
    n_texts: int = 0
    n_tokens: int = 0
    entities: dict[str, int] = field(default_factory=dict)
    cats: dict[str, int] = field(default_factory=dict)
    n_limited: int = 0
    n_widened: int = 0
    n_merged: int = 0
    n_overlapping: int = 0
    n_overlapping_widened: int = 0

    @property
    def n_trimmed(self) -> int:
        """Entities with white space at their ends, written without it."""
        return self.reading.n_trimmed

    def to_dict(self) -> dict[str, Any]:
        """Return all facts by name."""
        return {
            "notes": self.reading.notes,
            "n_texts": self.n_texts,
            "n_limited": self.n_limited,
            "n_tokens": self.n_tokens,
            "entities": self.entities,
            "cats": self.cats,
            "n_trimmed": self.n_trimmed,
            "n_widened": self.n_widened,
            "n_merged": self.n_merged,
            "n_overlapping": self.n_overlapping,
            "n_overlapping_widened": self.n_overlapping_widened,
            "repairs": self.reading.repairs,
            "repaired": self.reading.repaired,
            "skipped": self.reading.skipped,
            "left_out": self.reading.left_out,
        }

    def count_text(self, entities: Sequence[Entity], cats: dict[str, float]) -> None:
        """Count a text that is written."""
        self.n_texts += 1
        for ent in entities:
            self.entities[ent.label] = self.entities.get(ent.label, 0) + 1
        for label, value in cats.items():
            self.cats[label] = self.cats.get(label, 0) + (value >= 0.5)

    def add(self, other: "ConvertReport") -> None:
        """Add the counts of other texts, but not what their reader reported."""
        self.n_texts += other.n_texts
        self.n_tokens += other.n_tokens
        self.n_widened += other.n_widened
        self.n_merged += other.n_merged
        self.n_overlapping += other.n_overlapping
        self.n_overlapping_widened += other.n_overlapping_widened
        self.entities = dict(Counter(self.entities) + Counter(other.entities))
        for label, n in other.cats.items():
            self.cats[label] = self.cats.get(label, 0) + n

    def warnings(self) -> Iterator[str]:
        """Yield what a user should know, one line each."""
        reading = self.reading
        if reading.repairs:
            kinds = ", ".join(f"{kind} {n}" for kind, n in reading.repairs.items())
            yield (
                f"{sum(reading.repairs.values())} illegal tags were repaired: {kinds}. List them with "
                "--show, refuse them with --strict."
            )
        if self.n_trimmed:
            yield f"{self.n_trimmed} entities began or ended with white space; they were trimmed."
        if self.n_widened:
            yield (
                f"{self.n_widened} entities had a boundary inside a token; they were widened to whole tokens."
            )
        if self.n_merged:
            yield f"{self.n_merged} entities became the same as another when they were widened: they are one."
        if self.n_overlapping_widened:
            yield f"{self.n_overlapping_widened} entities overlap another only since they were widened."
        if self.n_overlapping:
            yield (
                f"{self.n_overlapping} entities overlap a longer one: they are in doc.spans only, for "
                "pointer heads; other heads learn only the longer ones."
            )
        for kind, n in reading.left_out.items():
            yield f"{n} {kind} were left out."
        if reading.skipped:
            yield f"{len(reading.skipped)} texts were skipped, the first: {reading.skipped[0]}"
