"""Detects the encoding of a text file, and reads it as UTF-8."""

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ...errors import CorpusError
from .languages import ASCII, BAD, COMMON, LANGUAGES, Language

UTF_8 = "utf-8"
# Bytes read at once, and the number of such blocks with other bytes than ASCII that are looked at.
BLOCK, MAX_BLOCKS = 1 << 20, 3
# Bytes from which a file that is no text is recognized.
START = 1 << 13
# Bytes of lines that are not ASCII, from which the encoding is detected.
SAMPLE = 1 << 14
# Longer marks first: that of UTF-32 begins with that of UTF-16.
MARKS = {
    codecs.BOM_UTF8: UTF_8,
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
ESCAPES = (b"\x1b$B", b"\x1b$@")
# In UTF-16, the share of all characters that must be common in a language.
MIN_COMMON = 0.35
# Natural logarithms: the odds by which an encoding must beat the next one, those of a byte without a meaning,
# and of a file of such bytes.
MIN_ODDS, NOISE, NOISE_PRIOR = 3.0, -4.85, -2.0
# The odds by which a file has another encoding than the other files of its corpus, and bytes of each of them.
MIN_OWN_ODDS, MIN_SAMPLE = 10.0, 512
# Fewer bytes beyond ASCII than this are bad bytes, rather than two encodings that fit alike.
MIN_BYTES = 4
# Bytes of no text, and how many of them make a file binary, in all and as a share.
CONTROLS = [bytes([byte]) for byte in (0, 1, *range(3, 9), *range(14, 27), *range(28, 32))]
MIN_CONTROLS, MIN_CONTROL_SHARE = 16, 0.05

WESTERN = "cp1252"
_WESTERN_WORD = re.compile(
    r"(?=.*[A-Za-z].*[A-Za-z])([!-~]|(?<![éüäößó])[éüäößóÉÜÄÖÓ](?![éüäößó])|(?<=[A-Za-z])ñ(?=[aeiou])|[“”„‘’–—])+"
)
MARK_BAD = "spacy_xner.mark_bad"
codecs.register_error(MARK_BAD, lambda err: (BAD, getattr(err, "end", 0)))


class Encoding(NamedTuple):
    """The encoding of a file.

    Attributes:
        name: As Python names it.
        evidence: Why it is this one; empty for UTF-8, and for one that is named.
    """

    name: str = UTF_8
    evidence: str = ""


def name_encoding(name: str) -> Encoding:
    """Return an encoding by its name.

    Raises:
        ValueError: If there is none of that name.
    """
    try:
        b" ".decode(name, "ignore")
        found = codecs.lookup(name).name
    except LookupError:
        raise ValueError(
            f"--encoding must be one that Python knows, such as utf-8, gb18030 or cp1252, found {name!r}. "
            "Choose one of these."
        ) from None
    return Encoding(UTF_8 if found == "utf-8-sig" else found)


def detect_encoding(path: Path, where: str) -> Encoding:
    """Detect the encoding of a file.

    It is UTF-8 unless more of the characters beyond ASCII break UTF-8 than fit it. Then the encoding wins in
    which the characters are the most probable. If they mean nothing in any, or are too few to choose, the
    file is in UTF-8 with bad bytes. A pipe, which cannot be read twice, counts as UTF-8.

    Args:
        path: The file.
        where: Its name for messages, as ``file:line``.

    Raises:
        OSError: If there is no such file.
        CorpusError: If two encodings are about as probable.
    """
    found = _look_at(path)
    return _choose(where, found) if isinstance(found, bytes) else found


def share_encodings(paths: Iterable[Path]) -> dict[Path, Encoding]:
    """Detect the encodings of the text files of a corpus: those that are not UTF-8 mostly have the same.

    Args:
        paths: The files.

    Returns:
        The encodings, without those of files that clearly have another one of their own.
    """
    found = {path: _look_at(path) for path in paths if not is_binary(read_start(path))}
    known = {path: each for path, each in found.items() if isinstance(each, Encoding)}
    samples = {path: each for path, each in found.items() if isinstance(each, bytes)}
    if len(samples) < 2:
        return known
    parts = [_cut(sample, max(SAMPLE // len(samples), MIN_SAMPLE)) for sample in samples.values()]
    try:
        usual = _choose("", b"\n".join(parts))
    except CorpusError:
        return known
    for path, sample in samples.items():
        if usual.name != UTF_8 and _fits(sample, usual.name):
            known[path] = usual
    return known


def _cut(sample: bytes, size: int) -> bytes:
    """Return the first lines of a sample."""
    return sample if len(sample) <= size else sample[:size].rpartition(b"\n")[0] or sample


def _fits(sample: bytes, name: str) -> bool:
    """Return whether the characters of a file are about as probable in an encoding as in any other."""
    texts, scores = _score(sample)
    own = max(score for language, score in scores.items() if language.codec == name)
    return BAD not in texts[name] and max(scores.values()) - own < MIN_OWN_ODDS


def _look_at(path: Path) -> Encoding | bytes:
    """Return the encoding of a file if it is clear, else the lines from which it is detected."""
    if path.exists() and not path.is_file():
        return Encoding()
    with path.open("rb") as file:
        head = file.read(BLOCK)
        for mark, name in MARKS.items():
            if head.startswith(mark):
                return Encoding(name, "" if name == UTF_8 else "its byte order mark")
        if any(escape in head for escape in ESCAPES):
            return Encoding("iso2022_jp", "its escape sequences")
        wide = _detect_wide(head)
        if wide is not None:
            return wide
        sample = _take_sample(file, head)
    if 0 in sample:
        # Of a line that is bad in any encoding.
        return Encoding()
    text = _decode(sample, UTF_8)
    n_bad = text.count(BAD)
    n_good = len(text) - n_bad - len(text.encode("ascii", "ignore"))
    return Encoding() if n_bad <= n_good else sample


def read_start(path: Path) -> bytes:
    """Read the first bytes of a file.

    Raises:
        OSError: If there is no such file.
    """
    with path.open("rb") as file:
        return file.read(START)


def is_binary(head: bytes) -> bool:
    """Return whether a file is not text, by its beginning."""
    n_controls = sum(map(head.count, CONTROLS))
    is_text = n_controls < max(MIN_CONTROLS, MIN_CONTROL_SHARE * len(head))
    return not (is_text or head.startswith(tuple(MARKS)) or _detect_wide(head))


def _detect_wide(head: bytes) -> Encoding | None:
    """Detect UTF-16 without a mark by the zeros in ASCII, which other encodings do not have."""
    if head.count(0) < 2 or len(head) % 2:
        return None
    for name, zeros, others in (("utf-16-le", head[1::2], head[::2]), ("utf-16-be", head[::2], head[1::2])):
        if zeros.count(0) > others.count(0):
            text = _decode(head, name)
            n_common = sum(n for char, n in Counter(text).items() if char in COMMON)
            if "\0" not in text and n_common >= MIN_COMMON * len(text):
                return Encoding(name, f"{zeros.count(0)} of {len(text)} characters have a zero byte")
    return None


def _take_sample(file: BinaryIO, block: bytes) -> bytes:
    """Return the first lines that are not ASCII; for them, a file of ASCII is read to its end."""
    sample = b""
    n_blocks = 0
    while block and n_blocks < MAX_BLOCKS and len(sample) < SAMPLE:
        if not block.isascii():
            n_blocks += 1
            block += file.readline(SAMPLE)
            sample += b"\n".join(line for line in block.split(b"\n") if not line.isascii()) + b"\n"
        block = file.read(BLOCK)
    return sample[:SAMPLE]


def _decode(raw: bytes, name: str) -> str:
    """Decode what may end within a character."""
    return codecs.getincrementaldecoder(name)(MARK_BAD).decode(raw)


def _choose(where: str, sample: bytes) -> Encoding:
    """Choose the encoding in which characters are the most probable.

    Raises:
        CorpusError: If another one is about as probable, and gives another text.
    """
    texts, scores = _score(sample)
    best = max(LANGUAGES, key=lambda each: scores[each])
    text = texts[best.codec]
    n_ascii = len(sample.decode("ascii", "ignore"))
    western = _find_western(sample)
    if scores[best] < NOISE_PRIOR + NOISE * (len(sample) - n_ascii) + ASCII * n_ascii:
        return western or Encoding()
    others = (each for each in LANGUAGES if texts[each.codec] != text)
    second = max(others, key=lambda each: scores[each])
    if scores[best] - scores[second] < MIN_ODDS:
        if western is not None:
            return western
        if len(sample) - n_ascii < MIN_BYTES:
            return Encoding()
        words = [next(_beyond_ascii(texts[each.codec]), "") for each in (best, second)]
        raise CorpusError(
            f"{where}: the encoding of a text must be certain, found {best.codec} ({words[0]:.20}) and "
            f"{second.codec} ({words[1]:.20}) alike. Name it with --encoding, or convert the file to UTF-8."
        )
    return Encoding(best.codec, best.explain(text))


def _find_western(sample: bytes) -> Encoding | None:
    """Return the code page of Western text if all that is not ASCII are its letters or quotes, in words.

    These are the same in the pages of other Latin letters, but for ñ, which only has a vowel behind it there.
    """
    words = [word for word in _decode(sample, WESTERN).split() if not word.isascii()]
    if not words or not all(map(_WESTERN_WORD.fullmatch, words)):
        return None
    return Encoding(WESTERN, f"in words such as {words[0]:.20}, all else is ASCII")


def _score(sample: bytes) -> tuple[dict[str, str], dict[Language, float]]:
    """Return the text of a sample in each encoding, and how probable it is in each language."""
    texts = {codec: _decode(sample, codec) for codec in {language.codec for language in LANGUAGES}}
    return texts, {language: language.score(texts[language.codec]) for language in LANGUAGES}


def _beyond_ascii(text: str) -> Iterator[str]:
    """Yield the words that are not ASCII, and can be printed."""
    return (word for word in text.split() if not word.isascii() and word.isprintable())


class _Recoder(RawIOBase):
    """Reads a file as UTF-8. Bytes that do not fit its encoding become some that do not fit UTF-8."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._file = path.open("rb")
        self._decoder = codecs.getincrementaldecoder(encoding)(MARK_BAD)
        self._recoded = b""
        self._is_start = True

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer; return the number of bytes, 0 at the end."""
        raw = b"-"
        while raw and not self._recoded:
            raw = self._file.read(len(buffer))
            text = self._decoder.decode(raw, not raw)
            if text and self._is_start:
                self._is_start, text = False, text.removeprefix("\ufeff")
            self._recoded = text.encode(UTF_8, "surrogateescape")
        n_bytes = min(len(buffer), len(self._recoded))
        buffer[:n_bytes], self._recoded = self._recoded[:n_bytes], self._recoded[n_bytes:]
        return n_bytes

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


def open_recoded(path: Path, encoding: str) -> BufferedReader:
    """Open a file in any encoding as UTF-8."""
    return BufferedReader(_Recoder(path, encoding), BLOCK)
