"""What a reader may be told, and what it tells back."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a reader may be told.

    Attributes:
        columns: Names of the columns, such as ``"_ token tag"``; None to find them out.
        skip_bad: Leave out sentences with bad lines, counted, instead of stopping.
    """

    columns: str | None = None
    skip_bad: bool = False


@dataclass(slots=True)
class ReadCounts:
    """What a reader had to leave out or repair, filled while it reads.

    Attributes:
        skipped: One line for each sentence left out: where and why.
        n_repaired: Illegal tags read as beginnings.
        n_bytes: Bytes read so far.
    """

    skipped: list[str] = field(default_factory=list)
    n_repaired: int = 0
    n_bytes: int = 0
