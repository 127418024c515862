"""What a reader may be told, and what it tells back."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader may be told.

    Attributes:
        columns: Names of the columns, such as ``"_ token tag"``; None to find them out.
        skip_bad: Leave out texts with bad lines, counted, instead of stopping.
        scheme: Of the tags, such as ``"BIOES"``; None to find it out.
        strict: An illegal tag makes its line a bad one, instead of being repaired.
        show: List every repair.
        split: Part of a Hugging Face dataset.
    """

    columns: str | None = None
    skip_bad: bool = False
    scheme: str | None = None
    strict: bool = False
    show: bool = False
    split: str | None = None


@dataclass(slots=True)
class ReadCounts:
    """What a reader found out, repaired and left out, filled while it reads.

    Attributes:
        notes: What was found out of the format, with the evidence.
        repairs: How many illegal tags were read as others, by kind.
        repaired: One line for each of these: where, and what was read as what; if they are to be shown.
        skipped: One line for each text left out: where and why.
        left_out: How many things were left out that have no place in a text, by what they are.
        n_bytes: Bytes read so far.
    """

    notes: list[str] = field(default_factory=list)
    repairs: dict[str, int] = field(default_factory=dict)
    repaired: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    n_bytes: int = 0

    def leave_out(self, what: str) -> None:
        """Count something that is left out."""
        self.left_out[what] = self.left_out.get(what, 0) + 1


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What a writer may be told.

    Attributes:
        scheme: Of tags.
        type_first: Tags have the label before the letter.
        comments: CoNLL has the text, and the columns, in comments, so that it can be read back the same.
        predictions: Entities are a model's, to be looked at, where a format tells these from gold.
    """

    scheme: str = "IOB2"
    type_first: bool = False
    comments: bool = True
    predictions: bool = False
