"""The model card of a pipeline: metadata for the Hugging Face hub, labels, scores and how to use it."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any, NamedTuple

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from spacy.language import Language

from ..pipeline.xcat import TextClassifier
from ..pipeline.xner import EntityRecognizer

TEMPLATE = Path(__file__).with_name("card.md.jinja")
# Licences with an identifier of the hub that people name most; others are "other", with their name.
LICENSES = {
    *("afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "cc"),
    *("cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0"),
    *("cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "gpl", "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-3.0"),
    *("mit", "mpl-2.0", "openrail", "unlicense", "unknown", "other"),
}
# spaCy's code for pipelines of several languages.
MULTILINGUAL = "xx"
NAMES = {"p": "Precision", "r": "Recall", "f": "F1"}
METRICS = {"p": "precision", "r": "recall", "f": "f1"}
TASKS = {EntityRecognizer: "token-classification", TextClassifier: "text-classification"}


class CardFacts(NamedTuple):
    """What a card says beyond what the pipeline knows of itself.

    Attributes:
        repo: Id of the repository.
        license: Name of the licence; empty for that in meta.json.
        languages: Codes of languages; none for that of the pipeline.
        datasets: Ids of data sets on the hub.
        wheels: Names of wheels in the repository.
        checkpoint_task: Task of the checkpoint of transformers in it; empty if there is none.
        left_out: What that checkpoint lacks.
    """

    repo: str
    license: str = ""
    languages: Sequence[str] = ()
    datasets: Sequence[str] = ()
    wheels: Sequence[str] = ()
    checkpoint_task: str = ""
    left_out: Sequence[str] = ()


def make_card(nlp: Language, facts: CardFacts) -> ModelCard:
    """Make the card of a pipeline.

    Raises:
        ValueError: If the pipeline has neither entities nor labels of texts.
    """
    tasks = [
        task for kind, task in TASKS.items() if any(isinstance(pipe, kind) for _, pipe in nlp.components)
    ]
    if not tasks:
        raise ValueError(
            "A pipeline to push must have an xner or xcat component, found "
            f"{', '.join(nlp.pipe_names) or 'no components'}. Name another."
        )
    own = "multilingual" if nlp.lang == MULTILINGUAL else str(nlp.lang)
    results = list(_read_results(nlp))
    data = ModelCardData(
        language=list(facts.languages) or [own],
        library_name="spacy",
        pipeline_tag=tasks[0],
        tags=["spacy", "spacy-xner", *tasks],
        datasets=list(facts.datasets) or None,
        model_name=facts.repo,
        eval_results=results or None,
        **_describe_license(facts.license or str(nlp.meta.get("license") or "")),
    )
    packages = [wheel.partition("-")[0] for wheel in facts.wheels]
    values = {
        **facts._asdict(),
        "meta": nlp.meta,
        # The wheel of spacy-xner may be among them.
        "package": next((package for package in packages if package != "spacy_xner"), ""),
        "labels": {name: _list_labels(labels) for name, labels in nlp.pipe_labels.items() if labels},
        "scores": _tabulate(nlp.meta.get("performance", {})),
        "corpus": _name_corpus(nlp, "train"),
        "license_name": facts.license or nlp.meta.get("license"),
    }
    text = TEMPLATE.read_text("utf-8")
    return ModelCard.from_template(data, template_str=text, **{**values, "escape": escape})


def escape(text: object) -> str:
    """Escape a text for a line, or a cell of a table, of Markdown."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    return re.sub(r"[\\`*_{}\[\]|#~$]", lambda match: f"&#{ord(match[0])};", line)


def _list_labels(labels: Sequence[str]) -> str:
    return ", ".join(f"<code>{escape(label)}</code>" for label in labels)


def _describe_license(name: str) -> dict[str, str]:
    """Return the metadata of a licence."""
    slug = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")
    if not slug:
        return {}
    return {"license": slug} if slug in LICENSES else {"license": "other", "license_name": slug}


def _name_corpus(nlp: Language, part: str) -> str:
    """Return the name of a corpus that the config names, without its folders."""
    corpora: Mapping[str, Any] = nlp.config.interpolate().get("corpora", {})
    path = corpora.get(part, {}).get("path")
    # The folders are nobody's business; the pipeline may have been trained on another system.
    return PureWindowsPath(path).name if isinstance(path, str) else ""


def _read_results(nlp: Language) -> Iterator[EvalResult]:
    """Read the scores that training has kept in meta.json, as the hub wants them."""
    performance = nlp.meta.get("performance", {})
    corpus = _name_corpus(nlp, "dev") or "development corpus"
    place = {"dataset_type": "spacy", "dataset_name": corpus}
    for letter, metric in METRICS.items():
        value = performance.get(f"ents_{letter}")
        if isinstance(value, float):
            yield EvalResult(
                task_type="token-classification",
                task_name="NER",
                metric_type=metric,
                metric_name=f"NER {NAMES[letter]}",
                metric_value=round(value, 6),
                **place,
            )
    score, what = performance.get("cats_score"), str(performance.get("cats_score_desc") or "score")
    if isinstance(score, float):
        yield EvalResult(
            task_type="text-classification",
            task_name="TEXT CLASSIFICATION",
            metric_type="accuracy" if what == "accuracy" else "f1",
            metric_name=what,
            metric_value=round(score, 6),
            **place,
        )


def _tabulate(performance: Mapping[str, Any]) -> list[list[str]]:
    """Return rows of label, precision, recall and F1 in percent, all entities or labels first."""
    rows: dict[str, Mapping[str, Any]] = {}
    for title, prefix, types in (
        ("all entities", "ents", "ents_per_type"),
        ("all labels of texts", "cats_micro", "cats_f_per_type"),
    ):
        average = {letter: performance.get(f"{prefix}_{letter}") for letter in NAMES}
        if all(isinstance(value, float) for value in average.values()):
            rows[title] = average
            rows |= {f"<code>{escape(k)}</code>": row for k, row in (performance.get(types) or {}).items()}
    return [[name, *(_percent(row.get(letter)) for letter in NAMES)] for name, row in rows.items()]


def _percent(value: object) -> str:
    return f"{100 * value:.1f}" if isinstance(value, float) else ""
