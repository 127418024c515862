"""The ``xrecord`` component: records with normalized values from the entities of a doc, without a model."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path

from spacy import util
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from .couriers import CourierTable
from .cues import CueFinder
from .divisions import DivisionTable
from .grouping import Group, group_units, list_people
from .phones import extension_behind, extension_in, load_phonenumbers, parse_phone
from .regions import RegionFinder
from .tables import NAMES, Tables
from .units import ADDRESS, COURIER, PARTS, PHONE, PLACE, Mention, join_units, kind_of, put_together
from .values import (
    EXTENSION,
    AddressValue,
    CourierValue,
    PartValue,
    PhoneValue,
    Record,
    Value,
    fold,
    register_extension,
    values_of,
)


class RecordMaker:
    """Makes records of entities. See `make_xrecord` for the settings."""

    def __init__(
        self,
        vocab: Vocab,
        tokenize: Callable[[str], Doc],
        name: str = "xrecord",
        *,
        fields: Mapping[str, str | None],
        spans_key: str | None = None,
        region: str | None = None,
        split_addresses: bool = False,
        tables: Tables,
    ) -> None:
        self.vocab = vocab
        self.name = name
        self.fields = {label: field for label, field in fields.items() if field is not None}
        # Fields by label; empty for labels that are left out.
        self._known = {label: self.fields.get(label, "") for label in fields}
        self._places = {field: i for i, field in enumerate(dict.fromkeys(self.fields.values()))}
        self.spans_key = spans_key
        self.region = region
        self.split_addresses = split_addresses
        self.tables = tables
        self._tokenize = tokenize
        check_fields(self.fields)
        check_region(region)
        register_extension()

    @cached_property
    def _cues(self) -> CueFinder:
        return CueFinder(self.tables.read("cues"), self.tables.title("cues"), self.vocab, self._tokenize)

    @cached_property
    def _couriers(self) -> CourierTable:
        return CourierTable(self.tables.read("couriers"), self.tables.title("couriers"))

    @cached_property
    def _regions(self) -> RegionFinder:
        return RegionFinder(self.tables.read("regions"), self.tables.title("regions"))

    @cached_property
    def _divisions(self) -> DivisionTable:
        return DivisionTable(self.tables.read("divisions"), self.tables.title("divisions"))

    def __call__(self, doc: Doc) -> Doc:
        """Write ``doc._.records``."""
        doc._.set(EXTENSION, self.make_records(doc))
        return doc

    def make_records(self, doc: Doc) -> list[Record]:
        """Return the records of a doc, in the order of their first values."""
        spans = self._list_spans(doc)
        text = doc.text
        items = [self._mention(span, text) for span in spans if span.label_ in self._known]
        if not any(item.field for item in items):
            return []
        cues = self._cues.find(doc, spans)
        groups = group_units(join_units(items, text, cues), text, cues)
        people = [person for group in groups for person in list_people(group)]
        return [self._make_record(person, text) for person in people]

    def _list_spans(self, doc: Doc) -> Sequence[Span]:
        """Return entities and spans of the group in text order: each once, an address before its parts."""
        if self.spans_key is None:
            return doc.ents
        spans = [*doc.ents, *doc.spans.get(self.spans_key, ())]
        distinct = {(span.start, -span.end, span.label_): span for span in spans}
        return [distinct[place] for place in sorted(distinct)]

    def _make_record(self, person: Group, text: str) -> Record:
        address = " ".join(text[unit.start : unit.end] for unit in person.units if unit.kind == PLACE)
        record: Record = {"role": person.role}
        items = [item for unit in person.units for item in unit.items]
        if ADDRESS in self._places:
            items += filter(None, (put_together(unit, text) for unit in person.units))
        for item in sorted(items, key=self._order):
            field = item.field
            value = self._make_value(item, address, text)
            values = values_of(record, field)
            # A name or number that is repeated is one value; a part of an address may have two.
            is_new = value["value"] not in [each["value"] for each in values]
            if is_new or value["value"] is None or kind_of(field) == PLACE:
                record[field] = [*values, value]
        if self.split_addresses:
            record |= self._split_address(record)
        return record

    def _split_address(self, record: Record) -> Record:
        """Return the parts of a record's first address; none if a model has found parts."""
        addresses = values_of(record, ADDRESS)
        if not addresses or any(values_of(record, part) for part in PARTS):
            return {}
        whole = addresses[0]
        parts: Record = {}
        for part in self._divisions.split(whole["text"]):
            is_in_text = part.end > part.start
            place = (part.start, part.end) if is_in_text else (0, len(whole["text"]))
            value: PartValue = {
                **whole,
                "text": whole["text"][slice(*place)],
                "start": whole["start"] + place[0],
                "end": whole["start"] + place[1],
                "value": part.value,
                "source": "table",
                "is_in_text": is_in_text,
            }
            parts[part.field] = [value]
        return parts

    def _order(self, item: Mention) -> tuple[int, int]:
        """Order entities by the place of their field in the settings, then by their own in the text."""
        return self._places[item.field], item.start

    def _mention(self, ent: Span, text: str) -> Mention:
        start, end, label = ent.start_char, ent.end_char, ent.label_
        return Mention(self._known[label], text[start:end], start, end, label, ent._.xner_score)

    def _make_value(self, item: Mention, address: str, text: str) -> Value:
        value: Value = {
            "text": item.text,
            "start": item.start,
            "end": item.end,
            "label": item.label,
            "score": item.score,
            "value": fold(item.text),
        }
        if item.field == PHONE:
            return self._add_phone(value, address, text)
        if item.field == COURIER:
            courier = self._couriers.find(item.text)
            return CourierValue({**value, "value": courier.name, "code": courier.code})
        return value if item.label is not None else AddressValue({**value, "source": "parts"})

    def _add_phone(self, value: Value, address: str, text: str) -> PhoneValue:
        regions = self._regions.find(address, text) if self.region is None else [(self.region,)]
        phone = parse_phone(value["text"], regions, is_guess=self.region is None)
        extension = phone.extension
        if extension is None and (behind := extension_behind(text, value["end"])):
            extension = extension_in(behind)
        return {
            **value,
            "value": phone.value,
            "extension": extension,
            "is_valid": phone.is_valid,
            "region": phone.region,
        }

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the tables to a folder, as YAML files that can be edited there."""
        util.to_disk(path, {f"{name}.yml": partial(self._write, name) for name in NAMES}, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "RecordMaker":
        """Read the tables of a folder."""
        util.from_disk(path, {f"{name}.yml": partial(self._read, name) for name in NAMES}, exclude)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Return the tables as bytes."""
        return bytes(util.to_bytes({name: partial(self._encode, name) for name in NAMES}, exclude))

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "RecordMaker":
        """Read the tables from bytes."""
        util.from_bytes(data, {name: partial(self._decode, name) for name in NAMES}, exclude)
        return self

    def _write(self, name: str, path: Path) -> None:
        path.write_bytes(self._encode(name))

    def _read(self, name: str, path: Path) -> None:
        self._decode(name, path.read_bytes())

    def _encode(self, name: str) -> bytes:
        return self.tables.text(name).encode()

    def _decode(self, name: str, data: bytes) -> None:
        self.tables.set_text(name, data.decode())
        for made in ("_cues", "_couriers", "_divisions", "_regions"):
            vars(self).pop(made, None)


def check_fields(fields: Mapping[str, str]) -> None:
    """Check which field each label becomes.

    Raises:
        ValueError: If a field is no text, or has the name of a key of records.
    """
    for label, field in fields.items():
        if not isinstance(field, str) or not field or field == "role":
            raise ValueError(
                f"fields of xrecord must be names other than role, found {field!r} for {label}. Rename it."
            )


def check_region(region: str | None) -> None:
    """Check a country.

    Raises:
        ImportError: If phonenumbers is not installed.
        ValueError: If it has no telephone numbers.
    """
    regions = load_phonenumbers().SUPPORTED_REGIONS
    if region is not None and region not in regions:
        raise ValueError(
            f"region of xrecord must be a country such as CN or DE, or null, found {region!r}. Change it."
        )
