"""A recognizer of Presidio whose results have the scores of the model."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from presidio_analyzer import AnalysisExplanation, LocalRecognizer, RecognizerResult
from presidio_analyzer.input_validation import PredefinedRecognizerConfig
from presidio_analyzer.input_validation.yaml_recognizer_models import CONFIG_MODEL_MAP
from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpArtifacts, NoOpNlpEngine
from pydantic import ConfigDict
from spacy.language import Language
from spacy.tokens import Doc

from ..scripts import replace_surrogates
from .findings import Finding, find_all
from .mapping import DEFAULT_MAPPING, EntityMapping
from .pipelines import list_labels, load_pipeline

# Key of a result's metadata: the label in the pipeline.
LABEL_KEY = "label"


class XnerRecognizer(LocalRecognizer):  # type: ignore[misc]
    """Gives Presidio the entities of a pipeline, with the scores of the model.

    Without `model_name`, it reads the docs of the NLP engine: of `XnerNlpEngine`, or of Presidio's own spaCy
    engine. With it, it runs a pipeline of its own beside any engine.

    Args:
        supported_language: Language code.
        supported_entities: Presidio's names of entities to find; None for all.
        model_name: Folder, installed package, or a pipeline; None for the docs of the NLP engine.
        device: Device on which it is loaded; None for what it is set to.
        ner_model_configuration: As for `XnerNlpEngine`; None for that of the NLP engine.
        context: Words that raise the scores of entities near them. None leaves scores as they are.
        name: Name in results.

    Raises:
        OSError: If there is no such pipeline.
        ValueError: If it finds no entities.

    Examples:
        >>> from spacy_xner.presidio import XnerRecognizer
        >>> recognizer = XnerRecognizer(supported_language="en", model_name="pipeline")
        >>> found = recognizer.analyze("Send to Anna Schmidt, DHL Express", ["PERSON"])
        >>> [(each.entity_type, each.start, each.end) for each in found]
        [('PERSON', 8, 20)]
    """

    def __init__(
        self,
        *,
        supported_language: str = "en",
        supported_entities: Sequence[str] | None = None,
        model_name: str | Path | Language | None = None,
        device: str | None = None,
        ner_model_configuration: NerModelConfiguration | Mapping[str, Any] | None = None,
        context: list[str] | None = None,
        name: str | None = None,
    ) -> None:
        self._finds_all = supported_entities is None
        self._nlp = None if model_name is None else load_pipeline(model_name, device)
        self._mapping = (
            EntityMapping.from_configuration(ner_model_configuration)
            if self._nlp is not None or ner_model_configuration is not None
            else None
        )
        if supported_entities is None:
            supported_entities = self._list_entities()
        super().__init__(
            supported_entities=list(supported_entities),
            supported_language=supported_language,
            context=context,
            name=name,
        )

    def load(self) -> None:
        """Do nothing: the pipeline is loaded with the recognizer."""

    def analyze(
        self, text: str, entities: Collection[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Find entities in a text.

        Args:
            text: The text.
            entities: Presidio's names of the entities wanted. If they are all that the recognizer knows,
                labels that were unknown when it was made are wanted, too.
            nlp_artifacts: What the NLP engine made of the text.

        Raises:
            ValueError: If there is neither a model nor a doc to read.
        """
        wanted = set(entities)
        takes_all = self._finds_all and wanted.issuperset(self.supported_entities)
        if not self._finds_all:
            wanted.intersection_update(self.supported_entities)
        findings = find_all(self._read_doc(text, nlp_artifacts), self._choose_mapping(nlp_artifacts))
        return [self._make_result(each) for each in findings if takes_all or each.entity in wanted]

    def _list_entities(self) -> list[str]:
        mapping = self._mapping or EntityMapping.from_configuration(None)
        return mapping.list_entities(DEFAULT_MAPPING if self._nlp is None else list_labels(self._nlp))

    def _read_doc(self, text: str, artifacts: NlpArtifacts | None) -> Doc:
        if self._nlp is not None:
            return self._nlp(replace_surrogates(text))
        engine = None if artifacts is None else artifacts.nlp_engine
        if artifacts is None or not isinstance(artifacts.tokens, Doc) or isinstance(engine, NoOpNlpEngine):
            raise ValueError(
                f"XnerRecognizer must have a model_name or the docs of an NLP engine, found neither with "
                f"{type(engine).__name__}. Set model_name."
            )
        return artifacts.tokens

    def _choose_mapping(self, artifacts: NlpArtifacts | None) -> EntityMapping:
        if self._mapping is not None:
            return self._mapping
        engine = None if artifacts is None else artifacts.nlp_engine
        return EntityMapping.from_configuration(getattr(engine, "ner_model_configuration", None))

    def _make_result(self, finding: Finding) -> RecognizerResult:
        explanation = AnalysisExplanation(
            recognizer=self.name,
            original_score=finding.score,
            textual_explanation=f"The pipeline's label {finding.label} is {finding.entity}",
        )
        return RecognizerResult(
            entity_type=finding.entity,
            start=finding.span.start_char,
            end=finding.span.end_char,
            score=finding.score,
            analysis_explanation=explanation,
            recognition_metadata={
                RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
                RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
                LABEL_KEY: finding.label,
            },
        )


class XnerRecognizerConfig(PredefinedRecognizerConfig):  # type: ignore[misc]
    """What a YAML file may set for `XnerRecognizer`. Without it, Presidio would drop the model."""

    model_config = ConfigDict(extra="forbid")

    model_name: str | None = None
    device: str | None = None
    ner_model_configuration: dict[str, Any] | None = None


CONFIG_MODEL_MAP[XnerRecognizer.__name__] = XnerRecognizerConfig
