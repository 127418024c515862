"""Trains a pipeline further on finished annotations, and compares it with the one before."""

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import IO, Any

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from thinc.api import Config

from ...atomic import new_file
from ...corpus.docbin import list_docbins, read_docs
from ...corpus.docs import record_to_doc
from ...corpus.report import ConvertReport
from ...errors import XnerWarning
from ...hub.checks import parse_name
from ...pipeline.rates import AUTO
from ...pipeline.xcat import TextClassifier
from ...pipeline.xner import EntityRecognizer
from ...scoring.counts import EntityCounts
from ...scoring.pairs import Prediction
from ...scoring.spans import all_entities
from ...scoring.texts import score_texts
from ...training.record import best_row
from ...training.run import train
from ...training.schedule import choose_rate
from ...types import Record
from .gold import annotated_labels, is_kept, read_records
from .pipelines import describe

# Times that each text is read, at most as many steps as the config has, and at least so many steps.
EPOCHS = 8
MIN_STEPS = 40
BATCH_SIZE = 16
ANNOTATIONS = "annotations.spacy"
# Of the learning rate that suits training an encoder from its pretrained weights. With 29 new texts, F1 on
# others rose by 2.9 points with this one, by 1.8 with 0.25, and fell by 0.8 with 1.0 (one seed).
RATE_FACTOR = 0.1
# Of a config whose encoder is that of the pipeline it starts from: a name that is not looked up.
NOT_LOADED = "xlm-roberta-base"
FACTORIES = {"xner", "xcat"}


@dataclass
class Corpora:
    """What is trained on, and what is kept to compare models.

    Attributes:
        train: Folder of ``.spacy`` files: those of the annotations, and others that were put there.
        dev: The same, of texts that are never trained on.
        n_train: Texts to train on.
        n_dev: Texts kept.
        entities: Labels of entities that annotators chose from, and those of other files.
        cats: Labels of texts, likewise.
        left_out: Counts what could not be read, by reason.
    """

    train: Path
    dev: Path
    n_train: int = 0
    n_dev: int = 0
    entities: set[str] = field(default_factory=set)
    cats: set[str] = field(default_factory=set)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def lacks(self) -> str:
        """What is missing for a training, in words; empty if nothing is."""
        for n_texts, what in ((self.n_train, "to train on"), (self.n_dev, "kept to compare models")):
            if not n_texts:
                return f"no labelled text {what} yet (about one of five texts is kept, chosen by its hash)"
        return ""


def write_corpora(folder: Path, tasks: Sequence[Mapping[str, Any]], nlp: Language) -> Corpora:
    """Write the corpora of a training: ``train/annotations.spacy`` and ``dev/annotations.spacy``.

    Args:
        folder: The folder. Other ``.spacy`` files in its ``train`` and ``dev`` are read, too.
        tasks: Tasks with their annotations and interfaces.
        nlp: The pipeline, which tokenizes the texts.
    """
    corpora, known = Corpora(folder / "train", folder / "dev"), describe(nlp)
    corpora.entities, corpora.cats = annotated_labels(tasks, known)
    # Of texts that several tasks have, the last one counts.
    records = {r.text: r for task in tasks for r in read_records(task, known, corpora.left_out)}
    parts: dict[bool, list[Record]] = {False: [], True: []}
    for record in records.values():
        parts[is_kept(record.text)].append(record)
    for kept, other in ((False, corpora.dev), (True, corpora.train)):
        parts[kept] = _drop_others(parts[kept], other, nlp, corpora.left_out)
    parts[True] = _drop_unknown(parts, {*known.entities, *known.cats}, corpora.left_out)
    for kept, path in ((False, corpora.train), (True, corpora.dev)):
        _write_docs(path / ANNOTATIONS, parts[kept], nlp)
        for file in list_docbins(path):
            docs = read_docs(file, nlp.vocab)
            n_labelled = sum(bool(doc.cats or all_entities(doc)) for doc in docs)
            if kept:
                corpora.n_dev += n_labelled
            else:
                corpora.n_train += n_labelled
            if file.name != ANNOTATIONS:
                corpora.entities |= {span.label_ for doc in docs for span in all_entities(doc)}
                corpora.cats |= {label for doc in docs for label in doc.cats}
    return corpora


def _drop_others(
    records: Sequence[Record], path: Path, nlp: Language, left_out: Counter[str]
) -> list[Record]:
    """Return the records whose text is in no file of the user in a folder: no text is in both corpora."""
    files = [file for file in list_docbins(path) if file.name != ANNOTATIONS]
    texts = {doc.text.strip() for file in files for doc in read_docs(file, nlp.vocab)}
    apart = [record for record in records if record.text.strip() not in texts]
    left_out["texts that are in another file of the other corpus"] += len(records) - len(apart)
    return apart


def _drop_unknown(
    parts: Mapping[bool, Sequence[Record]], known: set[str], left_out: Counter[str]
) -> list[Record]:
    """Return the kept texts without entities whose label neither the model knows nor the training teaches."""
    labels = known | {span.label for record in parts[False] for span in record.spans or ()}
    kept = []
    for record in parts[True]:
        spans = None if record.spans is None else tuple(s for s in record.spans if s.label in labels)
        left_out["kept entities of labels that are not learned yet"] += len(record.spans or ()) - len(
            spans or ()
        )
        kept.append(Record(record.text, spans, record.source, record.cats))
    return kept


def _write_docs(path: Path, records: Iterable[Record], nlp: Language) -> None:
    report = ConvertReport()
    docs = [record_to_doc(record, nlp.make_doc, report) for record in records]
    with new_file(path) as part:
        DocBin(attrs=["ENT_IOB", "ENT_TYPE"], docs=docs).to_disk(part)


def train_further(
    base: Path, corpora: Corpora, output: Path, *, config: Config, device: str, progress: IO[str]
) -> Path:
    """Train a pipeline further.

    Args:
        base: Folder of the pipeline.
        corpora: What to train on.
        output: Folder for the config and the models.
        config: Training config, not interpolated; see `read_config`.
        device: As the setting of a component.
        progress: Where the progress is written.

    Returns:
        Folder of the new pipeline: after the best step, or the last one if none is better than the start.

    Raises:
        OSError: If a file is missing.
        ValueError: If the config cannot be used.
    """
    continue_from(config, base, corpora)
    output.mkdir(parents=True)
    path = output / "config.cfg"
    config.to_disk(path)
    overrides = {"paths.train": str(corpora.train), "paths.dev": str(corpora.dev)}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "model-best must be", XnerWarning)
        rows = train(path, output, device=device, overrides=overrides, progress=progress)
    return output / ("model-best" if best_row(rows).step else "model-last")


def read_config(own: Path, first: Path, n_texts: int) -> Config:
    """Read the config of a training.

    Args:
        own: A config that is used as it is, if it exists.
        first: Otherwise, that of the first pipeline, which is changed to suit a short training.
        n_texts: Number of texts to train on.
    """
    if own.is_file():
        return Config().from_disk(own, interpolate=False)
    config = Config().from_disk(first, interpolate=False)
    limit_steps(config, n_texts)
    lower_rate(config, first.parent)
    return config


def lower_rate(config: Config, base: Path) -> None:
    """Lower a learning rate that is chosen by the encoder: the pipeline has learned most already."""
    rate = config["training"].get("optimizer", {}).get("learn_rate")
    if isinstance(rate, dict) and rate.get("@schedules") == "spacy_xner.WarmupLinear.v1":
        resolved = config.interpolate()["training"]["optimizer"]["learn_rate"]
        if resolved["rate"] == AUTO:
            goal, layer_decay = resolved.get("goal", "entities"), resolved.get("layer_decay", 1.0)
            rate["rate"] = RATE_FACTOR * choose_rate(AUTO, str(base), goal, layer_decay)


def continue_from(config: Config, base: Path, corpora: Corpora) -> None:
    """Change a config so that its components start from a trained pipeline, and keep what is not annotated.

    Components of which nothing is annotated, and those of other kinds, are taken as they are. If annotators
    cannot choose some of the entities that the pipeline knows, it is also the teacher of these.

    Raises:
        ValueError: If a component that is not annotated shares the encoder of one that is.
    """
    annotated = {"xner": bool(corpora.entities), "xcat": bool(corpora.cats)}
    frozen: list[str] = []
    starts = config.setdefault("initialize", {}).setdefault("components", {})
    for name in config["nlp"]["pipeline"]:
        component = config["components"][name]
        factory = component.get("factory")
        if annotated.get(factory, False):
            starts[name] = {**starts.get(name, {}), "init_from": str(base)}
            starts[name].pop("teacher", None)
            if factory == "xner":
                starts[name] |= _teach_others(base, corpora)
            _fix_encoder(component)
        else:
            _check_apart(name, config)
            config["components"][name] = {"source": str(base)}
            starts.pop(name, None)
            if factory in FACTORIES or factory not in ("transformer", "tok2vec"):
                frozen.append(name)
    training = config["training"]
    training["frozen_components"] = [*dict.fromkeys([*training.get("frozen_components", []), *frozen])]
    rate = training.get("optimizer", {}).get("learn_rate")
    if isinstance(rate, dict) and "encoder" in rate:
        rate["encoder"] = str(base)


def _teach_others(base: Path, corpora: Corpora) -> dict[str, Any]:
    """Return the teacher of the entities that annotators could not choose; empty if they could choose all."""
    from ...loading import load

    known = {*describe(load(base, "cpu")).entities}
    if not known - corpora.entities:
        return {}
    settings = {"name": str(base), "alpha": 0.6, "tokens": "all", "open_labels": True}
    return {"teacher": {"@misc": "spacy_xner.Teacher.v1", **settings}}


def _fix_encoder(component: dict[str, Any]) -> None:
    """Name another encoder if that of the config is not there: the weights are those of the pipeline."""
    encoder = component.get("model", {}).get("encoder", {})
    if encoder.get("@architectures") == "spacy_xner.Encoder.v1":
        try:
            parse_name(str(encoder["name"]))
        except OSError:
            encoder["name"] = NOT_LOADED


def _check_apart(name: str, config: Config) -> None:
    for component in config["components"].values():
        encoder = component.get("model", {}).get("encoder", {})
        if encoder.get("@architectures") == "spacy_xner.SharedEncoder.v1":
            raise ValueError(
                "Components that share an encoder must be trained together, but nothing that "
                f"{name} learns is annotated. Annotate both entities and labels of texts."
            )


def limit_steps(config: Config, n_texts: int) -> None:
    """Let a training be as long as its few texts need, and no longer than its config says."""
    variables = config.get("vars", {})
    batch_size = variables.get("batch_size")
    steps = max(MIN_STEPS, EPOCHS * n_texts // (batch_size if isinstance(batch_size, int) else BATCH_SIZE))
    configured = config.interpolate()["training"].get("max_steps") or steps
    steps = min(steps, configured)
    if "max_steps" in variables:
        variables["max_steps"] = steps
        if "warmup_steps" in variables:
            variables["warmup_steps"] = min(variables["warmup_steps"], steps // 10)
    else:
        config["training"]["max_steps"] = steps


def score(nlp: Language, corpora: Corpora) -> float:
    """Score a pipeline on the kept texts.

    Returns:
        The mean of the micro F1 of the entities that are annotated, and the accuracy or micro F1 of each
        component that classifies texts, from 0 to 1.
    """
    gold = read_docs(corpora.dev, nlp.vocab)
    pairs = [Prediction(doc, ref) for doc, ref in zip(nlp.pipe(d.text for d in gold), gold, strict=True)]
    scores = []
    if any(isinstance(pipe, EntityRecognizer) for _, pipe in nlp.pipeline) and corpora.entities:
        counts = EntityCounts()
        for pair in pairs:
            if pair.reference.has_annotation("ENT_IOB") or "xner" in pair.reference.spans:
                counts.add(_places(pair.reference), _places(pair.predicted))
        if any(counts.gold[label] for label in corpora.entities):
            scores.append(counts.micro(corpora.entities)["f"])
    for _, pipe in nlp.pipeline:
        if isinstance(pipe, TextClassifier) and corpora.cats:
            labels = [label for label in pipe.labels if label in corpora.cats]
            cats = score_texts(
                pairs, labels=labels, is_exclusive=pipe.is_exclusive, threshold=pipe.threshold
            )["cats_score"]
            scores += [] if cats is None else [cats]
    return fmean(scores) if scores else 0.0


def _places(doc: Doc) -> set[tuple[int, int, str]]:
    return {(span.start_char, span.end_char, span.label_) for span in all_entities(doc)}
