"""Reads and checks the file of lists and templates, and splits it between the parts."""

import re
from collections.abc import Iterator, Mapping, Sequence
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
        mask: Digits in the middle of a phone number are masked, as in ``138****0000``.
        breaks: A space in an address is a line end.
        typo: A piece has two letters swapped, or one missing.
        missing: A record lacks a field.
    """

    full_width: float = 0.05
    case: float = 0.1
    typo: float = 0.0
    missing: float = 0.0
    mask: float = 0.0
    breaks: float = 0.0


@dataclass(frozen=True, slots=True)
class LanguageSpec:
    """One part's lists of a language.

    Attributes:
        lists: Lists by name, including templates, records and separators.
        locale: Locale of Faker, for slots such as ``{faker.last_name}``.
        region: Region of phonenumbers, for slots such as ``{phonenumber.mobile}``.
        shared: Lists and Faker methods that all parts share.
        times: How many times as often as others the language is drawn.
    """

    lists: Lists
    locale: str
    region: str
    shared: frozenset[str]
    times: int = 1


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
    text = path.read_text("utf-8")
    try:
        spec: dict[str, Any] = srsly.yaml_loads(text)
        if languages and isinstance(spec.get("languages"), dict):
            spec = choose_languages(spec, languages)
        spec = {"numbers": {}, "mixed": [], "templates": [], "shared": [], **spec}
        check_spec(share_lists(spec))
    except SpecError as err:
        raise ValueError(f"{path}:{find_line(text, err.keys)}: {err}. Fix that line.") from err
    except Exception as err:  # the YAML parser's errors share no narrower base with ours
        mark = getattr(err.__context__, "problem_mark", None)
        where = path if mark is None else f"{path}:{mark.line + 1}"
        reason = " ".join(str(err).split())
        raise ValueError(f"{where} cannot be used: {reason}. Fix the file, or copy another.") from err
    return spec


class SpecError(ValueError):
    """An error at a place in a file.

    Args:
        message: The message.
        keys: Keys that lead to the place, and the index in a list.
    """

    def __init__(self, message: str, *keys: str | int) -> None:
        super().__init__(message)
        self.keys = keys


def find_line(text: str, keys: Sequence[str | int]) -> int:
    """Return the number of the line, from 1, that keys lead to in a YAML file, as far as they exist."""
    node = srsly.ruamel_yaml.compose(text, Loader=srsly.ruamel_yaml.SafeLoader)
    line = 0
    for key in keys:
        if isinstance(key, int):
            node = node.value[key]
            line = node.start_mark.line
            continue
        entries = [(name, value) for name, value in node.value if name.value == key]
        if not entries:
            break
        name, node = entries[0]
        line = name.start_mark.line
    return int(line) + 1


def choose_languages(spec: dict[str, Any], languages: Sequence[str]) -> dict[str, Any]:
    """Keep only some languages, and mixed templates that need no other."""
    unknown = [code for code in languages if code not in spec["languages"]]
    if unknown:
        raise SpecError(
            f"languages must be among {', '.join(spec['languages'])}, found {unknown[0]}", "languages"
        )
    kept = {"", *languages}
    mixed = [text for text in spec.get("mixed", []) if {code for _, code in SLOT.findall(text)} <= kept]
    return {**spec, "languages": {code: spec["languages"][code] for code in languages}, "mixed": mixed}


def share_lists(spec: dict[str, Any]) -> dict[str, Any]:
    """Add the names of lists that are shared in every language to those of each, in place."""
    for key in ("templates", "shared"):
        if not isinstance(spec[key], list):
            raise SpecError(f"{key} beside languages must be a list, found {spec[key]!r}", key)
    for lists in spec.get("languages", {}).values() if spec["shared"] else ():
        lists["shared"] = [*spec["shared"], *lists.get("shared", ())]
    return spec


def check_spec(spec: dict[str, Any]) -> None:
    """Check that every slot can be filled.

    Raises:
        ValueError: If a key is missing or a slot unknown.
    """
    if "languages" not in spec:
        raise SpecError(f"the file must have the key languages, found {', '.join(spec)}")
    entities = spec.get("entities", ENTITIES)
    for code, lists in spec["languages"].items():
        _check_language(code, lists, {*spec["numbers"], *entities}, [*entities.values()])
        for i, text in enumerate(spec["templates"]):
            _check_slots(text, code, {*spec["numbers"], *entities, *lists}, ("templates", i))
    for i, text in enumerate(spec["mixed"]):
        for slot, code in SLOT.findall(text):
            if slot in entities and code not in spec["languages"]:
                raise SpecError(
                    f"slots of mixed templates must name a language, found {{{slot}:{code}}} in {text!r}",
                    *("mixed", i),
                )
    Noise(**spec.get("noise", {}))


def _check_language(code: str, lists: dict[str, Any], common: set[str], needed: list[str]) -> None:
    """Check the lists and slots of a language.

    Args:
        code: Code of the language.
        lists: Its lists.
        common: Numbers and labels, which slots may name, too.
        needed: Names of the lists that it must have.
    """
    missing = [name for name in ("templates", *needed) if name not in lists]
    if missing:
        raise SpecError(
            f"language {code} must have a list {', '.join(missing)}, found none; or name other lists under "
            "entities, as in {PER: name}",
            *("languages", code),
        )
    times = lists.get("times", 1)
    if not isinstance(times, int) or times < 1:
        raise SpecError(
            f"times of language {code} must be 1 or more, found {times!r}", "languages", code, "times"
        )
    for name, items in lists.items():
        is_split = isinstance(items, list) and name not in {*SHARED, *lists.get("shared", ()), "shared"}
        if is_split and len(items) < 10:
            raise SpecError(
                f"the list {name} of language {code} must have at least ten items, so that each part "
                f"gets some, found {len(items)}; or be listed under shared",
                *("languages", code, name),
            )
    for name, i, text in _texts(lists):
        _check_slots(text, code, {*common, *lists}, ("languages", code, name, i))


def _check_slots(text: str, code: str, known: set[str], where: tuple[str | int, ...]) -> None:
    """Check that a language can fill the slots of a text."""
    for slot, _ in SLOT.findall(text):
        source = slot.partition(".")[0]
        if source in SOURCES and source != slot:
            if {"faker": "locale", "phonenumber": "region"}[source] not in known:
                raise SpecError(f"language {code} must have a locale and a region for {{{slot}}}", *where)
        elif slot not in known:
            found = f"{{{slot}}} in {text!r}"
            raise SpecError(f"slots of {code} must name a list or a label, found {found}", *where)


def _texts(lists: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Yield the name of each list, and the index and text of each of its items."""
    for name, items in lists.items():
        for i, text in enumerate(items if isinstance(items, list) else ()):
            yield name, i, str(text)


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
        common = split_list(spec["templates"], part)
        # Each language's own templates, which are what people write there, are half of its texts or more.
        n_times = max(1, round(len(common) / max(1, len(own["templates"]))))
        templates = own["templates"] * n_times + common
        every = {**spec["numbers"], **own, "couriers": known, "templates": templates}
        languages[code] = LanguageSpec(
            every, language.get("locale", ""), language.get("region", ""), shared, language.get("times", 1)
        )
    return Spec(
        part,
        languages,
        split_list(spec["mixed"], part),
        spec.get("mixed_share", 0.25),
        spec.get("entities", ENTITIES),
        Noise(**spec.get("noise", {})),
    )
