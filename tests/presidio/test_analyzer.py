import socket
from pathlib import Path

import pytest
from presidio_analyzer.predefined_recognizers import PhoneRecognizer
from presidio_anonymizer import AnonymizerEngine
from presidio_anonymizer.entities import OperatorConfig
from spacy.language import Language

from spacy_xner.presidio import OfflineEmailRecognizer, create_analyzer
from spacy_xner.presidio.suffixes import _get_extractor

from .conftest import NESTED_TEXTS, TEXTS, places, read_scores


@pytest.mark.parametrize("language", TEXTS)
def test_entities_and_scores_are_those_of_the_pipeline(world: Language, language: str) -> None:
    analyzer = create_analyzer(world, list(TEXTS))
    results = analyzer.analyze(TEXTS[language], language)
    assert places(results) == read_scores(world(TEXTS[language]))
    assert {each.recognition_metadata["recognizer_name"] for each in results} == {"XnerRecognizer"}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("zh", "<PERSON> <PHONE_NUMBER> <LOCATION>"),
        # The particle is no part of the name.
        ("ko", "받는 사람 <PERSON>에게 <PHONE_NUMBER>"),
        ("ar", "المرسل إليه <PERSON> <PHONE_NUMBER>"),
        ("en", "Send to <PERSON>, <ORGANIZATION>"),
        ("ja", "😀👩‍👩‍👧 <PERSON> 📦 已签收"),
    ],
)
def test_texts_are_anonymized(world: Language, language: str, text: str) -> None:
    analyzer = create_analyzer(world, list(TEXTS))
    results = analyzer.analyze(TEXTS[language], language)
    assert AnonymizerEngine().anonymize(TEXTS[language], results).text == text


def test_nested_entities_are_anonymized_once(nested: Language) -> None:
    analyzer = create_analyzer(nested, ["en"])
    for text, anonymized in zip(
        NESTED_TEXTS, ("<ORGANIZATION> in <LOCATION>", "<PERSON> calls the <ORGANIZATION>"), strict=True
    ):
        results = analyzer.analyze(text, "en")
        assert places(results) == read_scores(nested(text))
        assert AnonymizerEngine().anonymize(text, results).text == anonymized


def test_operators_know_the_names_of_presidio(world: Language) -> None:
    results = create_analyzer(world, ["zh"]).analyze(TEXTS["zh"], "zh")
    operators = {
        "PHONE_NUMBER": OperatorConfig("mask", {"masking_char": "*", "chars_to_mask": 7, "from_end": True}),
        "LOCATION": OperatorConfig("keep"),
    }
    assert AnonymizerEngine().anonymize(TEXTS["zh"], results, operators).text == (
        "<PERSON> 1380******* 北京市海淀区"
    )


def test_the_pipeline_alone_finds_what_it_knows(world: Language, nested: Language) -> None:
    text = "call +1 212-456-7890 or write to me@example.com"
    assert [each.entity_type for each in create_analyzer(nested, ["en"]).analyze(text, "en")].count(
        "PHONE_NUMBER"
    ) == 1
    analyzer = create_analyzer(world, ["en"])
    assert "PhoneRecognizer" not in {each.name for each in analyzer.get_recognizers("en")}
    # It can be added.
    analyzer.registry.add_recognizer(PhoneRecognizer(supported_language="en"))
    found = {each.recognition_metadata["recognizer_name"] for each in analyzer.analyze(text, "en")}
    assert "PhoneRecognizer" in found


def test_mail_addresses_are_found_without_network(world: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = []

    def look_up(host: str, *args: object, **settings: object) -> None:
        hosts.append(host)
        raise OSError("A test tried to reach the network.")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    _get_extractor.cache_clear()
    analyzer = create_analyzer(world, ["zh"])
    assert "EmailRecognizer" not in {each.name for each in analyzer.get_recognizers("zh")}
    results = analyzer.analyze("a@b.com, a@b.nodomain", "zh")
    assert [(each.start, each.end) for each in results if each.entity_type == "EMAIL_ADDRESS"] == [(0, 7)]
    assert hosts == []


@pytest.mark.parametrize("address", ["me@example.com", "me@example.co.uk", "我@例子.中国"])
def test_known_domains_are_addresses(address: str) -> None:
    (result,) = OfflineEmailRecognizer().analyze(f"<{address}>", ["EMAIL_ADDRESS"])
    assert (result.start, result.end) == (1, 1 + len(address))


def test_credit_cards_are_found_in_every_language(world: Language) -> None:
    analyzer = create_analyzer(world, ["zh", "en"])
    for language in ("zh", "en"):
        names = [each.name for each in analyzer.get_recognizers(language)]
        assert names.count("CreditCardRecognizer") == 1
        (result,) = analyzer.analyze("卡号 4111111111111111", language, entities=["CREDIT_CARD"])
        assert (result.start, result.end) == (3, 19)


def test_countries_add_recognizers(world: Language) -> None:
    def entities(*countries: str) -> set[str]:
        return {*create_analyzer(world, ["en"], countries=countries).get_supported_entities("en")}

    assert "US_SSN" not in entities()
    assert "US_SSN" in entities("us")


def test_context_does_not_change_scores(world: Language) -> None:
    analyzer = create_analyzer(world, ["en"])
    results = analyzer.analyze(TEXTS["en"], "en", context=["send", "person", "name"])
    assert places(results) == read_scores(world(TEXTS["en"]))


def test_threshold_mapping_and_ignored_labels(world: Language) -> None:
    scores = {ent.label_: ent._.xner_score for ent in world(TEXTS["en"]).ents}
    between = sum(scores.values()) / 2
    above = create_analyzer(world, ["en"], score_threshold=between)
    assert len(above.analyze(TEXTS["en"], "en")) == 1
    assert len(above.analyze(TEXTS["en"], "en", score_threshold=0.0)) == 2
    renamed = create_analyzer(world, ["en"], mapping={"COURIER": "CARRIER"})
    assert {each.entity_type for each in renamed.analyze(TEXTS["en"], "en")} == {"PERSON", "CARRIER"}
    ignoring = create_analyzer(world, ["en"], labels_to_ignore=["COURIER"])
    assert {each.entity_type for each in ignoring.analyze(TEXTS["en"], "en")} == {"PERSON"}


def test_wanted_entities_alone_are_returned(world: Language) -> None:
    analyzer = create_analyzer(world, ["en"])
    assert [each.entity_type for each in analyzer.analyze(TEXTS["en"], "en", entities=["PERSON"])] == [
        "PERSON"
    ]


def test_labels_that_are_not_known_before_are_not_lost(folder: Path) -> None:
    import spacy

    @Language.component("find_parcels", assigns=["doc.ents"])
    def find_parcels(doc: object) -> object:
        doc.ents = [*doc.ents, spacy.tokens.Span(doc, 0, 1, label="PARCEL")]  # type: ignore[attr-defined]
        return doc

    nlp = spacy.load(folder)
    nlp.add_pipe("find_parcels")
    analyzer = create_analyzer(nlp, ["en"])
    found = {each.entity_type for each in analyzer.analyze(TEXTS["en"], "en")}
    assert found == {"PARCEL", "PERSON", "ORGANIZATION"}


@pytest.mark.parametrize("languages", [[], "zh"])
def test_languages_must_be_a_list(world: Language, languages: object) -> None:
    with pytest.raises(ValueError, match="must be a list of codes"):
        create_analyzer(world, languages)  # type: ignore[arg-type]
