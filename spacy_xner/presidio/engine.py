"""An NLP engine of Presidio whose entities have the scores of the model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from presidio_analyzer.nlp_engine import NerModelConfiguration, NlpArtifacts, SpacyNlpEngine
from spacy.tokens import Doc

from ..scripts import replace_surrogates
from .findings import find_all
from .mapping import EntityMapping
from .pipelines import list_labels, load_pipeline


class XnerNlpEngine(SpacyNlpEngine):  # type: ignore[misc]
    """Runs pipelines for Presidio: each entity has ``span._.xner_score`` as its score, nested ones too.

    Nothing is downloaded. Languages that name the same model and device share one pipeline.

    Args:
        models: For each language ``lang_code`` and ``model_name`` (folder, installed package, or a pipeline),
            and optionally ``device``.
        ner_model_configuration: Presidio's settings. ``model_to_presidio_entity_mapping`` changes the default
            mapping label by label; ``labels_to_ignore`` leaves out labels or entities; ``default_score`` is
            for entities of components without scores.

    Raises:
        ValueError: If a model has no ``lang_code`` or ``model_name``.

    Examples:
        >>> from presidio_analyzer import AnalyzerEngine
        >>> from spacy_xner.presidio import XnerNlpEngine
        >>> engine = XnerNlpEngine(models=[{"lang_code": "zh", "model_name": "pipeline"}])
        >>> analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["zh"])
    """

    engine_name = "spacy_xner"
    is_available = True

    def __init__(
        self,
        models: Sequence[Mapping[str, Any]] | None = None,
        ner_model_configuration: NerModelConfiguration | None = None,
    ) -> None:
        for model in models or [{}]:
            missing = [key for key in ("lang_code", "model_name") if not model.get(key)]
            if missing:
                raise ValueError(
                    f"Each model must have lang_code and model_name, found no {' and no '.join(missing)} in "
                    f"{dict(model)}. Add it."
                )
        super().__init__(models=list(models or []), ner_model_configuration=ner_model_configuration)
        self.mapping = EntityMapping.from_configuration(ner_model_configuration)

    def load(self) -> None:
        """Load the pipelines."""
        self.nlp = {
            model["lang_code"]: load_pipeline(model["model_name"], model.get("device"))
            for model in self.models
        }

    def get_supported_entities(self) -> list[str]:
        """List the entities that the pipelines find, by their names in Presidio."""
        pipelines = (self.nlp or {}).values()
        return self.mapping.list_entities(label for nlp in pipelines for label in list_labels(nlp))

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """Run the pipeline of a language on a text."""
        return super().process_text(replace_surrogates(text), language)

    def process_batch(  # noqa: D417 (SpacyNlpEngine has the others)
        self,
        texts: Any,
        language: str,
        batch_size: int = 1,
        n_process: int = 1,
        as_tuples: bool = False,  # noqa: FBT001, FBT002
    ) -> Iterator[Any]:
        """Run the pipeline of a language on texts, with ``nlp.pipe``.

        Args:
            texts: Texts or, with `as_tuples`, pairs of a text and anything.
        """
        if as_tuples:
            # A list, since pairs are read twice.
            texts = [(replace_surrogates(str(text)), context) for text, context in texts]
        else:
            texts = (replace_surrogates(str(text)) for text in texts)
        yield from super().process_batch(texts, language, batch_size, n_process, as_tuples)

    def _doc_to_nlp_artifact(self, doc: Doc, language: str) -> NlpArtifacts:
        findings = find_all(doc, self.mapping)
        return NlpArtifacts(
            entities=[each.span for each in findings],
            tokens=doc,
            tokens_indices=[token.idx for token in doc],
            # Without a lemmatizer, words stand for themselves: patterns look for context words in lemmas.
            lemmas=[token.lemma_ or token.lower_ for token in doc],
            nlp_engine=self,
            language=language,
            scores=[each.score for each in findings],
        )
