"""Reads and checks the file of lists and templates, and splits it between the parts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import srsly

PARTS = ("train", "dev", "test")
# A slot of a template or pattern: a list, a label, or a source; in mixed templates, with its language.
SLOT = re.compile(r"\{([\w.]+)(?::(\w+))?\}")
# The list that entities of each label are drawn from.
ENTITIES = {
    "PER": "name",
    "COURIER": "couriers",
    "PHONE": "phone",
    "ADDRESS": "address",
    "LOC": "place",
    "ORG": "org",
}
# All parts share these lists: they hold patterns and common words, not names.
SHARED = ("name", "phone", "address", "place", "org", "good", "zip", "separators", "records")
SOURCES = ("faker", "phonenumber")

Lists = dict[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Noise:
    """Probabilities of noise, from 0 to 1.

    Attributes:
        full_width: A phone number has full-width digits.
        case: A Latin name is in upper or lower case.
        typo: A piece has two letters swapped, or one missing.
        missing: A record lacks a field.
    """

    full_width: float = 0.05
    case: float = 0.1
    typo: float = 0.0
    missing: float = 0.0


@dataclass(frozen=True, slots=True)
class LanguageSpec:
    """One part's lists of a language.

    Attributes:
        lists: Lists by name, including templates, records and separators.
        locale: Locale of Faker, for slots such as ``{faker.last_name}``.
        region: Region of phonenumbers, for slots such as ``{phonenumber.mobile}``.
        shared: Lists and Faker methods that all parts share.
    """

    lists: Lists
    locale: str
    region: str
    shared: frozenset[str]


@dataclass(frozen=True, slots=True)
class Spec:
    """One part's lists and templates.

    Attributes:
        part: Name of the part.
        languages: Lists of each language, by its code.
        mixed: Templates whose slots each name a language.
        mixed_share: Share of texts drawn from these.
        entities: Name of the list of each label.
        noise: Probabilities of noise.
    """

    part: str
    languages: dict[str, LanguageSpec]
    mixed: Sequence[str] = ()
    mixed_share: float = 0.25
    entities: Mapping[str, str] = field(default_factory=lambda: ENTITIES)
    noise: Noise = Noise()


def read_spec(path: Path, languages: Sequence[str] = ()) -> dict[str, Any]:
    """Read and check a file.

    Args:
        path: A YAML file.
        languages: Codes of the languages to keep; empty for all.

    Raises:
        OSError: If it is missing.
        ValueError: If it is malformed.
    """
    if not path.is_file():
        raise FileNotFoundError(f"The source must be a YAML file, found no {path}. Check the path.")
    try:
        spec: dict[str, Any] = srsly.read_yaml(path)
        if languages and isinstance(spec.get("languages"), dict):
            spec = choose_languages(spec, languages)
        check_spec(spec)
    except Exception as err:  # the YAML parser's errors share no narrower base with ours
        raise ValueError(f"{path} cannot be used: {' '.join(str(err).split())}. Fix that line.") from err
    return spec


def choose_languages(spec: dict[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    """Keep only some languages, and mixed templates that need no other."""
    unknown = [code for code in languages if code not in spec["languages"]]
    if unknown:
        raise ValueError(f"languages must be among {', '.join(spec['languages'])}, found {unknown[0]}")
    kept = {"", *languages}
    mixed = [text for text in spec.get("mixed", []) if {code for _, code in SLOT.findall(text)} <= kept]
    return {**spec, "languages": {code: spec["languages"][code] for code in languages}, "mixed": mixed}


def check_spec(spec: dict[str, Any]) -> None:
    """Check that every slot can be filled.

    Raises:
        ValueError: If a key is missing or a slot unknown.
    """
    for key in ("numbers", "languages", "mixed"):
        if key not in spec:
            raise ValueError(f"the file must have the keys numbers, languages and mixed, found no {key}")
    entities = spec.get("entities", ENTITIES)
    for code, lists in spec["languages"].items():
        _check_language(code, lists, spec["numbers"], entities)
    for text in spec["mixed"]:
        for slot, code in SLOT.findall(text):
            if slot in entities and code not in spec["languages"]:
                raise ValueError(
                    f"slots of mixed templates must name a language, found {{{slot}:{code}}} in {text!r}"
                )
    Noise(**spec.get("noise", {}))


def _check_language(code: str, lists: dict[str, Any], numbers: Lists, entities: Mapping[str, str]) -> None:
    """Check the lists and slots of a language."""
    known = {**numbers, **lists}
    missing = [name for name in ("templates", *entities.values()) if name not in lists]
    if missing:
        raise ValueError(f"language {code} must have a list {missing[0]}, found none")
    for name, items in lists.items():
        is_split = isinstance(items, list) and name not in {*SHARED, *lists.get("shared", ()), "shared"}
        if is_split and len(items) < 10:
            raise ValueError(
                f"the list {name} of language {code} must have at least ten items, so that each part "
                f"gets some, found {len(items)}; or be listed under shared"
            )
    for text in _texts(lists):
        for slot, _ in SLOT.findall(text):
            source = slot.partition(".")[0]
            if source in SOURCES and source != slot:
                if {"faker": "locale", "phonenumber": "region"}[source] not in lists:
                    raise ValueError(f"language {code} must have a locale and a region for {{{slot}}}")
            elif slot not in known and slot not in entities:
                where = f"{{{slot}}} in {text!r}"
                raise ValueError(f"slots of {code} must name a list or a label, found {where}")


def _texts(lists: dict[str, Any]) -> Iterable[str]:
    return (str(text) for items in lists.values() if isinstance(items, list) for text in items)


def split_list(items: Sequence[str], part: str) -> list[str]:
    """Return the items of a part: of every ten, the ninth goes to dev, the tenth to test, others to train."""
    indices = {"train": range(8), "dev": (8,), "test": (9,)}[part]
    return [item for i, item in enumerate(items) if i % 10 in indices]


def split_spec(spec: dict[str, Any], part: str) -> Spec:
    """Return the lists and templates of a part.

    Couriers are few and well known: all parts share them, except that every tenth is for test only.
    """
    languages = {}
    for code, language in spec["languages"].items():
        lists = {name: items for name, items in language.items() if isinstance(items, list)}
        shared = frozenset([*SHARED, *language.get("shared", ())])
        own = {name: items if name in shared else split_list(items, part) for name, items in lists.items()}
        known = [item for i, item in enumerate(lists.get("couriers", ())) if i % 10 != 9 or part == "test"]
        every = {**spec["numbers"], **own, "couriers": known}
        languages[code] = LanguageSpec(every, language.get("locale", ""), language.get("region", ""), shared)
    return Spec(
        part,
        languages,
        split_list(spec["mixed"], part),
        spec.get("mixed_share", 0.25),
        spec.get("entities", ENTITIES),
        Noise(**spec.get("noise", {})),
    )
