import logging
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NerModelConfiguration
from presidio_analyzer.predefined_recognizers import PhoneRecognizer
from spacy.language import Language

from spacy_xner.presidio import XnerNlpEngine, XnerRecognizer
from spacy_xner.presidio.pipelines import load_pipeline
from spacy_xner.tools.packaging import package

from ..conftest import TOKENIZER, write_checkpoint
from ..pipeline.test_xcat import make_nlp as make_text_classifier
from .conftest import NESTED_TEXTS, TEXTS, places, read_scores


def make_engine(model: object, languages: tuple[str, ...] = ("en",), **settings: object) -> XnerNlpEngine:
    models = [{"lang_code": code, "model_name": model, "device": "cpu"} for code in languages]
    engine = XnerNlpEngine(models, NerModelConfiguration(**settings) if settings else None)
    engine.load()
    return engine


@pytest.mark.parametrize("language", TEXTS)
def test_scores_and_characters_are_those_of_the_pipeline(world: Language, language: str) -> None:
    engine = make_engine(world, tuple(TEXTS))
    text = TEXTS[language]
    artifacts = engine.process_text(text, language)
    found = zip(artifacts.entities, artifacts.scores, strict=True)
    expected = read_scores(world(text))
    assert {(span.start_char, span.end_char, score) for span, score in found} == expected
    assert expected


def test_presidios_own_recognizer_gets_the_scores(world: Language) -> None:
    analyzer = AnalyzerEngine(nlp_engine=make_engine(world), supported_languages=["en"])
    results = analyzer.analyze(TEXTS["en"], "en")
    by_spacy = [each for each in results if each.recognition_metadata["recognizer_name"] == "SpacyRecognizer"]
    assert places(by_spacy) == read_scores(world(TEXTS["en"]))
    assert {each.entity_type for each in by_spacy} == {"PERSON", "ORGANIZATION"}


@pytest.mark.parametrize("text", NESTED_TEXTS)
def test_entities_in_entities_are_found(nested: Language, text: str) -> None:
    doc = nested(text)
    artifacts = make_engine(nested).process_text(text, "en")
    assert len(artifacts.entities) == len(doc.spans["xner"]) > len(doc.ents)
    found = zip(artifacts.entities, artifacts.scores, strict=True)
    assert {(span.start_char, span.end_char, score) for span, score in found} == read_scores(doc)
    # The doc keeps the pipeline's labels.
    assert {span.label_ for span in artifacts.tokens.spans["xner"]} <= {"PER", "ORG", "LOC"}


def test_batches_go_through_pipe(world: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    predict = type(world.get_pipe("xner")).predict

    def count(self: object, docs: list[object]) -> object:
        sizes.append(len(docs))
        return predict(self, docs)

    monkeypatch.setattr(type(world.get_pipe("xner")), "predict", count)
    registry = RecognizerRegistry([XnerRecognizer()], supported_languages=["en"])
    analyzer = AnalyzerEngine(registry, make_engine(world), supported_languages=["en"])
    texts = [*TEXTS.values(), "", "nothing to find in this line"] * 2
    results = BatchAnalyzerEngine(analyzer).analyze_iterator(texts, "en", batch_size=7)
    assert sizes == [7, 7]
    # As in the same batches: rounding differs between others.
    expected = [read_scores(doc) for doc in world.pipe(texts, batch_size=7)]
    assert [places(found) for found in results] == expected


def test_batches_of_pairs_keep_what_belongs_to_a_text(world: Language) -> None:
    engine = make_engine(world)
    pairs = [(text, i) for i, text in enumerate(["", *TEXTS.values()])]
    found = list(engine.process_batch(iter(pairs), "en", batch_size=3, as_tuples=True))
    assert [(text, i) for text, _, i in found] == pairs


@pytest.mark.parametrize(
    "text", ["", " ", "\n", "\x00", "\ud800", "a\udfffb", "<script>alert(1)</script>", "a" * 20_000, "‮abc"]
)
def test_any_text_is_read(world: Language, text: str) -> None:
    analyzer = AnalyzerEngine(nlp_engine=make_engine(world), supported_languages=["en"])
    results = analyzer.analyze(text, "en")
    assert all(0 <= each.start < each.end <= len(text) for each in results)
    assert BatchAnalyzerEngine(analyzer).analyze_iterator([text], "en") == [results]


def test_lone_surrogates_move_nothing(world: Language) -> None:
    engine = make_engine(world)
    spans = engine.process_text("\ud800 " + TEXTS["en"], "en").entities
    assert [span.text for span in spans] == ["Anna Schmidt", "DHL Express"]
    assert spans[0].start_char == 10


def test_languages_share_a_pipeline(folder: Path) -> None:
    engine = make_engine(str(folder), ("zh", "ko"))
    assert engine.nlp["zh"] is engine.nlp["ko"]
    assert engine.get_supported_languages() == ["zh", "ko"]
    # A pipeline that was saved again is loaded again.
    (folder / "meta.json").touch()
    assert make_engine(str(folder)).nlp["en"] is not engine.nlp["zh"]


def test_supported_entities_are_those_of_the_pipelines(world: Language, nested: Language) -> None:
    assert make_engine(world).get_supported_entities() == [
        "LOCATION",
        "ORGANIZATION",
        "PERSON",
        "PHONE_NUMBER",
    ]
    models = [{"lang_code": "en", "model_name": world}, {"lang_code": "fr", "model_name": nested}]
    ignoring = XnerNlpEngine(models, NerModelConfiguration(labels_to_ignore=["COURIER", "PERSON", "ORG"]))
    ignoring.load()
    assert ignoring.get_supported_entities() == ["LOCATION", "PHONE_NUMBER"]


def test_ignored_labels_are_left_out(world: Language) -> None:
    artifacts = make_engine(world, labels_to_ignore=["COURIER"]).process_text(TEXTS["en"], "en")
    assert [span.label_ for span in artifacts.entities] == ["PERSON"]


def make_rules() -> Language:
    nlp = spacy.blank("xx", config=TOKENIZER)
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "PARCEL", "pattern": "parcel"}])
    return nlp


def test_rules_beside_the_model_have_the_default_score(folder: Path) -> None:
    nlp = spacy.load(folder)
    nlp.add_pipe("entity_ruler", first=True).add_patterns([{"label": "PARCEL", "pattern": "Send"}])
    artifacts = make_engine(nlp, default_score=0.7).process_text(TEXTS["en"], "en")
    found = dict(zip([span.label_ for span in artifacts.entities], artifacts.scores, strict=True))
    assert found["PARCEL"] == 0.7
    assert found["PERSON"] != 0.7
    assert set(found) == {"PARCEL", "PERSON", "ORGANIZATION"}


def test_rules_alone_get_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "spacy_xner"):
        engine = make_engine(make_rules())
    assert [record.getMessage() for record in caplog.records] == [
        "No component of pipeline gives scores (entity_ruler): its entities have the default_score of "
        "ner_model_configuration."
    ]
    assert engine.process_text("a parcel", "en").scores == [0.85]
    assert engine.get_supported_entities() == ["PARCEL"]


def test_pipelines_without_entities_are_refused(tiny: Path) -> None:
    nlp = make_text_classifier(tiny)
    with pytest.raises(
        ValueError, match=r"component that finds entities, such as xner, found xcat in [^\n]+$"
    ):
        make_engine(nlp)
    with pytest.raises(ValueError, match="found none in"):
        make_engine(spacy.blank("xx"))


def test_span_rulers_count_if_they_set_entities() -> None:
    nlp = spacy.blank("xx")
    nlp.add_pipe("span_ruler").add_patterns([{"label": "PARCEL", "pattern": "parcel"}])
    with pytest.raises(ValueError, match="found span_ruler"):
        make_engine(nlp)
    nlp = spacy.blank("xx")
    nlp.add_pipe("span_ruler", config={"annotate_ents": True}).add_patterns(
        [{"label": "PARCEL", "pattern": "parcel"}]
    )
    assert make_engine(nlp).process_text("a parcel", "en").scores == [0.85]


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (None, "found no lang_code and no model_name"),
        ([{"lang_code": "en"}], r"found no model_name in \{'lang_code': 'en'\}"),
    ],
)
def test_models_must_be_complete(models: list[dict[str, str]] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        XnerNlpEngine(models)


@pytest.mark.parametrize("name", ["zz_none", "xlm-roberta/base", "none/at/all"])
def test_missing_pipelines_are_not_downloaded(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=f"found no {name}. Check the path"):
        make_engine(name)


def test_checkpoints_in_folders_are_adopted(tiny: Path, tmp_path: Path) -> None:
    engine = make_engine(
        write_checkpoint(tmp_path / "checkpoint", tiny, ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
    )
    assert engine.get_supported_entities() == ["LOCATION", "PERSON"]
    artifacts = engine.process_text(TEXTS["en"], "en")
    found = zip(artifacts.entities, artifacts.scores, strict=True)
    expected = read_scores(engine.nlp["en"](TEXTS["en"]))
    assert {(span.start_char, span.end_char, score) for span, score in found} == expected
    assert expected


def test_device_is_checked_and_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="toaster"):
        load_pipeline(str(folder), "toaster")
    monkeypatch.setenv("PRESIDIO_DEVICE", "cpu")
    assert load_pipeline(str(folder)).get_pipe("xner").device == "cpu"
    monkeypatch.setenv("PRESIDIO_DEVICE", "toaster")
    with pytest.raises(ValueError, match="toaster"):
        load_pipeline(str(folder))


def test_context_words_of_patterns_are_found_without_lemmas(world: Language) -> None:
    registry = RecognizerRegistry([PhoneRecognizer()], supported_languages=["en"])
    analyzer = AnalyzerEngine(registry, make_engine(world), supported_languages=["en"])
    with_context, without = (
        analyzer.analyze(f"{word} 212-456-7890", "en")[0].score for word in ("My Phone", "nothing")
    )
    assert (with_context, without) == (0.75, 0.4)


@pytest.mark.slow
def test_installed_wheels_are_loaded(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel, _ = package(folder, tmp_path / "packages", name="slips_for_presidio")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*command, str(tmp_path / "site"), str(wheel)], check=True)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    spans = make_engine("xx_slips_for_presidio").process_text(TEXTS["ko"], "en").entities
    assert [span.text for span in spans] == ["김민수", "010-1234-5678"]
