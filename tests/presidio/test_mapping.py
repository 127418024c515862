import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from presidio_analyzer.nlp_engine import NerModelConfiguration

from spacy_xner.presidio.mapping import DEFAULT_MAPPING, EntityMapping


def mapping_of(**settings: object) -> EntityMapping:
    return EntityMapping.from_configuration(settings)


@pytest.mark.parametrize(
    ("label", "entity"),
    [
        ("PER", "PERSON"),
        ("PERSON", "PERSON"),
        ("name", "PERSON"),
        ("PHONE", "PHONE_NUMBER"),
        ("ADDRESS", "LOCATION"),
        ("LOC", "LOCATION"),
        ("GPE", "LOCATION"),
        ("roadno", "LOCATION"),
        ("ORG", "ORGANIZATION"),
        ("COURIER", "ORGANIZATION"),
        ("EMAIL", "EMAIL_ADDRESS"),
        ("DATE", "DATE_TIME"),
        ("book", "book"),
        ("快递", "快递"),
    ],
)
def test_labels_have_entities(label: str, entity: str) -> None:
    assert mapping_of().find_entity(label) == entity


@settings(max_examples=30)
@given(st.text(min_size=1))
def test_no_label_is_lost_unless_it_is_ignored(label: str) -> None:
    mapping = mapping_of()
    entity = mapping.find_entity(label)
    assert entity is not None
    assert mapping.list_entities([label]) == [entity]
    assert mapping_of(labels_to_ignore=[label]).find_entity(label) is None
    assert mapping_of(labels_to_ignore=[entity]).find_entity(label) is None


def test_a_mapping_changes_single_labels() -> None:
    mapping = mapping_of(model_to_presidio_entity_mapping={"COURIER": "CARRIER"})
    assert [mapping.find_entity(label) for label in ("COURIER", "PER")] == ["CARRIER", "PERSON"]
    # What was configured is supported, even if no component names its labels.
    assert mapping.list_entities(["PER"]) == ["CARRIER", "PERSON"]


def test_the_default_of_presidio_changes_nothing() -> None:
    assert EntityMapping.from_configuration(NerModelConfiguration()) == mapping_of()
    assert EntityMapping.from_configuration(None) == mapping_of()


def test_empty_settings_of_a_file_are_none_at_all() -> None:
    empty = dict.fromkeys(("labels_to_ignore", "low_score_entity_names", "model_to_presidio_entity_mapping"))
    assert mapping_of(**empty) == mapping_of()


def test_keys_are_in_upper_case() -> None:
    assert [label for label in DEFAULT_MAPPING if label != label.upper()] == []


def test_scores_are_changed_only_on_request() -> None:
    mapping = mapping_of(
        low_score_entity_names=["ORGANIZATION"], low_confidence_score_multiplier=0.5, default_score=0.6
    )
    assert mapping.find_score("PERSON", 0.9) == 0.9
    assert mapping.find_score("PERSON", None) == 0.6
    assert mapping.find_score("ORGANIZATION", 0.9) == 0.45
    assert mapping_of().find_score("ORGANIZATION", 0.9) == 0.9
