"""Labels of pipelines as entities of Presidio, and the scores of these."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from presidio_analyzer.nlp_engine import NerModelConfiguration
from presidio_analyzer.nlp_engine.ner_model_configuration import MODEL_TO_PRESIDIO_ENTITY_MAPPING

_LABELS = {
    "PERSON": "PER PERSON NAME NR",
    "PHONE_NUMBER": "PHONE PHONE_NUMBER TEL TELEPHONE MOBILE",
    "EMAIL_ADDRESS": "EMAIL EMAIL_ADDRESS MAIL",
    "LOCATION": (
        "ADDRESS ADDR LOC LOCATION GPE FAC NS "
        # Parts of addresses.
        "COUNTRY PROVINCE PROV CITY DISTRICT DEVZONE TOWN COMMUNITY ROAD ROADNO SUBROAD SUBROADNO POI SUBPOI "
        "HOUSENO CELLNO FLOORNO ROOMNO"
    ),
    "ORGANIZATION": "ORG ORGANIZATION COMPANY GOVERNMENT NT COURIER",
    "DATE_TIME": "DATE TIME DATE_TIME",
}
# Keys are in upper case.
DEFAULT_MAPPING: dict[str, str] = {
    **MODEL_TO_PRESIDIO_ENTITY_MAPPING,
    **{label: entity for entity, labels in _LABELS.items() for label in labels.split()},
}


@dataclass(frozen=True)
class EntityMapping:
    """Which entity of Presidio a label is, and which score it has.

    Attributes:
        overrides: Entities by label, before those of `DEFAULT_MAPPING`.
        ignored: Labels and entities that are left out.
        low_score_entities: Entities whose scores are multiplied by `low_score_factor`.
        low_score_factor: At least 0.
        default_score: Score of entities without one, such as those of rules.
    """

    overrides: Mapping[str, str]
    ignored: Collection[str]
    low_score_entities: Collection[str]
    low_score_factor: float
    default_score: float

    @classmethod
    def from_configuration(
        cls, configuration: NerModelConfiguration | Mapping[str, Any] | None
    ) -> "EntityMapping":
        """Read Presidio's ``ner_model_configuration``.

        A mapping in it changes ours, label by label. Presidio's own default is no change.
        """
        settings: Any = configuration
        if not isinstance(settings, NerModelConfiguration):
            settings = NerModelConfiguration(**(settings or {}))
        is_set = "model_to_presidio_entity_mapping" in settings.model_fields_set
        factor, score = settings.low_confidence_score_multiplier, settings.default_score
        return cls(
            dict(settings.model_to_presidio_entity_mapping or {}) if is_set else {},
            frozenset(settings.labels_to_ignore or ()),
            frozenset(settings.low_score_entity_names or ()),
            1.0 if factor is None else factor,
            1.0 if score is None else score,
        )

    def find_entity(self, label: str) -> str | None:
        """Return the entity of a label, its own name if it has none, or None if it is ignored."""
        entity = self.overrides.get(label) or DEFAULT_MAPPING.get(label.upper(), label)
        return None if label in self.ignored or entity in self.ignored else entity

    def find_score(self, entity: str, score: float | None) -> float:
        """Return the score that Presidio is given for an entity with a probability, or without one."""
        score = self.default_score if score is None else score
        return score * self.low_score_factor if entity in self.low_score_entities else score

    def list_entities(self, labels: Iterable[str]) -> list[str]:
        """List the entities of labels, and those that were configured."""
        entities = {self.find_entity(label) for label in (*labels, *self.overrides)}
        return sorted(entity for entity in entities if entity is not None)
