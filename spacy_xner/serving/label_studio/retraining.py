"""Trains a pipeline further on finished annotations, and compares it with the one before."""

import warnings
from pathlib import Path
from statistics import fmean
from typing import IO, Any

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Config

from ...corpus.docbin import read_docs
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
from .corpora import Corpora

# Times that each text is read, at most as many steps as the config has, and at least so many steps.
EPOCHS = 8
MIN_STEPS = 40
BATCH_SIZE = 16
# Of the learning rate that suits training an encoder from its pretrained weights. With 29 new texts, F1 on
# others rose by 2.9 points with this one, by 1.8 with 0.25, and fell by 0.8 with 1.0 (one seed).
RATE_FACTOR = 0.1
# Of a config whose encoder is that of the pipeline it starts from: a name that is not looked up.
NOT_LOADED = "xlm-roberta-base"
FACTORIES = {"xner", "xcat"}


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
    if corpora.entities.issuperset(corpora.known_entities):
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
