"""Which keys of a JSON corpus hold what: decided once for a file, from a sample of its objects."""

from collections.abc import Iterator, Sequence

from ..annotation.tags import detect_scheme
from ..reading.json_stream import Row
from ..reading.session import ReadSession
from .json_cats import ScoreReader, choose_flags, find_cats_reader
from .json_keys import Key, Plan
from .json_names import CATS, EITHER, ENTITIES, LEFT_OUT, RESPONSES, TAGS, UNREAD, is_number_of_row
from .json_paths import MAX_DEPTH, Path, as_path, find_text, get, join_path, name_of, rank_paths
from .json_spans import DEFAULTS, SpanKeys, find_span_keys
from .json_surfaces import find_all, is_located, list_items
from .json_tags import Sample, are_tags, as_tags, find_token_scheme
from .json_values import (
    EntityReader,
    TagReader,
    TypeReader,
    are_labels,
    choices_of,
    decode,
    find_common_kind,
    find_kind,
    is_flag,
    read_accepted,
)

# Entities from which their keys are found.
MAX_ENTITIES = 1000
ANSWERS = {"accept", "reject", "ignore"}
PARTS = ("start", "end", "length", "label", "surface")
FIELDS = ("text", "spans", *PARTS, "cats", "tokens", "tags", "names", "ignore")


def find_plan(session: ReadSession, rows: Sequence[Row]) -> Plan:
    """Find out what the keys of objects hold, and note it.

    Args:
        session: The session, with the names that are known.
        rows: A sample of the objects.

    Raises:
        CorpusError: If a name of a field is unknown.
    """
    names = session.options.field_names
    unknown = [name for name in names if name not in FIELDS]
    if unknown:
        session.fail(1, f"--fields must be some of {', '.join(FIELDS)}, found {unknown[0]}.", "Fix it.")
    text = as_path(names["text"]) if "text" in names else find_text(rows)
    finder = _Finder(session, text, rows)
    return finder.find()


class _Finder:
    """Finds out what the keys of a file hold."""

    def __init__(self, session: ReadSession, text: Path, rows: Sequence[Row]) -> None:
        self.session = session
        self.names = session.options.field_names
        self.parts = {name: self.names[name] for name in PARTS if name in self.names}
        self.text = text
        texts = [(get(row, text), row) for row in rows]
        self.rows = [(value, row) for value, row in texts if isinstance(value, str)]
        parents = [text[:-1]] if len(text) > 1 else []
        ignored = {as_path(name) for name in self.names.get("ignore", "").split("+")}
        # The candidates: all keys beside the text, those of the whole object too.
        self.paths = [
            path
            for parent in (*parents, ())
            for path in self._list_inner(parent)
            if path != text[: len(path)] and path not in ignored
        ]
        self.ignored = {text, text[:1], *ignored}

    def find(self) -> Plan:
        """Find out what each key holds."""
        keys = self._find_spans()
        keys += self._find_cats(keys)
        flags = self._find_flags(keys) if all(key.what == "labels" for key in keys) else ()
        read = {path for path in self.paths if any(key.path[: len(path)] == path for key in keys)}
        left_out = {path: LEFT_OUT[name] for path in self.paths if (name := name_of(path)) in LEFT_OUT}
        left_out = {path: kind for path, kind in left_out.items() if path not in read}
        for path in self.paths:
            if path not in read and path not in left_out and path[-1] not in flags:
                for sample in self._sample(path)[:1]:
                    self.session.leave_unread(join_path(path), sample.value)
        parts = [f"text in {join_path(self.text)}", *(f"{key.what} in {join_path(key.path)}" for key in keys)]
        parts += [f"0 and 1 in {', '.join(flags)}"] if flags else []
        self.session.note("; ".join(parts))
        unread = {path for path in self.paths if name_of(path) in UNREAD}
        known = frozenset(self.ignored | unread | read | {*left_out})
        return Plan(self.text, tuple(keys), flags, tuple(left_out.items()), known, self._has_answers())

    def _list_inner(self, parent: Path) -> list[Path]:
        """List the paths of the keys of the objects at a path."""
        values = (get(row, parent) for _, row in self.rows)
        keys = dict.fromkeys(key for value in values if isinstance(value, dict) for key in value)
        return [(*parent, key) for key in keys]

    def _sample(self, path: Path) -> list[Sample]:
        """List the values at a path."""
        values = ((text, decode(get(row, path)), row) for text, row in self.rows)
        return [Sample(text, value, row) for text, value, row in values if value is not None]

    def _has_answers(self) -> bool:
        answers = [sample.value for sample in self._sample(("answer",))]
        return bool(answers) and all(isinstance(each, str) and each in ANSWERS for each in answers)

    def _find_spans(self) -> list[Key]:
        """Find the keys of entities, and of labels that are under such keys."""
        for role in ("tags", "spans"):
            if role in self.names:
                paths = [as_path(name) for name in self.names[role].split("+")]
                return [self._read_known(path) or self._entities(path, self._sample(path)) for path in paths]
        named = rank_paths(self.paths, ENTITIES)
        keys = [key for path in named if (key := self._read_known(path))]
        for path in rank_paths(self.paths, TAGS):
            if find_common_kind(self._sample(path)) == "tags" or are_tags(
                self._sample(path), self.session.options
            ):
                keys.append(self._tags(path, self._sample(path)))
        if not any(key.what != "labels" for key in keys):
            others = [
                path for path in self.paths if path not in named and name_of(path) not in (*UNREAD, *LEFT_OUT)
            ]
            found = [key for path in others for key in self._search(path)]
            # Of several, none is the one.
            is_exported = {"annotationid", "annotator"} <= {name_of(path) for path in self.paths}
            keys += found if len(found) == 1 or is_exported else []
        if not named and not keys:
            # Predictions are read where there are no annotations.
            predicted = [path for path in self.paths if LEFT_OUT.get(name_of(path)) == "predictions"]
            keys = [key for path in predicted for key in self._search(path)][:1]
        return keys

    def _search(self, path: Path) -> Iterator[Key]:
        """Find entities under a key of any name: by their offsets, or under a known name in it."""
        samples = self._sample(path)
        kind = find_common_kind(samples)
        if kind == "entities":
            keys = self._find_parts(samples)
            if any(each.start is not None for each in keys.values()):
                yield self._entities(path, samples)
        elif kind == "types" and len(path) < MAX_DEPTH:
            inner = self._list_inner(path)
            named = [
                key
                for each in rank_paths(inner, ENTITIES)
                if self._are_annotations(each) and (key := self._read_known(each))
            ]
            if named:
                yield from named
            elif name_of(path) in RESPONSES and self._are_located(samples):
                yield Key(path, TypeReader(None), "entities")
            elif all(isinstance(item, tuple) for each in samples for item in list_items(each.value)):
                yield Key(path, TypeReader(None), "entities")
            else:
                for each in inner:
                    yield from self._search(each)
        elif kind == "labels" and any(choices_of(each.value) is not each.value for each in samples):
            yield self._entities(path, samples, has_labels=True)

    def _are_located(self, samples: Sequence[Sample]) -> bool:
        """Return whether values are entities by type, with texts that are in their texts."""
        items = [(item, each.text) for each in samples for item in list_items(each.value)]
        return bool(items) and all(is_located(*pair) for pair in items)

    def _are_annotations(self, path: Path) -> bool:
        """Return whether the values at a path are more than objects of other things."""
        samples = self._sample(path)
        return find_common_kind(samples) != "entities" or bool(self._find_parts(samples))

    def _read_known(self, path: Path) -> Key | None:
        """Read a key whose name is one of entities; None if its values are something else."""
        samples = self._sample(path)
        is_either = name_of(path) in EITHER
        kind = find_common_kind(samples)
        if kind == "tags" or (kind == "labels" and are_tags(samples, self.session.options)):
            return self._tags(path, samples)
        if kind == "types":
            return self._types(path, samples)
        if is_either and (reader := find_cats_reader(self.session, join_path(path), samples)):
            return Key(path, reader, "labels")
        if kind == "labels" and not is_either and not any(isinstance(each.value, list) for each in samples):
            return None
        if kind == "labels" and is_either and not are_labels(samples):
            return None
        return self._entities(path, samples, has_labels=is_either)

    def _tags(self, path: Path, samples: Sequence[Sample]) -> Key:
        options = self.session.options
        tags = [tags for each in samples if (tags := as_tags(each.value))]
        scheme, evidence = detect_scheme(tags, options.scheme, options.label)
        return Key(path, TagReader(scheme), f"tags ({evidence})")

    def _types(self, path: Path, samples: Sequence[Sample]) -> Key | None:
        """Read entities by type, or those under a key in the objects; None if they are not in their texts."""
        for inner in rank_paths(self._list_inner(path), ENTITIES):
            inner_samples = self._sample(inner)
            if find_common_kind(inner_samples) == "entities" and self._find_parts(inner_samples):
                return self._entities(inner, inner_samples)
        items = [
            (each.text, item)
            for each in samples
            if isinstance(each.value, dict)
            for value in each.value.values()
            for item in list_items(value)
        ][:MAX_ENTITIES]
        strings = [any(find_all(text, item.strip())) for text, item in items if isinstance(item, str)]
        if 2 * sum(strings) < len(strings):
            return None
        objects = [(text, item) for text, item in items if isinstance(item, dict)]
        keys = find_span_keys(objects, self.parts, needs_label=False) if objects else None
        return Key(path, TypeReader(keys), "entities")

    def _entities(self, path: Path, samples: Sequence[Sample], *, has_labels: bool = False) -> Key:
        """Read an array of entities, or of labels."""
        kinds = {find_kind(each) for each in samples}
        parts = self._find_parts(samples)
        keys = DEFAULTS | parts
        has_spans = not has_labels or "labels" not in kinds or "entities" in kinds
        if has_labels and parts and all(each.is_label for each in parts.values()):
            has_spans = False
        reader = EntityReader(
            keys[dict],
            keys[list],
            has_labels,
            has_spans,
            find_token_scheme(self.session, samples, parts.get(dict)),
        )
        return Key(path, reader, "entities" if has_spans else "labels")

    def _find_parts(self, samples: Sequence[Sample]) -> dict[type, SpanKeys]:
        """Find where objects and arrays in arrays have the parts of entities."""
        items = [
            (each.text, item)
            for each in samples
            for item in (each.value if isinstance(each.value, list) else [each.value])
            if isinstance(item, dict | list) and item
        ][:MAX_ENTITIES]
        found: dict[type, SpanKeys] = {}
        for kind in (dict, list):
            some = [pair for pair in items if isinstance(pair[1], kind)]
            keys = find_span_keys(some, self.parts) if some else None
            if keys is not None:
                found[kind] = keys
        return found

    def _find_cats(self, keys: Sequence[Key]) -> list[Key]:
        """Find the keys of labels of the texts."""
        name = self.names.get("cats") or self.names.get("label")
        if name and ("cats" in self.names or self._sample(as_path(name))):
            read = [key.path for key in keys if key.what == "labels"]
            return [self._labels(path) for path in map(as_path, name.split("+")) if path not in read]
        if self._sample(("accept",)) and self._sample(("options",)):
            return [Key(("accept",), read_accepted, "labels")]
        named = [path for path in rank_paths(self.paths, CATS) if path not in [key.path for key in keys]]
        usual = [path for path in named if name_of(path) == "cats"]
        if usual or any(key.what == "labels" for key in keys):
            return [self._labels(path) for path in usual]
        # Amazon has the name of a class beside its number.
        named += [
            inner for path in self.paths for inner in rank_paths(self._list_inner(path), ("classname",))
        ]
        first = next((path for path in [*named, *self._list_controls()] if self._are_labels(path)), None)
        return [self._labels(first)] if first is not None else []

    def _list_controls(self) -> list[Path]:
        """List the key of a control in Label Studio's short form: it has any name, before the annotator."""
        names = [name_of(path) for path in self.paths]
        if "annotationid" not in names or "annotator" not in names[1:]:
            return []
        path = self.paths[names.index("annotator") - 1]
        return [path] if all(isinstance(each.value, str) for each in self._sample(path)) else []

    def _are_labels(self, path: Path) -> bool:
        """Return whether a key holds labels of the texts: strings, probabilities or objects with a label."""
        samples = self._sample(path)
        if find_common_kind(samples) in ("types", "entities"):
            return any(keys.is_label for keys in self._find_parts(samples).values())
        return find_common_kind(samples) in ("labels", "scores") and are_labels(samples)

    def _labels(self, path: Path) -> Key:
        samples = self._sample(path)
        reader = find_cats_reader(self.session, join_path(path), samples)
        if reader is None and find_common_kind(samples) == "types" and not self._find_parts(samples):
            reader = ScoreReader()
        return Key(path, reader, "labels") if reader else self._entities(path, samples, has_labels=True)

    def _find_flags(self, keys: Sequence[Key]) -> tuple[str, ...]:
        """Find the keys that hold 0 and 1 in all objects without other labels: several, which differ."""
        rows = [row for _, row in self.rows if all(get(row, key.path) is None for key in keys)]
        flags = [
            str(path[0])
            for path in self.paths
            if len(path) == 1
            and not is_number_of_row(str(path[0]))
            and all(is_flag(get(row, path)) for row in rows)
        ]
        return choose_flags(flags, rows)
