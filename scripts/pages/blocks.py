"""The reference of config blocks: every name that the package registers, with signature and docstring."""

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint, distribution
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import srsly
from griffe import Docstring, DocstringSectionKind
from spacy.language import Language
from thinc.api import Config

INTRODUCTION = """\
# Config blocks

What spacy-xner adds to [spaCy's config](https://spacy.io/usage/training#config), with every setting and its
default. `spacy-xner init config` writes a whole config.

<!-- Written by scripts/pages. -->
"""
# Title, place in a config, and modules of the builders.
SECTIONS = [
    ("Components", "Where: `[components]`.", ["pipeline.factories", "records.factory"]),
    (
        "Models",
        "Where: `[components.xner.model]`, `[components.xcat.model]`.",
        ["models.entity", "models.adopted_entity", "models.text", "models.adopted_text"],
    ),
    (
        "Encoders and adapters",
        "Where: `encoder` of a model, and `lora` of an encoder.",
        ["models.settings"],
    ),
    ("Heads", "Where: `head` of a model.", ["models.heads"]),
    ("Necks and poolings", "Where: `neck` and `pooling` of a model.", ["models.necks"]),
    ("Tokenizers", "Where: `[nlp.tokenizer]`.", ["tokenizer"]),
    (
        "Training",
        "Where: `[training.optimizer]`, `[training.batcher]`, `eval_frequency` and `[training.logger]`.",
        [
            f"training.{name}"
            for name in ("optimizer", "schedule", "batcher", "last_step", "record", "tensorboard")
        ],
    ),
    (
        "Corpora",
        "Where: `augmenter` in `[corpora.train]` and `[corpora.dev]`.",
        ["training.unknown_labels"],
    ),
    (
        "Teachers",
        "Where: `teacher` in `[initialize.components.xner]`, `[initialize.components.xcat]`.",
        ["distillation.entity_teacher", "distillation.text_teacher"],
    ),
    (
        "Scorers",
        "Where: `scorer` of a component.",
        ["scoring.entities", "scoring.spans", "scoring.texts"],
    ),
]
KINDS = {
    "spacy_architectures": "@architectures",
    "spacy_augmenters": "@augmenters",
    "spacy_batchers": "@batchers",
    "spacy_loggers": "@loggers",
    "spacy_misc": "@misc",
    "spacy_scorers": "@scorers",
    "spacy_tokenizers": "@tokenizers",
    "thinc_optimizers": "@optimizers",
    "thinc_schedules": "@schedules",
    "spacy_factories": "factory",
}
TYPES = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
    list: "list",
    tuple: "list",
    Sequence: "list",
    Any: "",
}
# What spaCy passes.
PASSED = {"self", "nlp", "name", "get_examples"}


def render() -> str:
    """Render the page."""
    entries = [entry for entry in distribution("spacy-xner").entry_points if entry.group in KINDS]
    known = [module for _, _, modules in SECTIONS for module in modules]
    if unknown := {_module(entry) for entry in entries}.difference(known):
        raise ValueError(
            f"SECTIONS must have all modules of entry points, found others: {unknown}. Add them."
        )
    parts = [INTRODUCTION]
    for title, place, modules in SECTIONS:
        parts.append(f"## {title}\n\n{place}\n")
        members = [entry for entry in entries if _module(entry) in modules]
        for entry in sorted(members, key=lambda entry: (modules.index(_module(entry)), _line(entry))):
            parts += _render_entry(entry.name, KINDS[entry.group], entry.load())
    return _link("\n".join(parts), {entry.attr: entry.name for entry in entries})


def _module(entry: EntryPoint) -> str:
    return entry.module.removeprefix("spacy_xner.")


def _line(entry: EntryPoint) -> int:
    return int(inspect.unwrap(entry.load()).__code__.co_firstlineno)


def _render_entry(name: str, kind: str, build: Callable[..., Any]) -> Iterator[str]:
    is_factory = kind == "factory"
    yield f"### `{name}` {{ #{name} }}\n"
    yield _summary(build)
    if is_factory:
        meta = Language.get_factory_meta(name)
        block = {"components": {name: {"factory": name, **meta.default_config}}}
        defaults = meta.default_config
        yield f"```ini\n{Config(block).to_str().strip()}\n```\n"
    else:
        defaults = {
            key: parameter.default
            for key, parameter in inspect.signature(build).parameters.items()
            if parameter.default is not parameter.empty
        }
        lines = [f'{kind} = "{name}"', *(f"{key} = {_value(value)}" for key, value in defaults.items())]
        yield "```ini\n" + "\n".join(lines) + "\n```\n"
    yield from _table(build, defaults, PASSED if is_factory else set())
    # Components without a model have none.
    initialize = getattr(inspect.signature(build).return_annotation, "initialize", None)
    if is_factory and initialize is not None:
        yield f"#### `[initialize.components.{name}]` {{ #initialize.{name} }}\n"
        yield from _table(initialize, dict.fromkeys(inspect.signature(initialize).parameters), PASSED)


def _table(build: Callable[..., Any], defaults: dict[str, Any], without: set[str]) -> Iterator[str]:
    parameters = inspect.signature(build).parameters
    meanings = _meanings(build)
    rows = [
        f"| `{key}` | {_type(parameters[key].annotation)} | "
        f"{_default(defaults[key]) if key in defaults else 'required'} | {meaning} |"
        for key, meaning in meanings.items()
        if key not in without
    ]
    if rows:
        yield "| setting | type | default | meaning |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _summary(build: Callable[..., Any]) -> str:
    sections = Docstring(inspect.getdoc(build) or "", lineno=1).parse("google", warnings=False)
    return (
        "\n\n".join(section.value for section in sections if section.kind is DocstringSectionKind.text) + "\n"
    )


def _meanings(build: Callable[..., Any]) -> dict[str, str]:
    """Read what each parameter means from the docstring."""
    sections = Docstring(inspect.getdoc(build) or "", lineno=1).parse("google", warnings=False)
    parameters = [section.value for section in sections if section.kind is DocstringSectionKind.parameters]
    return {item.name: _config_words(item.description) for items in parameters for item in items}


def _config_words(text: str) -> str:
    """Write the values of Python as configs have them, in one line."""
    words = {"None": "`null`", "False": "`false`", "True": "`true`"}
    return re.sub(r"(?<![`\w])(None|True|False)\b", lambda match: words[match[0]], " ".join(text.split()))


def _type(annotation: Any) -> str:
    """Name a type as people write its values in a config."""
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{_value(value)}`" for value in get_args(annotation))
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_type, get_args(annotation))))
    return TYPES.get(get_origin(annotation) or annotation, "block")


def _value(value: Any) -> str:
    return srsly.json_dumps(value)


def _default(value: Any) -> str:
    return "block" if isinstance(value, dict) else f"`{_value(value)}`"


def _link(page: str, builders: dict[str, str]) -> str:
    """Link registered names, and the functions that they name, to their sections."""
    for function, name in builders.items():
        page = page.replace(f"`{function}`", f"`{name}`")
    names = "|".join(re.escape(name) for name in builders.values())
    return re.sub(rf"(?<!# )(?<!`)`({names})`(?!`)", r"[`\1`](#\1)", page)
