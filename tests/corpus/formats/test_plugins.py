"""Formats of other packages: found by name, recognized after the built-in ones, refused in one line."""

from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TextIO

import pytest

from spacy_xner.corpus import (
    FORMATS,
    FileHead,
    Format,
    ReadOptions,
    ReadReport,
    ReadSession,
    WriteOptions,
    find_format,
    read_lines,
    read_records,
    write_records,
)
from spacy_xner.corpus.formats import registry
from spacy_xner.errors import CorpusError, XnerWarning
from spacy_xner.types import CharSpan, Record


def recognizes_wiki(head: FileHead) -> bool:
    return any("[[" in line for line in head.lines)


def read_wiki(session: ReadSession) -> Iterator[Record]:
    """Read ``[[Anna|PER]] met``: one text a line, at most one entity, at its beginning."""

    def read(line: object) -> Record:
        number, text = line  # type: ignore[misc]
        if "]]" not in text:
            session.fail(number, "expected ]], found none.")
        surface, _, label = text[2 : text.index("]]")].partition("|")
        rest = text[text.index("]]") + 2 :]
        return Record(surface + rest, (CharSpan(0, len(surface), label),), session.at(number))

    yield from session.read_each(read_lines(session), read)


def write_wiki(records: Iterable[Record], file: TextIO, options: WriteOptions) -> Counter[str]:
    for record in records:
        end = record.spans[0].char_end
        file.write(f"[[{record.text[:end]}|{record.spans[0].label}]]{record.text[end:]}\n")
    return Counter()


WIKI = Format(recognizes_wiki, read_wiki, write_wiki)
TEXT = "[[Anna|PER]] met\n[[Bo|PER]] ran\n"


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A good format, two broken ones, and one that has a built-in name."""
    here = __name__
    values = {
        "gone": f"{here}:NOTHING",
        "odd": f"{here}:TEXT",
        "wiki": f"{here}:WIKI",
        "conll": f"{here}:WIKI",
    }
    points = [EntryPoint(name, value, registry.PLUGINS) for name, value in values.items()]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    registry.find_plugins.cache_clear()
    registry.load_plugin.cache_clear()
    yield
    registry.find_plugins.cache_clear()
    registry.load_plugin.cache_clear()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of the format."""
    path = tmp_path / "file"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_format_is_read(path: Path) -> None:
    report = ReadReport()
    records = list(read_records(path, "wiki", report=report))
    assert [(record.text, record.spans) for record in records] == [
        ("Anna met", (CharSpan(0, 4, "PER"),)), ("Bo ran", (CharSpan(0, 2, "PER"),))
    ]  # fmt: skip
    assert (report.notes, report.n_bytes) == (["format wiki"], len(TEXT))


def test_format_is_recognized_in_spite_of_broken_ones(path: Path) -> None:
    with pytest.warns(XnerWarning) as caught:
        assert find_format(path) == "wiki"
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == 2
    assert messages[0].startswith("The format gone of an unknown package must be a Format at")


def test_format_is_written(path: Path) -> None:
    again = path.with_name("again")
    assert not write_records(read_records(path, "wiki"), again, "wiki")
    assert again.read_text("utf-8") == TEXT


def test_errors_are_as_those_of_built_in_formats(path: Path) -> None:
    path.write_text(TEXT + "[[Al\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"file:3: expected \]\], found none\. Fix it, or skip such texts"):
        list(read_records(path, "wiki"))
    report = ReadReport()
    assert len(list(read_records(path, "wiki", options=ReadOptions(skip_bad=True), report=report))) == 2
    assert len(report.skipped) == 1


def test_built_in_formats_come_first_and_keep_their_names(path: Path) -> None:
    path.write_text("[[Bo\tB-PER\n", encoding="utf-8")
    # No other package is loaded: a broken one would be warned of.
    assert find_format(path) == "conll"
    assert registry.get_format("conll") is FORMATS["conll"]


@pytest.mark.parametrize(
    ("name", "reason"), [("gone", "AttributeError: module .*"), ("odd", "str instead of Format")]
)
def test_a_broken_format_is_one_clear_line(path: Path, name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"The format {name} .* found {reason}. Fix or uninstall") as caught:
        read_records(path, name)
    assert len(str(caught.value).splitlines()) == 1


def test_unknown_names_get_the_list(path: Path) -> None:
    with pytest.raises(ValueError, match=r"auto or one of hf, .*, table, gone, odd, wiki, found 'xml'"):
        read_records(path, "xml")
    with (
        pytest.warns(XnerWarning),
        pytest.raises(ValueError, match=r"format must be one of .*, conll, wiki, found 'brat'"),
    ):
        write_records([], path, "brat")
