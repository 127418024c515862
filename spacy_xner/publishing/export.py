"""Write a component as a checkpoint of transformers."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from spacy.language import Language

from ..atomic import check_apart, check_replaceable, new_folder
from ..corpus.docbin import check_docbins
from ..hub.encoder import quiet_io
from ..loading import load
from ..models.shim import get_shim
from ..nn.encoder.units import Aggregation
from ..pipeline.component import Component
from ..pipeline.xcat import TextClassifier
from .checkpoint import Target, build_model, describe_tagger, describe_text_classifier, labels_of
from .limits import check_limits, find_limits
from .measure import Measured, measure
from .tokenizer_files import write_tokenizer

CONFIG = "config.json"
STRATEGIES: tuple[Aggregation, ...] = ("simple", "first", "average", "max")


class ExportReport(NamedTuple):
    """What was exported.

    Attributes:
        component: Name of the component.
        task: Name of the pipeline of transformers.
        labels: Labels of entities or of texts.
        left_out: What transformers cannot express.
        scores: Scores of the pipeline and of the checkpoint on a corpus; None without one.
    """

    component: str
    task: str
    labels: list[str]
    left_out: list[str]
    scores: Measured | None


def export_hf(
    model: str | Path,
    folder: str | Path,
    *,
    component: str | None = None,
    lossy: bool = False,
    corpus: str | Path | None = None,
    strategies: Sequence[Aggregation] = STRATEGIES,
    device: str = "auto",
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> ExportReport:
    """Write a checkpoint that ``transformers.pipeline`` and ``AutoModelFor...`` load, from a pipeline.

    An adopted checkpoint is written with the weights that it has now. For other components, transformers
    lacks some parts.

    Args:
        model: A folder or an installed package.
        folder: Output folder.
        component: Name of an ``xner`` or ``xcat``; None if the pipeline has one of them.
        lossy: Whether parts that transformers cannot express may be left out, as far as that is possible.
        corpus: A ``.spacy`` file on which pipeline and checkpoint are scored.
        strategies: Values of ``aggregation_strategy`` to score entities with.
        device: Device that scores are computed on.
        overwrite: Replace a checkpoint that is in the folder.
        on_progress: Called with the number of texts scored and their total.

    Raises:
        OSError: If pipeline or corpus are missing.
        FileExistsError: If the folder is not empty and must not be replaced.
        ValueError: If transformers cannot express the component, or not without loss.

    Examples:
        >>> import spacy_xner
        >>> spacy_xner.adopt("checkpoint", device="cpu").to_disk("adopted")
        >>> report = spacy_xner.export_hf("adopted", "exported")
        >>> report.task, report.labels, report.left_out
        ('token-classification', ['PER', 'LOC'], [])
    """
    model, folder = str(model), Path(folder)
    check_apart(folder, Path(model), *([Path(corpus)] if corpus else ()))
    check_replaceable(folder, CONFIG, "a checkpoint", overwrite=overwrite)
    if corpus is not None:
        check_docbins(Path(corpus))
    nlp = load(model, device)
    name = choose_component(nlp, component)
    pipe = cast(Component[Any], nlp.get_pipe(name))
    limits = find_limits(pipe)
    check_limits(limits, name, lossy=lossy)
    target = describe(pipe)
    with new_folder(folder, replace=overwrite) as part:
        write_checkpoint(pipe, target, part, limits.lost)
        scores = None
        if corpus is not None:
            scores = measure(nlp, name, part, Path(corpus), strategies, on_progress=on_progress)
    labels = target.names if target.problem_type else labels_of(target.names)
    return ExportReport(name, target.task, labels, limits.lost, scores)


def choose_component(nlp: Language, component: str | None) -> str:
    """Return the name of the component to export.

    Raises:
        ValueError: If there is none, or several of which none is named.
    """
    names = [name for name, pipe in nlp.components if isinstance(pipe, Component)]
    found = ", ".join(names) or "neither"
    if component is not None and component not in names:
        raise ValueError(
            f"component must name an xner or xcat of the pipeline ({found}), found {component!r}."
        )
    if component is None and len(names) != 1:
        raise ValueError(
            f"A pipeline to export must have one xner or xcat, found {found}. Name one with --component."
        )
    return component or names[0]


def describe(pipe: Component[Any]) -> Target:
    """Describe the model of transformers for a component."""
    network = get_shim(pipe.model).execution.network
    if isinstance(pipe, TextClassifier):
        return describe_text_classifier(network, pipe.temperature)
    return describe_tagger(network)


def write_checkpoint(
    pipe: Component[Any], target: Target, folder: Path, left_out: Sequence[str] = ()
) -> None:
    """Write the checkpoint of a component that transformers can express.

    Raises:
        ValueError: If transformers has no such model.
    """
    execution = get_shim(pipe.model).execution
    model = build_model(execution.network, target, left_out)
    with quiet_io():
        model.save_pretrained(folder)
    encoder, cutter = execution.network.encoder, execution.cutter
    assert encoder is not None  # components without one are refused before
    assert cutter is not None
    write_tokenizer(cutter, encoder, folder)
