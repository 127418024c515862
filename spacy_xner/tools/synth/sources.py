"""Draws words from Faker, and phone numbers that are valid in their country."""

import random
from collections.abc import Callable
from copy import copy
from functools import lru_cache
from typing import Any
from zlib import crc32

from .spec import LanguageSpec

# Draws in a row without a word of the right part, after which there is none.
MAX_TRIES = 1000
# Ways to write a number; those listed twice are twice as frequent.
FORMATS = ("NATIONAL", "NATIONAL", "E164", "INTERNATIONAL", "DIGITS", "DIGITS")


def draw_faker(method: str, language: LanguageSpec, part: str, rng: random.Random) -> str:
    """Draw a word from Faker; each word belongs to one part, except those of shared methods.

    Raises:
        ImportError: If Faker is not installed.
        ValueError: If the locale has no such method, or too few words.
    """
    fake = _make_faker(language.locale)
    fake.random = rng
    draw: Callable[[], str] | None = getattr(fake, method, None)
    if draw is None:
        raise ValueError(
            f"Faker's locale {language.locale} must have the method of {{faker.{method}}}, found none. "
            "Choose another."
        )
    for _ in range(MAX_TRIES):
        word = " ".join(str(draw()).split())
        if method in language.shared or _part_of(word) == part:
            return word
    raise ValueError(
        f"Faker's {method} in {language.locale} must give words for each part, found none for {part}. Add it "
        "to the language's list 'shared'."
    )


def _part_of(word: str) -> str:
    """Return the part that a word belongs to, by its checksum."""
    bucket = crc32(word.encode()) % 10
    return "train" if bucket < 8 else "dev" if bucket == 8 else "test"


@lru_cache
def _make_faker(locale: str) -> Any:
    try:
        from faker import Faker
    except ImportError as err:
        raise ImportError(
            "Faker slots need the package faker. Install it with: pip install spacy-xner[synth]"
        ) from err
    try:
        return Faker(locale).factories[0]
    except AttributeError as err:
        raise ValueError(
            f"A locale must be one of Faker's, such as zh_CN, found {locale!r}. Choose another."
        ) from err


def draw_phone(kind: str, language: LanguageSpec, rng: random.Random) -> str:
    """Draw a phone number that is valid in a country, in one of the usual ways to write it.

    Args:
        kind: A type of phonenumbers in lower case, such as ``mobile``.
        language: Language with the region of the country.
        rng: Random generator.

    Raises:
        ImportError: If phonenumbers is not installed.
        ValueError: If the country has no such numbers.
    """
    try:
        import phonenumbers
    except ImportError as err:
        raise ImportError(
            "Phone numbers need the package phonenumbers. Install it with: pip install spacy-xner[synth]"
        ) from err
    wanted = getattr(phonenumbers.PhoneNumberType, kind.upper(), None)
    example = None if wanted is None else phonenumbers.example_number_for_type(language.region, wanted)
    if example is None:
        raise ValueError(
            f"Region {language.region!r} must have phone numbers of type {kind!r}, found none. Choose "
            "another type."
        )
    digits = str(example.national_number)
    for n_kept in range(1, len(digits)):
        for _ in range(100):
            drawn = digits[:n_kept] + "".join(rng.choice("0123456789") for _ in digits[n_kept:])
            number = copy(example)
            number.national_number = int(drawn)
            if phonenumbers.is_valid_number_for_region(number, language.region):
                return _write(phonenumbers, number, rng.choice(FORMATS))
    raise ValueError(
        f"Region {language.region!r} must have phone numbers of type {kind!r}, found only one. "
        "Choose another type."
    )


def _write(phonenumbers: Any, number: Any, form: str) -> str:
    if form != "DIGITS":
        return str(phonenumbers.format_number(number, getattr(phonenumbers.PhoneNumberFormat, form)))
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return "".join(char for char in national if char.isdecimal())
