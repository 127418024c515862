"""Tags as corpora write them: of which scheme, their entities, what is illegal; and entities as tags."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from ...schemes import OUTSIDE, ROLES, split_any, tags_to_entities
from ...types import Entity

# For each scheme, the letter of an entity's first token, of those between, of its last, and of one alone.
# The first that fits is taken, so that the commonest come first.
SCHEMES = {
    "IOB2": "BIIB",
    "BIOES": "BIES",
    "BILOU": "BILU",
    "BMES": "BMES",
    "BMEWO": "BMEW",
    "IOE2": "IIEE",
    # Where an entity touches another of its label, the second begins with B.
    "IOB1": "IIII",
    # Where an entity touches another of its label, the first ends with E.
    "IOE1": "IIII",
    # Entities of one label that touch are one.
    "IO": "IIII",
}
ALIASES = {"BIO": "IOB2", "IOBES": "BIOES", "BILUO": "BILOU", "BMEO": "BMES", "BMESO": "BMES", "IOB": "IOB1"}
# Sentences from which a scheme is found out.
MAX_SENTENCES = 500


class Repair(NamedTuple):
    """A tag that was illegal.

    Attributes:
        token: Index of the token.
        found: The tag in the corpus.
        read_as: What it was taken for.
    """

    token: int
    found: str
    read_as: str


class Tagging:
    """A scheme, and whether the label comes first (``PER-B``) or last (``B-PER``).

    Args:
        scheme: A name in `SCHEMES` or `ALIASES`.
        is_type_first: The label stands before the letter.

    Raises:
        ValueError: If the scheme is unknown.
    """

    def __init__(self, scheme: str = "IOB2", *, is_type_first: bool = False) -> None:
        name = ALIASES.get(scheme.upper(), scheme.upper())
        if name not in SCHEMES:
            raise ValueError(f"A scheme must be one of {', '.join((*SCHEMES, *ALIASES))}, found {scheme!r}.")
        self.scheme = name
        self.is_type_first = is_type_first
        self._parsed: dict[str, str] = {}

    @property
    def form(self) -> str:
        """What a tag looks like."""
        return "O, LABEL-B or LABEL-I" if self.is_type_first else "O, B-LABEL or I-LABEL"

    def parse(self, tag: str) -> tuple[str, str] | None:
        """Split a tag into letter and label (empty for ``O``); None if it is no tag."""
        return (OUTSIDE, "") if tag == OUTSIDE else split_any(tag, is_type_first=self.is_type_first)

    def read(self, tags: Sequence[str]) -> tuple[list[Entity], list[Repair]]:
        """Read the entities of a sentence, and the tags that had to be repaired.

        An entity begins at a tag that says so, and at one that goes on or ends where none of its label is
        open; it ends at a tag that says so, and where it is not gone on with. What its tags then had to be is
        compared with what they are: each difference is a repair.

        Raises:
            ValueError: If something is no tag.
        """
        if tags.count(OUTSIDE) == len(tags):
            return [], []
        roles = [self._parsed.get(tag) or self._parse_role(tag) for tag in tags]
        entities = tags_to_entities(roles, "BIOES")
        return entities, self.repairs(tags, entities)

    def repairs(self, tags: Sequence[str], entities: Sequence[Entity]) -> list[Repair]:
        """Compare tags with what those of their entities have to be."""
        if not entities or (wanted := self.write(entities, len(tags))) == tags:
            return []
        return [Repair(i, a, b) for i, (a, b) in enumerate(zip(tags, wanted, strict=True)) if a != b]

    def write(self, entities: Iterable[Entity], n_tokens: int) -> list[str]:
        """Write entities that do not overlap as the tags of a sentence.

        In IO, two of one label that touch cannot be told apart again.
        """
        tags = [OUTSIDE] * n_tokens
        ordered = sorted(entities)
        for before, ent, after in zip([None, *ordered], ordered, [*ordered[1:], None], strict=False):
            first, inside, last, alone = tuple(SCHEMES[self.scheme])
            if self.scheme == "IOB1" and before and _touch(before, ent):
                first = alone = "B"
            if self.scheme == "IOE1" and after and _touch(ent, after):
                last = alone = "E"
            n = ent.end - ent.start
            letters = [first, *[inside] * (n - 2), last] if n > 1 else [alone]
            tags[ent.start : ent.end] = [self._join(letter, ent.label) for letter in letters]
        return tags

    def kind(self, repair: Repair) -> str:
        """Name the kind of a repair by the letters, such as ``I read as B``."""
        letters = ((self.parse(tag) or ("",))[0] for tag in (repair.found, repair.read_as))
        return " read as ".join(letters)

    def _join(self, letter: str, label: str) -> str:
        return f"{label}-{letter}" if self.is_type_first else f"{letter}-{label}"

    def _parse_role(self, tag: str) -> str:
        parsed = self.parse(tag)
        if parsed is None:
            raise ValueError(f"a tag must be {self.form}, found {tag!r}")
        letter, label = parsed
        role = f"{ROLES[letter]}-{label}" if label else OUTSIDE
        self._parsed[tag] = role
        return role


def find_tagging(sentences: Sequence[Sequence[str]], scheme: str | None = None) -> tuple[Tagging, str]:
    """Find the scheme in which the fewest tags are illegal.

    Args:
        sentences: The tags of some sentences; what is no tag among them is left out.
        scheme: The scheme, if it is known; then only the order of letter and label is found out.

    Returns:
        The tagging, and the evidence in one line.
    """
    cells = Counter(chain.from_iterable(sentences))
    # Where B-S could be both, it is S that stands with the more letters.
    is_type_first = max((False, True), key=lambda first: _fit(Tagging(is_type_first=first), cells))
    any_scheme = Tagging(is_type_first=is_type_first)
    good = [[tag for tag in tags if any_scheme.parse(tag)] for tags in sentences]
    good = [tags for tags in good if any(tag != OUTSIDE for tag in tags)][:MAX_SENTENCES]
    entities = [any_scheme.read(tags)[0] for tags in good]
    counts = {
        name: sum(len(tagging.repairs(tags, ents)) for tags, ents in zip(good, entities, strict=True))
        for name in SCHEMES
        for tagging in [Tagging(name, is_type_first=is_type_first)]
    }
    scheme = Tagging(scheme).scheme if scheme else min(counts, key=lambda name: counts[name])
    letters = Counter(parsed[0] for tag in chain.from_iterable(good) if (parsed := any_scheme.parse(tag)))
    second = min(
        (name for name in counts if counts[name] > counts[scheme]), key=counts.__getitem__, default=""
    )
    evidence = (
        f"{scheme}, {'label first' if is_type_first else 'letter first'}: "
        + ", ".join(f"{letter} {n}" for letter, n in letters.most_common())
        + f"; illegal as {scheme} {counts[scheme]}"
        + (f", as {second} {counts[second]}" if second else "")
    )
    return Tagging(scheme, is_type_first=is_type_first), evidence


def _touch(before: Entity, after: Entity) -> bool:
    return before.end == after.start and before.label == after.label


def _fit(tagging: Tagging, cells: Counter[str]) -> tuple[int, int]:
    """Count the tags, and their different letters."""
    parsed = {tag: found for tag in cells if (found := tagging.parse(tag))}
    return sum(cells[tag] for tag in parsed), len({letter for letter, _ in parsed.values()})
