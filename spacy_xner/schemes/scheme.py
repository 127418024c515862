"""Tagging schemes: entities to tags and back, repair of illegal tags, and which tag may follow which."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ..types import Entity
from .spelling import Spelling

OUTSIDE = "O"
# The schemes that heads can be set to: BIO is also called IOB2; BIOES also IOBES or BILOU.
Scheme = Literal["BIO", "BIOES", "BIOS"]
# The role of each letter, the same in all schemes: begin, inside, end or single.
ROLES = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}


class Letters(NamedTuple):
    """The letters of a scheme.

    Attributes:
        first: Letter of the first token of an entity.
        inside: Letter of the tokens between the first and the last.
        last: Letter of the last token.
        single: Letter of the only token of an entity.
        first_touching: That of a first or only token right after an entity of its label; empty if no other.
        last_touching: The same of the last or only token, and the entity after it.
    """

    first: str
    inside: str
    last: str
    single: str
    first_touching: str = ""
    last_touching: str = ""

    def starts(self, *, is_touching: bool) -> set[str]:
        """Return the letters that a first token may have, with an entity of its label before it or not."""
        if is_touching and self.first_touching:
            return {self.first_touching}
        return {self.first, self.single, self.last_touching} - {""}

    def ends(self, *, is_touching: bool) -> set[str]:
        """Return the letters that a last token may have, with an entity of its label after it or not."""
        if is_touching and self.last_touching:
            return {self.last_touching}
        return {self.last, self.single, self.first_touching} - {""}


# Ordered from common to rare: where several schemes fit a corpus equally well, the first one wins.
SCHEMES = {
    "IOB2": Letters("B", "I", "I", "B"),
    "BIOES": Letters("B", "I", "E", "S"),
    "BILOU": Letters("B", "I", "L", "U"),
    "BMES": Letters("B", "M", "E", "S"),
    "BMEWO": Letters("B", "M", "E", "W"),
    "BIOS": Letters("B", "I", "I", "S"),
    "IOE2": Letters("I", "I", "E", "E"),
    "IOB1": Letters("I", "I", "I", "I", first_touching="B"),
    "IOE1": Letters("I", "I", "I", "I", last_touching="E"),
    # Touching entities of one label become one.
    "IO": Letters("I", "I", "I", "I"),
}
ALIASES = {"BIO": "IOB2", "IOBES": "BIOES", "BILUO": "BILOU", "BMEO": "BMES", "BMESO": "BMES", "IOB": "IOB1"}


class LegalMoves(NamedTuple):
    """Which tags may begin a text, follow each other and end a text.

    Attributes:
        start: Whether a text may begin with each tag. Length: ``tags``.
        moves: Whether each tag (row) may be followed by each other (column). Shape: ``(tags, tags)``.
        end: Whether a text may end with each tag. Length: ``tags``.
    """

    start: list[bool]
    moves: list[list[bool]]
    end: list[bool]


class Repair(NamedTuple):
    """An illegal tag and its replacement.

    Attributes:
        token: Index of the token.
        tag: The tag in the corpus.
        read_as: The legal tag that it was read as.
    """

    token: int
    tag: str
    read_as: str


@dataclass(frozen=True)
class TagScheme:
    """A tagging scheme, with the letter before the label (``B-PER``) or after it (``PER-B``).

    Reading is lenient: any letter of `ROLES` is understood, and an entity begins where a tag continues
    nothing, as in conlleval. What is illegal in this scheme is listed by `repairs`.

    Attributes:
        name: A name in `SCHEMES` or `ALIASES`, in any case; an alias is resolved.
        label_first: Whether the label stands before the letter.
        spelling: How letter and label are written.

    Raises:
        ValueError: If the scheme is unknown.
    """

    name: str = "IOB2"
    label_first: bool = field(default=False, kw_only=True)
    spelling: Spelling = field(default=Spelling(), kw_only=True)
    # Role and label of each tag that was seen: corpora have few different tags.
    _roles: dict[str, tuple[str, str]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        name = ALIASES.get(self.name.upper(), self.name.upper())
        if name not in SCHEMES:
            raise ValueError(
                f"A scheme must be one of {', '.join((*SCHEMES, *ALIASES))}, found {self.name!r}. "
                "Choose one of these."
            )
        object.__setattr__(self, "name", name)

    @property
    def letters(self) -> Letters:
        """The letters of this scheme."""
        return SCHEMES[self.name]

    @property
    def alphabet(self) -> list[str]:
        """The different letters of this scheme, in the order of `tag_names`."""
        return [letter for letter in dict.fromkeys(self.letters) if letter]

    @property
    def form(self) -> str:
        """How a tag is written, for error messages."""
        *others, last = dict.fromkeys([OUTSIDE, self.join("B", "LABEL"), self.join("I", "LABEL")])
        return f"{', '.join(others)} or {last}"

    def join(self, letter: str, label: str) -> str:
        """Write a tag."""
        return self.spelling.join(letter, label, label_first=self.label_first)

    def is_outside(self, tag: str) -> bool:
        """Return whether a tag is O, or stands for it."""
        return tag == OUTSIDE or tag in self.spelling.outside

    def parse(self, tag: str) -> tuple[str, str] | None:
        """Split a tag into letter and label (empty for ``O``), or return None if it is no tag."""
        if self.is_outside(tag):
            return OUTSIDE, ""
        letter, label = self.spelling.split(tag, label_first=self.label_first)
        return (letter, label) if letter in ROLES and label and label.isprintable() else None

    def tag_names(self, labels: Sequence[str]) -> tuple[str, ...]:
        """List all tags of some labels: ``O``, then for each label one tag with each letter."""
        return (OUTSIDE, *(self.join(letter, label) for label in labels for letter in self.alphabet))

    def encode(self, entities: Iterable[Entity], n_tokens: int) -> list[str]:
        """Write entities as tags. IO cannot separate two entities of one label that touch.

        Raises:
            ValueError: If entities overlap or leave the text.
        """
        tags = [OUTSIDE] * n_tokens
        first, inside, last, single, first_touching, last_touching = self.letters
        before: Entity | None = None
        for ent in sorted(entities):
            start, end, label, _ = ent
            _check_place(before, ent, n_tokens)
            if end - start > 1:
                tags[start:end] = [self.join(inside, label)] * (end - start)
                tags[start], tags[end - 1] = self.join(first, label), self.join(last, label)
            else:
                tags[start] = self.join(single, label)
            if before is not None and before.end == start and before.label == label:
                if first_touching:
                    tags[start] = self.join(first_touching, label)
                if last_touching:
                    tags[start - 1] = self.join(last_touching, label)
            before = ent
        return tags

    def decode(self, tags: Sequence[str]) -> list[Entity]:
        """Read the entities of a text.

        Raises:
            ValueError: If something is no tag.
        """
        if tags.count(OUTSIDE) == len(tags):
            return []
        for tag in sorted(set(tags) - self._roles.keys(), key=tags.index):
            self._read_role(tag)
        return join_roles([*map(self._roles.__getitem__, tags)])

    def repairs(self, tags: Sequence[str], entities: Sequence[Entity]) -> list[Repair]:
        """List the tags that differ from those of their entities, as `decode` read them."""
        if not entities or (legal := self.encode(entities, len(tags))) == tags:
            return []
        pairs = enumerate(zip(tags, legal, strict=True))
        return [Repair(i, a, b) for i, (a, b) in pairs if a != b and self.parse(a) != self.parse(b)]

    def to_bio(self, tag: str) -> str:
        """Return the BIO tag, letter first, for the same token."""
        role, label = self._roles.get(tag) or self._read_role(tag)
        return f"{'B' if role in 'BS' else 'I'}-{label}" if label else OUTSIDE

    def legal_moves(self, labels: Sequence[str]) -> LegalMoves:
        """Return which of the tags of some labels, as `tag_names` lists them, may follow each other.

        A sequence of tags is legal if and only if encoding its entities gives the same tags.
        """
        tags = [(OUTSIDE, ""), *((letter, label) for label in labels for letter in self.alphabet)]
        start = [self._may_follow((OUTSIDE, ""), tag) for tag in tags]
        end = [self._may_follow(tag, (OUTSIDE, "")) for tag in tags]
        # Between different labels it matters only whether one may end and the other begin.
        moves = [list(start) if may_end else [False] * len(tags) for may_end in end]
        n_letters = len(self.alphabet)
        for block in range(1, len(tags), n_letters):
            for i in range(block, block + n_letters):
                for j in range(block, block + n_letters):
                    moves[i][j] = self._may_follow(tags[i], tags[j])
        return LegalMoves(start, moves, end)

    def _may_follow(self, before: tuple[str, str], after: tuple[str, str]) -> bool:
        (letter, label), (next_letter, next_label) = before, after
        letters = self.letters
        is_same = bool(label) and label == next_label
        may_end = not label or letter in letters.ends(is_touching=is_same)
        may_start = not next_label or next_letter in letters.starts(is_touching=is_same)
        is_inside = (
            is_same
            and letter in (letters.first, letters.inside, letters.first_touching)
            and next_letter in (letters.inside, letters.last, letters.last_touching)
        )
        return is_inside or (may_end and may_start)

    def _read_role(self, tag: str) -> tuple[str, str]:
        parsed = self.parse(tag)
        if parsed is None:
            raise ValueError(f"a tag must be {self.form}, found {tag!r}")
        letter, label = parsed
        role = ROLES[letter] if label else "", label
        self._roles[tag] = role
        return role


def join_roles(roles: Sequence[tuple[str, str]]) -> list[Entity]:
    """Join the tokens of each entity.

    An entity begins at a role that says so, and at an inside or end that no entity of its label is open for;
    it ends at a role that says so, and before a token that does not continue it.

    Args:
        roles: Role (a value of `ROLES`) and label of each token; the label is empty outside.
    """
    entities = []
    start, label = 0, ""
    for i, (role, here) in enumerate(roles):
        if label and (here != label or role == "B" or role == "S"):
            entities.append(Entity(start, i, label))
            label = ""
        if here and not label:
            start, label = i, here
        if label and (role == "E" or role == "S"):
            entities.append(Entity(start, i + 1, label))
            label = ""
    if label:
        entities.append(Entity(start, len(roles), label))
    return entities


def is_label_first(tags: Iterable[str]) -> bool:
    """Return whether more tags can be read as ``PER-B`` than as ``B-PER``.

    Where they can be read both ways, the order with more different letters wins: ``S-B`` and ``S-I`` are the
    begin and inside of a label ``S``.
    """
    counts = Counter(tags)
    return _count_parsed(TagScheme(label_first=True), counts) > _count_parsed(TagScheme(), counts)


def _count_parsed(scheme: TagScheme, counts: Mapping[str, int]) -> tuple[int, int]:
    """Count the tags that can be read, and their different letters."""
    parsed = {tag: letter_label for tag in counts if (letter_label := scheme.parse(tag))}
    return sum(counts[tag] for tag in parsed), len({letter for letter, _ in parsed.values()})


def _check_place(before: Entity | None, ent: Entity, n_tokens: int) -> None:
    if not 0 <= ent.start < ent.end <= n_tokens:
        raise ValueError(
            f"An entity must lie within its {n_tokens} tokens, found {ent.start} to {ent.end}. Remove it."
        )
    if before is not None and ent.start < before.end:
        raise ValueError(
            f"Entities must not overlap to be written as tags, found two at tokens {ent.start} to "
            f"{ent.end}. Keep the longer one."
        )
