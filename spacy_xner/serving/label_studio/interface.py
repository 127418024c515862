"""The labelling interface of a Label Studio project: which controls label which texts, with which labels.

Source: Label Studio's documentation of its tags, and `parseValue` of its editor.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree import ElementTree

# Tags that hold options, by the tag of an option.
KINDS = {"labels": "label", "choices": "choice"}
_VARIABLE = re.compile(r"\$[\w[\].{}]+")
_STEP = re.compile(r"[^.[\]{}]+")
# Of regions, or of texts that are made by repeating a part of the interface.
_REPEATED = "{{"


class Option(NamedTuple):
    """A label or a choice.

    Attributes:
        value: What results have: its alias, or else its value.
        hints: Labels of models that stand for it (``predicted_values``).
        names: Its alias and its value.
    """

    value: str
    hints: tuple[str, ...]
    names: tuple[str, ...]


class Control(NamedTuple):
    """A control that labels places in a text (``<Labels>``) or a text as a whole (``<Choices>``).

    Attributes:
        name: Its name.
        kind: ``labels`` or ``choices``.
        to_name: Name of the text.
        options: Its labels or choices.
        is_multiple: Whether a text may have several of its choices.
    """

    name: str
    kind: str
    to_name: str
    options: tuple[Option, ...]
    is_multiple: bool = False

    def match(self, known: Collection[str]) -> dict[str, str]:
        """Match labels of a model to options: by hints, by equal names, and by names in another case.

        Args:
            known: Labels of the model.

        Returns:
            The value of the option of each label that has one.
        """
        folded = {label.casefold(): label for label in sorted(known, reverse=True)}
        matched: dict[str, str] = {}
        for option in self.options:
            for hint in option.hints:
                if hint in known:
                    matched.setdefault(hint, option.value)
        for option in self.options:
            for name in option.names:
                if name in known:
                    matched.setdefault(name, option.value)
        taken = {*matched.values()}
        for option in self.options:
            for name in (*option.hints, *option.names):
                label = folded.get(name.casefold())
                if label is not None and option.value not in taken:
                    matched.setdefault(label, option.value)
        return matched

    def name_labels(self, known: Collection[str]) -> dict[str, str]:
        """Return the label that a model learns for the value of each option.

        It is the label that stands for the option, the first of several; or else its first hint or name.
        """
        names = {option.value: (*option.hints, *option.names)[0] for option in self.options}
        matched = {value: label for label, value in reversed(self.match(known).items())}
        return names | matched


class Interface(NamedTuple):
    """What a project labels.

    Attributes:
        controls: The controls of texts.
        texts: For the name of each text, the variable or template of it, such as ``$text``.
    """

    controls: tuple[Control, ...]
    texts: dict[str, str]

    def read_texts(self, data: Mapping[str, Any]) -> dict[str, str]:
        """Return the texts of a task that are labelled, by name; those that it lacks are left out."""
        names = dict.fromkeys(control.to_name for control in self.controls)
        texts = {name: fill_in(self.texts[name], data) for name in names}
        return {name: text for name, text in texts.items() if text is not None}


def read_interface(label_config: str) -> Interface:
    """Read the interface of a project.

    Other tags, choices of regions, and texts that are loaded from links are left out.

    Raises:
        ValueError: If it is not XML.
    """
    if "<!DOCTYPE" in label_config or "<!ENTITY" in label_config:
        raise ValueError("The labelling interface must be plain tags, found a document type. Remove it.")
    try:
        tags = [*ElementTree.fromstring(label_config.strip()).iter()]
    except (ElementTree.ParseError, ValueError) as err:
        raise ValueError(f"The labelling interface must be XML, found an error: {err}. Correct it.") from err
    texts = {
        tag.attrib["name"]: tag.attrib["value"]
        for tag in tags
        if tag.tag.lower() == "text"
        and {"name", "value"} <= tag.attrib.keys()
        and tag.attrib.get("valueType", "text").lower() == "text"
    }
    controls = [control for tag in tags for control in _read_control(tag, texts)]
    return Interface(tuple(controls), texts)


def _read_control(tag: ElementTree.Element, texts: Collection[str]) -> Iterator[Control]:
    kind, attrib = tag.tag.lower(), tag.attrib
    names = [name.strip() for name in attrib.get("toName", "").split(",")]
    own = [name for name in names if name in texts]
    is_of_regions = attrib.get("perRegion", "").lower() == "true"
    if kind not in KINDS or not attrib.get("name") or not own or is_of_regions:
        return
    options = [_read_option(each) for each in tag.iter() if each.tag.lower() == KINDS[kind]]
    named = {option.value: option for option in reversed(options) if option.value}
    if named and _REPEATED not in attrib["name"]:
        is_multiple = kind == "choices" and attrib.get("choice") == "multiple"
        yield Control(attrib["name"], kind, own[0], tuple(reversed(named.values())), is_multiple)


def _read_option(tag: ElementTree.Element) -> Option:
    value, alias = (tag.attrib.get(name, "").strip() for name in ("value", "alias"))
    hints = (hint.strip() for hint in tag.attrib.get("predicted_values", "").split(","))
    names = dict.fromkeys(filter(None, (alias, value)))
    return Option(alias or value, tuple(dict.fromkeys(filter(None, hints))), tuple(names))


def fill_in(template: str, data: Mapping[str, Any]) -> str | None:
    """Return the text of a task, as Label Studio shows it.

    Args:
        template: A variable, such as ``$text`` or ``$mail.parts[0]``; or a text with variables in it.
        data: The data of the task.

    Returns:
        The text; None if the task lacks it, or has something else there.
    """
    if _VARIABLE.fullmatch(template):
        value = _look_up(data, template[1:])
        return value if isinstance(value, str) else None
    parts = {name: _look_up(data, name[1:]) for name in _VARIABLE.findall(template)}
    if not all(isinstance(part, str | int | float) for part in parts.values()):
        return None
    return _VARIABLE.sub(lambda match: str(parts[match[0]]), template)


def _look_up(data: Any, path: str) -> Any:
    """Return what is at a path such as ``mail.parts[0]``; None if nothing is. A key may be the whole path."""
    if isinstance(data, Mapping) and path in data:
        return data[path]
    for step in _STEP.findall(path):
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data
