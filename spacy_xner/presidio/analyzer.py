"""An analyzer of Presidio around a pipeline, with defaults that fit."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import NerModelConfiguration
from presidio_analyzer.predefined_recognizers import CreditCardRecognizer
from spacy.language import Language

from .engine import XnerNlpEngine
from .recognizer import XnerRecognizer
from .suffixes import OfflineEmailRecognizer

# Presidio loads this one in four languages only.
_CARDS = CreditCardRecognizer.__name__


def create_analyzer(
    model: str | Path | Language,
    languages: Sequence[str],
    *,
    mapping: Mapping[str, str] | None = None,
    labels_to_ignore: Collection[str] = (),
    score_threshold: float = 0.0,
    countries: Sequence[str] = (),
    device: str | None = None,
) -> AnalyzerEngine:
    """Create Presidio's analyzer with a pipeline for one or several languages.

    The pipeline alone finds the entities that it knows, so that their scores are the model's. Presidio's own
    recognizers find others: numbers of credit cards, IBANs, URLs, and e-mail addresses if the pipeline finds
    none.

    Args:
        model: Folder, installed package, or a pipeline.
        languages: Codes of languages, such as ``zh``. All use the pipeline.
        mapping: Entities of Presidio by label, to change the default mapping.
        labels_to_ignore: Labels or entities to leave out.
        score_threshold: Entities with a lower score are left out, unless a call sets another.
        countries: Codes of countries, such as ``us``, whose identity numbers Presidio's recognizers look for.
        device: Device on which the pipeline is loaded; None for what it is set to.

    Raises:
        OSError: If there is no such pipeline.
        ValueError: If it finds no entities, or there are no languages.

    Examples:
        >>> from spacy_xner.presidio import create_analyzer
        >>> analyzer = create_analyzer("pipeline", ["en", "zh"])
        >>> results = analyzer.analyze("Send to Anna Schmidt, DHL Express", language="en")
        >>> sorted((each.entity_type, each.start, each.end) for each in results)
        [('ORGANIZATION', 22, 33), ('PERSON', 8, 20)]
    """
    if not languages or isinstance(languages, str):
        raise ValueError(f"languages must be a list of codes, such as ['zh', 'en'], found {languages!r}.")
    changes = {} if mapping is None else {"model_to_presidio_entity_mapping": dict(mapping)}
    settings = NerModelConfiguration(labels_to_ignore=list(labels_to_ignore), **changes)
    engine = XnerNlpEngine(
        [{"lang_code": code, "model_name": model, "device": device} for code in languages], settings
    )
    engine.load()
    return AnalyzerEngine(
        registry=_make_registry(engine, countries),
        nlp_engine=engine,
        supported_languages=list(languages),
        default_score_threshold=score_threshold,
    )


def _make_registry(engine: XnerNlpEngine, countries: Sequence[str]) -> RecognizerRegistry:
    languages, entities = engine.get_supported_languages(), engine.get_supported_entities()
    registry = RecognizerRegistry(supported_languages=languages)
    registry.load_predefined_recognizers(languages=languages, nlp_engine=engine, countries=list(countries))
    registry.remove_recognizer("SpacyRecognizer")
    registry.remove_recognizer("EmailRecognizer")
    with_cards = {each.supported_language for each in registry.recognizers if each.name == _CARDS}
    for code in languages:
        registry.add_recognizer(OfflineEmailRecognizer(supported_language=code))
        if code not in with_cards:
            registry.add_recognizer(CreditCardRecognizer(supported_language=code))
    registry.recognizers = [
        each for each in registry.recognizers if not set(entities).issuperset(each.supported_entities)
    ]
    for code in languages:
        recognizer = XnerRecognizer(supported_language=code)
        recognizer.supported_entities = entities
        registry.add_recognizer(recognizer)
    return registry
