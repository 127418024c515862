from pathlib import Path

import pytest
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NerModelConfiguration, NoOpNlpEngine, SpacyNlpEngine
from spacy.language import Language

from spacy_xner.presidio import XnerRecognizer

from .conftest import TEXTS, places, read_scores


def make_analyzer(recognizer: XnerRecognizer, engine: object) -> AnalyzerEngine:
    registry = RecognizerRegistry([recognizer], supported_languages=["en"])
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])


def spacy_engine(folder: Path, **settings: object) -> SpacyNlpEngine:
    engine = SpacyNlpEngine(
        [{"lang_code": "en", "model_name": str(folder)}],
        NerModelConfiguration(**settings) if settings else None,
    )
    engine.load()
    return engine


@pytest.mark.parametrize("text", TEXTS.values())
def test_docs_of_presidios_spacy_engine_are_read(world: Language, folder: Path, text: str) -> None:
    analyzer = make_analyzer(XnerRecognizer(), spacy_engine(folder))
    assert places(analyzer.analyze(text, "en")) == read_scores(world(text))


def test_settings_of_the_engine_count(folder: Path) -> None:
    engine = spacy_engine(
        folder, model_to_presidio_entity_mapping={"COURIER": "CARRIER"}, labels_to_ignore=["PER"]
    )
    recognizer = XnerRecognizer()
    analyzer = make_analyzer(recognizer, engine)
    for entities in (None, ["CARRIER", "PERSON"]):
        assert [each.entity_type for each in analyzer.analyze(TEXTS["en"], "en", entities)] == ["CARRIER"]
    own = XnerRecognizer(ner_model_configuration={"labels_to_ignore": ["COURIER"]})
    assert [each.entity_type for each in make_analyzer(own, engine).analyze(TEXTS["en"], "en")] == ["PERSON"]


@pytest.mark.parametrize("text", TEXTS.values())
def test_a_model_of_its_own_needs_no_engine(world: Language, folder: Path, text: str) -> None:
    engine = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "no_op"}])
    analyzer = make_analyzer(XnerRecognizer(model_name=str(folder), device="cpu"), engine)
    assert places(analyzer.analyze(text, "en")) == read_scores(world(text))
    assert sorted(analyzer.get_supported_entities("en")) == [
        "LOCATION",
        "ORGANIZATION",
        "PERSON",
        "PHONE_NUMBER",
    ]


def test_without_model_and_engine_it_is_refused() -> None:
    with pytest.raises(
        ValueError, match="XnerRecognizer must have a model_name or the docs of an NLP engine"
    ):
        XnerRecognizer().analyze("text", ["PERSON"])
    engine = NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "no_op"}])
    with pytest.raises(ValueError, match=r"found neither with NoOpNlpEngine\. Set model_name\.$"):
        make_analyzer(XnerRecognizer(), engine).analyze("text", "en")


def test_supported_entities_restrict_it(world: Language) -> None:
    recognizer = XnerRecognizer(model_name=world, supported_entities=["PERSON"])
    for entities in (["PERSON"], ["PERSON", "ORGANIZATION"]):
        assert [each.entity_type for each in recognizer.analyze(TEXTS["en"], entities)] == ["PERSON"]


def test_results_say_which_label_it_was(world: Language) -> None:
    courier = XnerRecognizer(model_name=world, name="mine").analyze(TEXTS["en"], ["ORGANIZATION"])[0]
    assert courier.recognition_metadata["label"] == "COURIER"
    assert courier.recognition_metadata["recognizer_name"] == "mine"
    assert courier.analysis_explanation.textual_explanation == "The pipeline's label COURIER is ORGANIZATION"
    assert courier.analysis_explanation.original_score == courier.score


def test_context_raises_scores_on_request(world: Language) -> None:
    from spacy_xner.presidio import XnerNlpEngine

    engine = XnerNlpEngine([{"lang_code": "en", "model_name": world}])
    plain, raised = (
        {
            each.entity_type: each.score
            for each in make_analyzer(recognizer, engine).analyze(TEXTS["en"], "en")
        }
        for recognizer in (XnerRecognizer(), XnerRecognizer(context=["send"]))
    )
    assert raised["PERSON"] == min(plain["PERSON"] + 0.35, 1.0)
