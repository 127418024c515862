"""The file of lists and templates from which texts are drawn, and each part's share of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import srsly

PARTS = ("train", "dev", "test")
# A slot of a template or pattern: a list, a label, or a source; in mixed templates with its language.
SLOT = re.compile(r"\{([\w.]+)(?::(\w+))?\}")
# Which list each label's entities are drawn from.
ENTITIES = {
    "PER": "name",
    "COURIER": "couriers",
    "PHONE": "phone",
    "ADDRESS": "address",
    "LOC": "place",
    "ORG": "org",
}
# These are shapes or plain words, not names: all parts share them.
SHARED = ("name", "phone", "address", "place", "org", "good", "zip", "separators", "records")
SOURCES = ("faker", "phonenumber")

Lists = dict[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Noise:
    """How often texts are not as they should be, from 0 to 1.

    Attributes:
        full_width: Digits of a phone number are full-width.
        case: A Latin name is in capitals or small letters.
        typo: Two letters of a piece change places, or one is missing.
        missing: A field of a record is missing.
    """

    full_width: float = 0.05
    case: float = 0.1
    typo: float = 0.0
    missing: float = 0.0


@dataclass(frozen=True, slots=True)
class LanguageSpec:
    """A language's share of a part.

    Attributes:
        lists: By name; among them templates, records and separators.
        locale: Of Faker, for slots such as ``{faker.last_name}``.
        region: Of phonenumbers, for slots such as ``{phonenumber.mobile}``.
        shared: Lists and Faker's methods that all parts share.
    """

    lists: Lists
    locale: str
    region: str
    shared: frozenset[str]


@dataclass(frozen=True, slots=True)
class Spec:
    """A part's share of everything.

    Attributes:
        part: Its name.
        languages: By their code.
        mixed: Templates whose slots name a language each.
        mixed_share: How many of the texts are drawn from these.
        entities: The list of each label.
        noise: How texts are spoilt.
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
        languages: Only these; all of them if there are none.

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
        raise ValueError(f"{path} cannot be used: {' '.join(str(err).split())}. Mend that line.") from err
    return spec


def choose_languages(spec: dict[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    """Leave out all other languages, and mixed templates that need one of them."""
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
                f"the list {name} of language {code} must have ten items or more, so that each part has "
                f"some, found {len(items)}; or name it under shared"
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
    """Take a part's share of a list: of ten neighbours, the ninth is dev's, the tenth test's."""
    places = {"train": range(8), "dev": (8,), "test": (9,)}[part]
    return [item for i, item in enumerate(items) if i % 10 in places]


def split_spec(spec: dict[str, Any], part: str) -> Spec:
    """Take a part's share of all lists and templates.

    Couriers are few and known: all parts share them, but every tenth is for test alone.
    """
    languages = {}
    for code, found in spec["languages"].items():
        lists = {name: items for name, items in found.items() if isinstance(items, list)}
        shared = frozenset([*SHARED, *found.get("shared", ())])
        own = {name: items if name in shared else split_list(items, part) for name, items in lists.items()}
        known = [item for i, item in enumerate(lists.get("couriers", ())) if i % 10 != 9 or part == "test"]
        every = {**spec["numbers"], **own, "couriers": known}
        languages[code] = LanguageSpec(every, found.get("locale", ""), found.get("region", ""), shared)
    return Spec(
        part,
        languages,
        split_list(spec["mixed"], part),
        spec.get("mixed_share", 0.25),
        spec.get("entities", ENTITIES),
        Noise(**spec.get("noise", {})),
    )
