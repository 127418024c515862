"""Telephone numbers: E.164, extensions, and numbers that are masked."""

import re
from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from .values import fold

# Words before an extension, in many languages.
_WORDS = (
    "转|轉|转接|分机号?|分機|内线|內線|内線|extension|extn?|ext|доб(?:авочный)?|вн|poste|anexo|ramal|interno|int|"
    "durchwahl|dw|내선|ต่อ|máy lẻ|تحويلة|داخلي|dahili|wew|toestel|tst"
)
_EXTENSION = (
    r"(?:[\[【]\s*(?P<bracket>\d{1,6})\s*[\]】]"
    rf"|[(（]?(?:(?:{_WORDS})[.:：]?\s*|x(?=\d{{2}}))(?P<word>\d{{1,7}})\b\s*[)）]?)"
)
_GAP = r"[\s,，;；-]*"
_AT_END = re.compile(rf"{_GAP}(?:{_EXTENSION}|(?:x|#)\s*(?P<mark>\d{{1,7}}))\s*$", re.IGNORECASE)
_BEHIND = re.compile(rf"{_GAP}{_EXTENSION}", re.IGNORECASE)
# A suffix after a hyphen: of a mobile number that hides the real one, or of a Chinese landline.
_CHINESE_HYPHEN = re.compile(
    r"((?:\+?86[\s-]?)?1[3-9]\d{9}|\(?0\d{2,3}\)?[\s-]?\d{3,4}\s?\d{4})\s?[-_—]\s?(\d{1,6})"
)
_USUAL_FORMS = {
    "CN": re.compile(r"(?:(?:\+|00)?86[\s-]?)?1[3-9]\d[\s-]?\d{4}[\s-]?\d{4}"),
    "US": re.compile(r"(?:1[\s.-])?(?:\(\d{3}\)\s?|\d{3}[.-])\d{3}[.-]\d{4}"),
}
_MASKED = re.compile(r"[*＊•●]|(?<=\d)[xX×]{2,}(?=\d|$)")
# `phonenumbers.ValidationResult.IS_POSSIBLE`: not one for calls within a city.
IS_POSSIBLE = 0
# Countries, of which one alone may have a number.
Regions: TypeAlias = tuple[str, ...]
_NO_DIGIT = re.compile(r"\D")


class Phone(NamedTuple):
    """A telephone number.

    Attributes:
        value: The number in E.164; None if it is none, or its country is unknown.
        extension: Digits of the extension.
        is_valid: Whether a country has such numbers.
        region: The country.
    """

    value: str | None
    extension: str | None
    is_valid: bool
    region: str | None


def load_phonenumbers() -> Any:
    """Import phonenumbers.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import phonenumbers
    except ImportError as err:
        raise ImportError(
            "xrecord needs the package phonenumbers, found none. Install it with: pip install "
            "spacy-xner[records]"
        ) from err
    return phonenumbers


def extension_behind(text: str, end: int) -> re.Match[str] | None:
    """Find an extension right after a number, which entities often leave out."""
    return _BEHIND.match(text, end)


def extension_in(match: re.Match[str]) -> str:
    """Return the digits of an extension."""
    return next(digits for digits in match.groupdict().values() if digits is not None)


def parse_phone(text: str, regions: Iterable[Regions], *, is_guess: bool = False) -> Phone:
    """Parse a telephone number.

    Args:
        text: The number as it is written.
        regions: Countries that it may be of if it has no country code. The first in which it is valid counts;
            of several together, all in which it is valid must agree.
        is_guess: Whether the countries are guessed. If not, a number that is valid in none has a value if its
            length is possible.
    """
    number, extension = split_extension(text)
    if _MASKED.search(number):
        return Phone(None, extension, is_valid=False, region=None)
    phonenumbers = load_phonenumbers()
    parsed, region = _parse(number, regions, is_guess=is_guess)
    if parsed is None:
        return Phone(None, extension, is_valid=False, region=None)
    value = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    # Numbers of no country have a code such as 001.
    named = region if region is not None and region.isalpha() else None
    return Phone(value, extension or parsed.extension, region is not None, named)


def split_extension(text: str) -> tuple[str, str | None]:
    """Split a number and its extension."""
    text = fold(text)
    match = _CHINESE_HYPHEN.fullmatch(text)
    if match is not None:
        return match[1], match[2]
    at_end = _AT_END.search(text)
    # What is left must still be a number.
    if at_end is None or len(_NO_DIGIT.sub("", text[: at_end.start()])) < 5:
        return text, None
    return text[: at_end.start()], extension_in(at_end)


def _parse(number: str, regions: Iterable[Regions], *, is_guess: bool) -> tuple[Any, str | None]:
    """Parse a number as one of the first countries where it is valid, and return its country too.

    If there is none, the country is None; so is the number if countries do not agree, or are a guess.
    """
    phonenumbers = load_phonenumbers()
    possible = None
    has_code = number.lstrip(" (").startswith("+")
    for group in [(None,)] if has_code else _order(number, regions):
        valid = {}
        for region in group:
            try:
                parsed = phonenumbers.parse(number, region)
            except phonenumbers.NumberParseException:
                continue
            found = phonenumbers.region_code_for_number(parsed)
            if found is not None and phonenumbers.is_valid_number_for_region(parsed, found):
                valid[parsed.country_code, parsed.national_number] = parsed, found
            elif phonenumbers.is_possible_number_with_reason(parsed) == IS_POSSIBLE:
                possible = parsed
        if valid:
            return next(iter(valid.values())) if len(valid) == 1 else (None, None)
    return possible if has_code or not is_guess else None, None


def _order(number: str, regions: Iterable[Regions]) -> Iterable[Regions]:
    """Put the country whose usual form a number has before others, which may have such numbers too."""
    usual = [region for region, form in _USUAL_FORMS.items() if form.fullmatch(number.strip())]
    others: list[Regions] = []
    rest = iter(regions)
    for group in rest if usual else ():
        others.append(group)
        if usual[0] in group:
            return chain([(usual[0],)], others, rest)
    return chain(others, rest)
