"""Files of Presidio, read by its own providers."""

from pathlib import Path

import pytest
from presidio_analyzer import AnalyzerEngine, AnalyzerEngineProvider, BatchAnalyzerEngine
from presidio_analyzer.nlp_engine import NlpEngineProvider
from presidio_analyzer.recognizer_registry import RecognizerRegistryProvider
from spacy.language import Language

from spacy_xner.presidio import XnerNlpEngine

from .conftest import TEXTS, places, read_scores

NLP = """
nlp_engine_name: spacy_xner
models:
  - {{lang_code: zh, model_name: "{folder}", device: cpu}}
  - {{lang_code: ko, model_name: "{folder}", device: cpu}}
ner_model_configuration:
  model_to_presidio_entity_mapping:
    COURIER: CARRIER
"""
RECOGNIZERS = """
supported_languages: [zh, ko]
recognizers:
  - name: XnerRecognizer
    type: predefined
    score_thresholds: {default: 0.1}
  - name: CreditCardRecognizer
    type: predefined
"""
NO_OP = """
supported_languages: [zh, ko]
nlp_configuration:
  nlp_engine_name: no_op
  models:
    - {{lang_code: zh, model_name: no_op}}
    - {{lang_code: ko, model_name: no_op}}
recognizer_registry:
  recognizers:
    - name: XnerRecognizer
      type: predefined
      model_name: "{folder}"
      device: cpu
      ner_model_configuration:
        labels_to_ignore: [COURIER]
    - name: OfflineEmailRecognizer
      type: predefined
"""
SPACY = """
supported_languages: [zh]
nlp_configuration:
  nlp_engine_name: spacy
  models:
    - {{lang_code: zh, model_name: "{folder}"}}
recognizer_registry:
  recognizers:
    - name: XnerRecognizer
      type: predefined
    - name: SpacyRecognizer
      type: predefined
      supported_entities: [NONE]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "presidio.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_engine_and_registry_from_two_files(world: Language, folder: Path, tmp_path: Path) -> None:
    nlp_file = write(tmp_path, NLP.format(folder=folder.as_posix()))
    engine = NlpEngineProvider(nlp_engines=(XnerNlpEngine,), conf_file=nlp_file).create_engine()
    assert isinstance(engine, XnerNlpEngine)
    assert "CARRIER" in engine.get_supported_entities()
    registry = RecognizerRegistryProvider(write(tmp_path, RECOGNIZERS)).create_recognizer_registry()
    analyzer = AnalyzerEngine(registry, engine, supported_languages=["zh", "ko"])
    for language in ("zh", "ko"):
        text = TEXTS[language]
        assert places(analyzer.analyze(text, language)) == read_scores(world(text))
    assert "CARRIER" in {each.entity_type for each in analyzer.analyze(TEXTS["en"], "zh")}


def test_one_file_without_engine(world: Language, folder: Path, tmp_path: Path) -> None:
    file = write(tmp_path, NO_OP.format(folder=folder.as_posix()))
    analyzer = AnalyzerEngineProvider(file).create_engine()
    for language in ("zh", "ko"):
        text = TEXTS[language]
        assert places(analyzer.analyze(text, language)) == read_scores(world(text))
    assert {each.entity_type for each in analyzer.analyze(TEXTS["en"], "zh")} == {"PERSON"}
    own = [each for each in analyzer.registry.recognizers if each.name == "XnerRecognizer"]
    # One pipeline for both languages.
    assert len({id(each._nlp) for each in own}) == 1
    assert len(own) == 2


def test_one_file_with_presidios_spacy_engine(world: Language, folder: Path, tmp_path: Path) -> None:
    analyzer = AnalyzerEngineProvider(write(tmp_path, SPACY.format(folder=folder.as_posix()))).create_engine()
    texts = [*TEXTS.values(), ""]
    batch = BatchAnalyzerEngine(analyzer).analyze_iterator(texts, "zh", batch_size=4)
    assert [places(each) for each in batch] == [read_scores(doc) for doc in world.pipe(texts, batch_size=4)]


def test_misspelt_settings_are_refused(folder: Path, tmp_path: Path) -> None:
    text = NO_OP.format(folder=folder.as_posix()).replace("      device:", "      devices:")
    with pytest.raises(ValueError, match="Invalid recognizer registry configuration"):
        AnalyzerEngineProvider(write(tmp_path, text))
