"""Options of readers and writers."""

from collections.abc import Mapping
from dataclasses import dataclass

ENDS = ("exclusive", "inclusive")
# What offsets may count, and how that is called.
UNITS = {"chars": "characters", "utf16": "UTF-16 units", "bytes": "bytes of UTF-8"}
TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of a reader.

    Attributes:
        columns: Names of the columns, such as ``"_ token tag"``; None to detect them.
        skip_bad: Skip and count texts with errors, instead of stopping.
        scheme: Tagging scheme, such as ``"BIOES"``; None to detect it.
        strict: Treat an illegal tag as an error, instead of repairing it.
        show: List every repair.
        split: Split of a Hugging Face dataset.
        fields: Names of the fields of JSON or of a table's columns, such as ``"text=body,label=kind"``; those
            that are not named are detected.
        ends: What the end of an entity is: ``"exclusive"`` or ``"inclusive"``; None to detect it.
        units: What offsets count: ``"chars"``, ``"utf16"``, ``"bytes"`` of UTF-8, or ``"tokens"`` of texts
            that have them; None to detect it.
        encoding: Encoding of the file, such as ``"gb18030"``; None to detect it.
        label: Label of entities whose tags have none, such as a bare ``B`` and ``I``.
        map: New names of labels, by their old names; others stay. Several may get the same name.
        upper: Write all labels in upper case, once `map` has renamed them.
        keep_marks: Keep the marks that a corpus adds to each of its tokens, such as ``en:`` or a position.
        allow_empty: Accept a corpus without a single entity or label.

    Examples:
        >>> import spacy_xner
        >>> options = spacy_xner.ReadOptions(columns="token tag", strict=True)
        >>> spacy_xner.convert("train.conll", "train.spacy", options=options).n_texts
        3
    """

    columns: str | None = None
    skip_bad: bool = False
    scheme: str | None = None
    strict: bool = False
    show: bool = False
    split: str | None = None
    fields: str | None = None
    ends: str | None = None
    units: str | None = None
    encoding: str | None = None
    label: str | None = None
    map: Mapping[str, str] | None = None
    upper: bool = False
    keep_marks: bool = False
    allow_empty: bool = False

    @property
    def field_names(self) -> dict[str, str]:
        """The names in `fields`: those of the file by those of this package, such as ``{"text": "body"}``.

        Raises:
            ValueError: If a part is not of the form ``text=body``.
        """
        pairs = [part.strip().partition("=") for part in (self.fields or "").split(",") if part.strip()]
        for name, _, value in pairs:
            if not name.strip() or not value.strip():
                raise ValueError(
                    f"--fields must be names such as text=body,label=kind, found {self.fields!r}. Fix it."
                )
        return {name.strip(): value.strip() for name, _, value in pairs}

    def __post_init__(self) -> None:
        """Check the options that have few values.

        Raises:
            ValueError: If one has another.
        """
        for name, values in (("ends", ENDS), ("units", (*UNITS, TOKENS))):
            value = getattr(self, name)
            if value is not None and value not in values:
                raise ValueError(f"{name} must be one of {', '.join(values)}, found {value!r}. Choose one.")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Options of a writer.

    Attributes:
        scheme: Tagging scheme.
        type_first: Write the label of a tag before its letter.
        comments: Write the text and the names of the columns as comments of CoNLL, so that it can be read
            back unchanged.
        predictions: Mark entities as predictions to be corrected, where a format has such marks.

    Examples:
        >>> import spacy_xner
        >>> nlp = spacy_xner.load("pipeline", device="cpu")
        >>> options = spacy_xner.WriteOptions(scheme="BIOES", comments=False)
        >>> docs = nlp.pipe(["Send to Anna Schmidt, DHL Express"])
        >>> lost = spacy_xner.export(docs, "predicted.conll", "conll", options=options)
        >>> with open("predicted.conll", encoding="utf-8") as file:
        ...     [line.split()[1] for line in file if line.strip()]
        ['O', 'O', 'B-PER', 'E-PER', 'O', 'B-COURIER', 'E-COURIER']
    """

    scheme: str = "IOB2"
    type_first: bool = False
    comments: bool = True
    predictions: bool = False
