"""How corpora write the letter and the label of a tag."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How tags are written; ``B-PER`` by default.

    Attributes:
        separator: Between letter and label.
        ignores_case: Whether letters may be in lower case.
        label: The label of all entities where tags are letters alone (``B``); empty where they have labels.
        is_plain: Whether tags are labels alone (``PER``).
        outside: What stands for ``O`` beside it, such as ``_``.
    """

    separator: str = "-"
    ignores_case: bool = False
    label: str = ""
    is_plain: bool = False
    outside: frozenset[str] = frozenset()

    def split(self, tag: str, *, label_first: bool) -> tuple[str, str]:
        """Split a tag into letter and label; either may be empty or wrong."""
        if self.is_plain:
            return "I", tag
        if self.label:
            letter, label = tag.rstrip("-_"), self.label
        elif label_first:
            label, _, letter = tag.rpartition(self.separator)
        else:
            letter, _, label = tag.partition(self.separator)
        return (letter.upper() if self.ignores_case else letter), label

    def join(self, letter: str, label: str, *, label_first: bool) -> str:
        """Write a tag."""
        if self.is_plain:
            return label
        if self.label:
            return letter
        return self.separator.join((label, letter) if label_first else (letter, label))
