"""Folders, archives and packed files are read as one corpus; what is not text is named."""

import bz2
import gzip
import importlib
import io
import json
import lzma
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from spacy_xner.corpus import ReadOptions, ReadReport, read_records
from spacy_xner.corpus.convert import convert
from spacy_xner.corpus.reading import archives
from spacy_xner.errors import CorpusError, XnerWarning
from spacy_xner.types import Record

from .formats.test_formats import surfaces


def row(name: str) -> str:
    return json.dumps({"text": f"Call {name}", "label": [[5, 5 + len(name), "PER"]]}) + "\n"


CONLL = "Call O\n{} B-PER\n"
FOLDERS: dict[str, dict[str, str]] = {
    "jsonl": {"one.jsonl": row("Ida"), "two.jsonl": row("Max")},
    "conll": {"x/ab/1.conll": CONLL.format("Ida"), "x/cd/2.conll": CONLL.format("Max")},
    "no tag in one": {"1.txt": CONLL.format("Ida"), "2.txt": CONLL.format("Max"), "3.txt": "Hello O\n"},
    "no tag in the last": {"1": CONLL.format("Ida"), "2": CONLL.format("Max"), "3": "Hello O\nall O\n" * 9},
    "table": {"1.csv": "text,label\nCall Ida,calm\n", "2.csv": "text,label\nCall Max,loud\n"},
    "tokens": {
        "1.json": json.dumps([{"tokens": ["Call", "Ida"], "tags": ["O", "B-PER"]}]),
        "2.json": json.dumps([{"tokens": ["Call", "Max"], "tags": ["O", "B-PER"]}]),
    },
    "label-studio": {
        f"{name}.json": json.dumps([{"data": {"text": f"Call {name}"}, "annotations": [{"result": [
            {"type": "labels", "value": {"start": 5, "end": 8, "text": name, "labels": ["PER"]}}
        ]}]}])
        for name in ("Ida", "Max")
    },
    "brat": {
        "1.txt": "Call Ida", "1.ann": "T1\tPER 5 8\tIda\n", "2.txt": "Call Max", "2.ann": "T1\tPER 5 8\tMax\n"
    },
}  # fmt: skip


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(path: Path, **options: object) -> tuple[list[Record], ReadReport]:
    report = ReadReport()
    return list(read_records(path, options=ReadOptions(**options), report=report)), report  # type: ignore[arg-type]


def pack_zip(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return target


def pack_tar(folder: Path, target: Path) -> Path:
    with tarfile.open(target, "w:gz" if target.suffix == ".gz" else "w") as archive:
        archive.add(folder, "corpus")
    return target


@pytest.mark.parametrize("name", FOLDERS)
def test_files_of_a_folder_and_of_an_archive_are_one_corpus(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "parts", FOLDERS[name])
    for path, inside in (
        (folder, folder),
        (pack_zip(folder, tmp_path / "all.zip"), tmp_path / "all.zip"),
        (pack_tar(folder, tmp_path / "all.tar"), tmp_path / "all.tar" / "corpus"),
        (pack_tar(folder, tmp_path / "all.tar.gz"), tmp_path / "all.tar.gz" / "corpus"),
    ):
        records, report = read(path)
        assert [record.text for record in records[:2]] == ["Call Ida", "Call Max"]
        assert [record.source.rpartition(":")[0] for record in records[:2]] == [
            str(inside / file) for file in FOLDERS[name] if not file.endswith(".txt") or name != "brat"
        ][:2]
        assert report.notes[0].startswith("format ")
        assert report.left_out == {}
        if name == "table":
            assert [record.cats for record in records] == [{"calm": 1, "loud": 0}, {"calm": 0, "loud": 1}]
        else:
            entities = [entity for record in records for entity in surfaces(record)[1]]
            assert entities == [("Ida", "PER"), ("Max", "PER")]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_packed_file_is_read_by_the_name_of_the_file(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "corpus.jsonl.gz"
    path.write_bytes(pack((row("Ida") + row("Max")).encode()))
    records, report = read(path)
    assert [record.source for record in records] == [f"{path}:1", f"{path}:2"]
    assert report.notes[0] == "format jsonl"
    assert convert(path, tmp_path / "out.spacy").entities == {"PER": 2}


def test_archives_in_a_folder_and_in_an_archive_are_read(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "parts", {"a.jsonl.gz": gzip.compress(row("Ida").encode()), "b.jsonl": row("Max")}
    )
    pack_zip(write(tmp_path / "inner", {"c.jsonl": row("Uma")}), folder / "c.zip")
    outer = pack_zip(folder, tmp_path / "all.zip")
    assert [record.text for record in read(outer)[0]] == ["Call Ida", "Call Max", "Call Uma"]
    for depth in range(4):
        outer = pack_zip(
            write(tmp_path / str(depth), {"all.zip": outer.read_bytes()}), tmp_path / f"{depth}.zip"
        )
    with pytest.raises(CorpusError, match=r"all.zip:1: an archive must be in at most 3 others, found more"):
        read(outer)


def test_files_of_a_folder_have_their_own_encodings_and_conventions(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "parts",
        {
            "1.jsonl": json.dumps(
                {"text": "寄给李娜，顺丰快递", "label": [[2, 4, "PER"]]}, ensure_ascii=False
            ).encode("gbk"),
            "2.jsonl": json.dumps({"text": "寄给王芳", "label": [[2, 4, "PER"]]}, ensure_ascii=False),
        },
    )
    records, report = read(folder)
    assert [record.text[2:4] for record in records] == ["李娜", "王芳"]
    assert report.notes[0] == "format jsonl, 2 files"
    assert any(
        note.startswith("in 1 of 2 files, such as 1.jsonl: encoding gb18030: ") for note in report.notes
    )
    assert report.n_bytes > 100


BESIDE: dict[str, str | bytes] = {
    "README.md": "# Corpus",
    "LICENSE": "MIT",
    "licence.txt": "MIT",
    ".DS_Store": b"\x00\x01",
    "__MACOSX/._a": b"\x00",
    "load.py": "import json",
    "notes.txt": "made by Ann",
    "empty.jsonl": b"",
    "photo.png": b"\x89PNG\r\n" + bytes(99),
}


@pytest.mark.parametrize("name", BESIDE)
def test_files_beside_a_corpus_are_left_out_and_counted(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "parts", {"a.jsonl": row("Ida"), "b.jsonl": row("Max"), name: BESIDE[name]})
    records, report = read(folder)
    assert len(records) == 2
    assert report.left_out == {f"files beside the corpus, such as {Path(name).name},": 1}
    with pytest.warns(XnerWarning, match=r"^1 files beside the corpus, such as .*, were left out\.$"):
        convert(folder, tmp_path / "out.spacy")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"a.jsonl": row("Ida"), "b.conll": CONLL.format("Max")},
            "one format, found jsonl in a.jsonl and conll in b.conll",
        ),
        (
            {"train.jsonl": row("Ida"), "test.jsonl": row("Max")},
            "one split, found test and train in a folder. Choose",
        ),
        (
            {"eng.train": row("Ida"), "eng.testa": row("Max"), "eng.testb": row("Max")},
            "found dev, test and train in",
        ),
        (
            {"train/1.jsonl": row("Ida"), "valid/1.jsonl": row("Max")},
            "one split, found dev and train in a folder",
        ),
        ({"a.jsonl": row("Ida"), "b.jsonl": '{"text": 3}\n'}, "b.jsonl:1: expected "),
    ],
)
def test_folders_that_are_no_single_corpus_are_refused(
    tmp_path: Path, files: dict[str, str | bytes], message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        read(write(tmp_path / "parts", files))


def test_files_by_annotator_are_read_and_texts_in_both_are_noted(tmp_path: Path) -> None:
    files = {"ann.jsonl": row("Ida") + row("Max"), "bob.jsonl": row("Max"), "unknown.jsonl": row("Uma")}
    records, report = read(pack_zip(write(tmp_path / "parts", files), tmp_path / "all.zip"))
    assert [record.text for record in records] == ["Call Ida", "Call Max", "Call Max"]
    assert report.left_out == {"files of texts that nobody annotated, such as unknown.jsonl,": 1}
    assert report.notes[-1].startswith("1 texts are in several files; name one of these")
    alone = write(tmp_path / "alone", {"unknown.jsonl": row("Uma")})
    assert len(read(alone)[0]) == 1


def test_names_of_labels_beside_a_corpus_are_no_corpus(tmp_path: Path) -> None:
    rows = '{"tokens": ["Call", "王芳"], "ner_tags": [0, 1]}\n' * 2
    files = {
        "a.jsonl": rows,
        "b.jsonl": rows,
        "labels.txt": "O\nB-人名\n".encode("gb18030"),
        "config.json": "{}",
    }
    records, report = read(write(tmp_path / "parts", files))
    assert [surfaces(record)[1] for record in records] == [[("王芳", "人名")]] * 4
    assert report.left_out == {"files beside the corpus, such as config.json,": 2}


def test_a_split_of_a_folder_can_be_chosen(tmp_path: Path) -> None:
    files = {
        "train-1.jsonl": row("Ida"),
        "train-2.jsonl": row("Max"),
        "validation.jsonl": row("Uma"),
        "labels.jsonl": row("Al"),
    }
    folder = write(tmp_path / "parts", files)
    for split, expected in (
        ("train", ["Call Ida", "Call Max"]),
        ("dev", ["Call Uma"]),
        ("validation", ["Call Uma"]),
    ):
        records, report = read(folder, split=split)
        assert [record.text for record in records] == expected
        assert report.left_out == {"files beside the corpus, such as labels.jsonl,": 1}
    with pytest.raises(CorpusError, match="found dev and train in a folder"):
        read(folder, split="test")


def test_a_format_can_be_named_for_all_files_of_a_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "parts", {"a": "Ida\tB-PER\n", "b": "text,label\nMax,O\n"})
    with pytest.raises(CorpusError, match="b:1: expected "):
        list(read_records(folder, "conll"))
    with pytest.raises(ValueError, match="A folder must hold the files of a corpus, found none in "):
        read(write(tmp_path / "bare", {"README": "x"}))


def tar_of(name: str, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.size = kind, "/etc/hosts", 3 if kind == tarfile.REGTYPE else 0
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        archive.addfile(member, io.BytesIO(b"abc"))
    return raw.getvalue()


def zip_of(**files: str) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/"), text)
    return raw.getvalue()


def zip_out(name: str) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(name, "x")
    return raw.getvalue()


BAD_FILES = [
    (
        zip_of(a="x").replace(b"PK\x01\x02", b"PK\x01\x09"),
        r"an archive that can be unpacked, found BadZipFile",
    ),
    (zip_out("../a.jsonl"), "paths in an archive must stay within it, found ../a.jsonl. Unpack"),
    (zip_out("/a.jsonl"), "paths in an archive must stay within it, found /a.jsonl"),
    (zip_out("a\\..\\..\\b"), "paths in an archive must stay within it"),
    (zip_out("C:/b"), "paths in an archive must stay within it"),
    (zip_out("."), "expected an archive that can be unpacked, found IsADirectoryError"),
    (tar_of("../../b"), "paths in an archive must stay within it"),
    (zip_out("a.jsonl")[:30], "expected an archive that can be unpacked, found "),
    (gzip.compress(row("Ida").encode())[:-9], "expected an archive that can be unpacked, found EOFError"),
    (b"\x1f\x8b\x08" + bytes(50), "expected an archive that can be unpacked, found "),
    (zip_of(xl__workbook="", **{"xl__workbook.xml": "x"}), "found an Excel workbook. Save it as CSV"),
    (zip_of(**{"word__document.xml": "x"}), "found a Word document. Save it as plain text"),
    (zip_of(**{"META-INF__manifest.xml": "x"}), "found an OpenDocument file. Save it as"),
    (b"%PDF-1.7\n" + bytes(range(256)), "found a PDF file. Save it as plain text"),
    (b"%PDF-1.4\n1 0 obj\n", "found a PDF file. Save it as plain text"),
    (b"SQLite format 3\x00" + bytes(99), "found an SQLite database. Export its table as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "found an old document of Microsoft Office. Save"),
    (b"Rar!\x1a\x07\x01\x00" + bytes(99), "found a RAR archive. Unpack it"),
    (bytes(range(256)) * 4, "found a file that is not text. Save it as plain text, CSV or JSON lines"),
]


# Archives have the time in their bytes.
@pytest.mark.parametrize(("raw", "message"), BAD_FILES, ids=[message for _, message in BAD_FILES])
def test_bad_archives_and_files_that_are_no_text_get_one_line(
    tmp_path: Path, raw: bytes, message: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(raw)
    with pytest.raises(CorpusError, match=message) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:1: ")
    assert len(str(caught.value).splitlines()) == 1
    assert [*tmp_path.iterdir()] == [path]


def test_links_in_an_archive_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "file.tar"
    path.write_bytes(tar_of("passwords.jsonl", tarfile.SYMTYPE))
    report = ReadReport()
    with pytest.raises(ValueError, match="A folder must hold the files of a corpus"):
        list(read_records(path, report=report))
    assert report.left_out == {"links in an archive": 1}


def test_an_archive_that_grows_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(1 << 21)))
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1 << 20)
    with pytest.raises(
        CorpusError, match="an archive must have at most 100,000 files, and 0 GB or 100 times its size"
    ):
        read(path)


def test_messages_name_the_file_in_an_archive(tmp_path: Path) -> None:
    folder = write(tmp_path / "parts", {"in/a.jsonl": row("Ida") + '{"text": 3}\n'})
    path = pack_zip(folder, tmp_path / "all.zip")
    with pytest.raises(CorpusError, match=rf"^{path}/in/a.jsonl:2: expected "):
        read(path)
    assert len(read(path, skip_bad=True)[0]) == 1


# A packed line of CoNLL.
ZSTD = bytes.fromhex("28b52ffd045871000049646109422d500a72616e094f0a1e2a37e4")


def test_zstd_is_read_where_a_module_reads_it(tmp_path: Path) -> None:
    (tmp_path / "corpus.conll.zst").write_bytes(ZSTD)
    try:
        importlib.import_module("zstandard")
    except ImportError:
        if sys.version_info < (3, 14):
            with pytest.raises(ImportError, match=r"found none for corpus.conll.zst. Install it with: pip"):
                read(tmp_path / "corpus.conll.zst")
            return
    records, _ = read(tmp_path / "corpus.conll.zst")
    assert [record.text for record in records] == ["Ida ran"]
