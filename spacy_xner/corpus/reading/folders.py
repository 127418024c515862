"""The files of a corpus in a folder."""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from .label_names import FILES as LABEL_FILES
from .session import ReadSession

# Files that describe a corpus, or were made from one.
NAMES = re.compile(
    r"(readme|licen[cs]e|copying|notice|changelog|citation|authors|contributing|makefile)\b", re.I
)
ENDINGS = frozenset(
    ".md .rst .py .ipynb .sh .bat .yml .yaml .toml .cfg .ini .html .htm .css .js .bib .log .spacy".split()
)
# Beside the files of its annotators, doccano exports one of the texts that have none (doccano/doccano#2116).
UNKNOWN = "unknown"
WORD = re.compile("[a-z]+")
# What parts of a corpus are called.
SPLITS = {
    "train": "train", "training": "train",
    "dev": "dev", "devel": "dev", "development": "dev", "valid": "dev", "validation": "dev", "val": "dev",
    "testa": "dev", "test": "test", "testing": "test", "testb": "test",
}  # fmt: skip


def list_files(session: ReadSession) -> tuple[ReadSession, list[Path]]:
    """List the files of a folder and those in it, sorted, without those beside the corpus, which are counted.

    Returns:
        The session for them, and the files.

    Raises:
        CorpusError: If they are splits, and the options name none.
    """
    files = sorted(file for file in session.path.rglob("*") if file.is_file())
    good = [file for file in files if _is_corpus(file.relative_to(session.path)) and file.stat().st_size]
    leave_out(session, (file for file in files if file not in {*good}))
    unknown = [file for file in good if file.stem == UNKNOWN] if len(good) > 1 else []
    for file in unknown:
        session.leave_out(f"files of texts that nobody annotated, such as {file.name},")
    return _choose_split(session, [file for file in good if file not in unknown])


def leave_out(session: ReadSession, files: Iterable[Path]) -> None:
    """Count files that are left out."""
    first = None
    for file in files:
        first = first or file.name
        session.leave_out(f"files beside the corpus, such as {first},")


def _is_corpus(path: Path) -> bool:
    is_hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    is_beside = NAMES.match(path.name) or path.name in LABEL_FILES or path.suffix.lower() in ENDINGS
    return not (is_hidden or is_beside)


def _split_of(path: Path) -> str | None:
    """Return the split that a file belongs to, by its own name, else by those of its folders."""
    words = [word for part in reversed(path.parts) for word in WORD.findall(part.lower())]
    return next((SPLITS[word] for word in words if word in SPLITS), None)


def _choose_split(session: ReadSession, files: list[Path]) -> tuple[ReadSession, list[Path]]:
    """Return the files of a split, or all if they belong to at most one.

    Raises:
        CorpusError: If they are splits, and none of them is chosen.
    """
    splits = {file: _split_of(file.relative_to(session.path)) for file in files}
    names = sorted({split for split in splits.values() if split is not None})
    if len(names) < 2:
        return session, files
    wanted = session.options.split
    if wanted is None or SPLITS.get(wanted, wanted) not in names:
        session.fail(
            1,
            f"a corpus must be one split, found {', '.join(names[:-1])} and {names[-1]} in a folder.",
            f"Choose one with --split, such as --split {names[-1]}, or convert the files one by one.",
        )
    leave_out(session, (file for file, split in splits.items() if split is None))
    chosen = [file for file, split in splits.items() if split == SPLITS.get(wanted, wanted)]
    # It is no split in a file, too.
    return replace(session, options=replace(session.options, split=None)), chosen
