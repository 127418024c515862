"""How probable characters are in the languages that each encoding is used for."""

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import regex

from .frequent import (
    HANGUL,
    JAPANESE_NAMES,
    KANJI,
    SIMPLIFIED,
    SIMPLIFIED_NAMES,
    TRADITIONAL,
    TRADITIONAL_NAMES,
)

HIRAGANA = "".join(map(chr, range(0x3041, 0x3094)))
KATAKANA = "ー" + "".join(map(chr, range(0x30A1, 0x30F7)))
PUNCTUATION = "，。、：；？！“”‘’（）《》「」『』【】…—·・～\u3000〜"
# The first ones are in most texts that were written on Windows.
QUOTES, MARKS = "’“”‘–—…", "«»„€£§°·¿¡®©™•ªº№\u00a0"
# Letters by their frequency. Those of similar languages are one alphabet.
WESTERN = (
    *("äöüßÄÖÜ", "éèàêçôâîùûëïœÉÀÈÇÊ", "íóáéñúüÁÉÍÓÑ", "ãçáéíóõêâúàôÁÉÍÓÃÇ", "äöåÅÄÖé", "åøæØÅÆé"),
    *("àèùòìéÈÀ", "íáðóéþöúæýÁÞÍÖ", "’“”–‘—…é£"),
)
CENTRAL = (
    *("łąężśćóńźŁŚŻĆ", "íáéěščřžýůúťďňČŠŘŽÚÁ", "áéíščžýúľťňôäďóŠČŽ", "áéőóöüíúűÁÉÖŐÜ", "čšžćđŠŽČĆĐ"),
    "ăîâşţŞŢÎ",
)
BALTIC = ("ėšųąžįčūęŠŽČĮ", "āīēšņžļūģčķŠŽĀ", "äõüöÕÄÜ")
CYRILLIC = (
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъёПСНВКМОАТРДБИГЕЗФЭЛУЧХЯШЖЮЦЩЁ",
    "оаинітервслкдупмязьбгчйхжїцшюєфщґПВСНКУДМБТОЗРАЛІГЄЇ",
)
GREEK = "αοιετσνηυρπκμλςίόάέγδθήωχύφώβξζψΑΕΤΠΚΜΟΣΔΗΝΓΛΒΧΘΡΦΆΈΌ"
TURKISH = "ıüşğçöİÖŞÇÜâ"
HEBREW = "יוהלארתבמשנעדקחפכטםסגזןצךףץ"
ARABIC = "الينمروتبعدهسفقحجةكشصطخأىزذضغظئثإءآؤ"
THAI = "านรอกเงมยวดลทสตหคบะปแจไพขใชโผถณซศธภษญฟ็่้ิีึืุูัำ์"

# What a byte becomes that does not fit an encoding. Alone it is no text.
BAD = "\udc80"
# Natural logarithms of probabilities.
ASCII, QUOTE, MARK = -3.5, -4.0, -5.5
LETTER, ORDINARY, SYMBOL, RARE, CONTROL, NOT_TEXT = -9.0, -10.3, -10.0, -12.5, -15.0, -20.0
# Of a capital after a small letter, and the like.
UNUSUAL = -4.0
CAPITAL_INSIDE = r"(?<=\p{Ll})\p{Lu}"
SYMBOL_INSIDE = r"(?<=\p{L})[^\x00-\x7f\p{L}\p{M}’](?=\p{L})"
# Latin letters beyond ASCII are rare: two of them seldom touch.
UNUSUAL_LATIN = regex.compile(
    rf"{CAPITAL_INSIDE}|{SYMBOL_INSIDE}|(?<=[^\x00-\x7f\p{{P}}])[^\x00-\x7f\p{{P}}]"
)
# In other scripts, no word has letters of ASCII.
UNUSUAL_OTHER = regex.compile(
    rf"{CAPITAL_INSIDE}|{SYMBOL_INSIDE}|(?<=[A-Za-z])[^\x00-\x7f\p{{P}}\p{{S}}]|(?<=[^\x00-\x7f\p{{P}}\p{{S}}])[A-Za-z]"
)


@dataclass(frozen=True, eq=False)
class Language:
    """A language in an encoding.

    Attributes:
        codec: The encoding.
        name: The language.
        shares: Characters by their frequency, and their share of a text.
        prior: Natural logarithm of how frequent such files are.
        core: For scripts with thousands of characters, the encoding of those that are in use.
        last: Greatest first byte of ordinary ones in it.
    """

    codec: str
    name: str
    shares: tuple[tuple[str, float], ...]
    prior: float
    core: str = ""
    last: int = 0

    @cached_property
    def common(self) -> dict[str, float]:
        """Natural logarithms of the probabilities of common characters, by Zipf's law."""
        logs = {} if self.core else dict.fromkeys(QUOTES, QUOTE) | dict.fromkeys(MARKS, MARK)
        for characters, share in self.shares:
            total = sum(1 / (rank + 5) for rank in range(len(characters)))
            for rank, char in enumerate(characters):
                log = math.log(share / total / (rank + 5))
                logs[char] = max(log, logs.get(char, log))
        return logs

    def score(self, text: str) -> float:
        """Return the natural logarithm of the probability of a text."""
        score = self.prior + sum(n * self._log(char) for char, n in Counter(text).items())
        if self.core:
            return score
        is_latin = any(char < "\u0250" for char in self.shares[0][0])
        return score + UNUSUAL * len((UNUSUAL_LATIN if is_latin else UNUSUAL_OTHER).findall(text))

    def explain(self, text: str) -> str:
        """Return how many characters of a text are common, as evidence for its encoding."""
        beyond = [char for char in text if not char.isascii()]
        n_common = sum(char in self.common for char in beyond)
        return f"{n_common} of {len(beyond)} characters beyond ASCII are common in {self.name}"

    def _log(self, char: str) -> float:
        if char.isascii():
            return ASCII
        if char in self.common:
            return self.common[char]
        if char == BAD:
            return NOT_TEXT
        if self.core:
            return self._log_uncommon(char)
        return LETTER if char.isalpha() else SYMBOL if char.isprintable() else CONTROL

    def _log_uncommon(self, char: str) -> float:
        try:
            first = char.encode(self.core)[0]
        except UnicodeError:
            return CONTROL
        return ORDINARY if first <= self.last and char.isalpha() else RARE


def _alphabets(codec: str, name: str, prior: float, letters: tuple[str, ...]) -> list[Language]:
    return [Language(codec, name, ((each, 0.6),), prior) for each in letters]


CHINESE = ((SIMPLIFIED, 0.8), (SIMPLIFIED_NAMES, 0.08), (PUNCTUATION, 0.1))
TAIWANESE = ((TRADITIONAL, 0.8), (TRADITIONAL_NAMES, 0.08), (PUNCTUATION, 0.1))
JAPANESE = ((KANJI, 0.35), (JAPANESE_NAMES, 0.08), (KATAKANA, 0.12), (HIRAGANA, 0.4), (PUNCTUATION, 0.1))
KOREAN = ((HANGUL, 0.85), (PUNCTUATION, 0.03))
LANGUAGES = (
    Language("gb18030", "Chinese", CHINESE, 0, "gb2312", 0xD7),
    Language("gb18030", "traditional Chinese", TAIWANESE, -6, "gbk", 0xFE),
    Language("big5hkscs", "traditional Chinese", TAIWANESE, -1, "big5", 0xC6),
    Language("cp932", "Japanese", JAPANESE, -1, "cp932", 0x97),
    Language("euc_jp", "Japanese", JAPANESE, -2, "euc_jp", 0xCF),
    Language("cp949", "Korean", KOREAN, -1, "euc_kr", 0xC8),
    *_alphabets("cp1252", "Western languages", 0, WESTERN),
    *_alphabets("cp1250", "Central European languages", -2, CENTRAL),
    *_alphabets("iso8859_2", "Central European languages", -3, CENTRAL),
    *_alphabets("cp1251", "Cyrillic", -2, CYRILLIC),
    *_alphabets("koi8_r", "Cyrillic", -3, CYRILLIC[:1]),
    *_alphabets("cp1253", "Greek", -4, (GREEK,)),
    *_alphabets("cp1254", "Turkish", -2, (TURKISH,)),
    *_alphabets("cp1255", "Hebrew", -5, (HEBREW,)),
    *_alphabets("cp1256", "Arabic", -5, (ARABIC,)),
    *_alphabets("cp1257", "Baltic languages", -4, BALTIC),
    *_alphabets("cp874", "Thai", -5, (THAI,)),
    *_alphabets("mac_roman", "Western languages", -4, WESTERN),
)
# Of any language, and ASCII that is no control character.
COMMON = frozenset("\t\n\r" + "".join(map(chr, range(32, 127)))).union(*(each.common for each in LANGUAGES))
