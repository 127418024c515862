"""What a training config says, and the one template that writes it."""

import json
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import jinja2
import srsly
from spacy.util import get_package_path, is_package
from thinc.api import Config

from ...hub.size import find_config
from ...loading import is_checkpoint
from ...pipeline.rates import Goal

Task = Literal["ner", "spans", "textcat"]
HeadName = Literal["softmax", "crf", "bilstm-crf", "bilstm-attention-crf", "pointer", "global-pointer"]
TEMPLATE = Path(__file__).with_name("config.jinja")
DEFAULT_ENCODER = "xlm-roberta-base"
TOKENIZER = {"@tokenizers": "spacy_xner.Tokenizer.v2"}


class Layers(NamedTuple):
    """Registered names of a head and of the neck below it, without their versions."""

    head: str
    neck: str | None = None
    is_nested: bool = False


HEADS: dict[HeadName, Layers] = {
    "softmax": Layers("SoftmaxHead"),
    "crf": Layers("CRFHead"),
    "bilstm-crf": Layers("CRFHead", "BiLSTM"),
    "bilstm-attention-crf": Layers("CRFHead", "BiLSTMAttention"),
    "pointer": Layers("PointerHead", is_nested=True),
    "global-pointer": Layers("GlobalPointerHead", is_nested=True),
}


@dataclass(frozen=True)
class Recipe:
    """The choices that a training config is made of.

    Attributes:
        task: ``ner``, ``spans`` (entities that may be nested) or ``textcat``.
        head: Name of the head, with its neck; by default softmax, or the global pointer for ``spans``.
        multilabel: Whether a text may have several labels (``textcat``).
        encoder: Hub id or folder; by default that of the model to extend, else xlm-roberta-base.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``: the sizes of batches depend on it.
        extend: Model to add labels to; an empty string leaves it to ``--paths.base``.
        distill: Model to distill; an empty string leaves it to ``--paths.teacher``.
        train: Training corpus.
        dev: Development corpus.
        max_steps: Number of training steps; by default 600 on a CPU, 300 on a GPU.
        batch_size: Texts per batch; by default 8 on a CPU, 16 on a GPU.
        window: Pieces per window; None for the default.
        share: Share of batches whose texts are concatenated.
        reasons: Lines that say why, for the top of the config.

    Raises:
        ValueError: If a name is unknown or two choices are incompatible.
    """

    task: Task = "ner"
    head: HeadName | None = None
    multilabel: bool = False
    encoder: str | None = None
    device: str = "auto"
    extend: str | None = None
    distill: str | None = None
    train: str | None = None
    dev: str | None = None
    max_steps: int | None = None
    batch_size: int | None = None
    window: int | None = None
    share: float = 0.5
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the choices."""
        _check_name("task", self.task, get_args(Task))
        if self.head is not None:
            _check_name("head", self.head, get_args(HeadName))
        if self.head is not None and self.task == "textcat":
            raise ValueError(
                f"A head is chosen for entities, found {self.head} for textcat. Use --multilabel instead."
            )
        if self.multilabel and self.task != "textcat":
            raise ValueError(f"--multilabel is for textcat, found the task {self.task}. Add --task textcat.")
        if self.task == "spans" and not self.layers.is_nested:
            raise ValueError(
                f"Nested entities need the head pointer or global-pointer, found {self.head}. Change --head."
            )
        if self.extend is not None and self.distill is not None:
            raise ValueError("A config extends or distills a model, found both. Choose one of them.")

    @property
    def head_name(self) -> HeadName:
        """Name of the head, chosen or by default."""
        return self.head or ("global-pointer" if self.task == "spans" else "softmax")

    @property
    def layers(self) -> Layers:
        """The head and the neck."""
        return HEADS[self.head_name]

    @property
    def is_gpu(self) -> bool:
        """Whether the config is for a GPU."""
        return self.device.partition(":")[0] in ("cuda", "mps")

    @cached_property
    def base_config(self) -> Config | None:
        """The config of the pipeline to extend, if it can be read now."""
        if not self.extend:
            return None
        files = [*Path(self.extend).expanduser().glob("config.cfg")]
        if not files and is_package(self.extend):
            files = [*get_package_path(self.extend).glob("*/config.cfg")]
        return Config().from_disk(files[0]) if files else None

    def describe(self) -> str:
        """Describe the config in one line."""
        kinds = {"ner": "entities", "spans": "nested entities", "textcat": "labels of texts"}
        with_head = "" if self.task == "textcat" else f" with the head {self.head_name}"
        encoder = self.encoder or DEFAULT_ENCODER
        return (
            f"Training {kinds[self.task]}{with_head} on {encoder}: {self.max_steps} steps of "
            f"{self.batch_size} texts, for a {'GPU' if self.is_gpu else 'CPU'}."
        )

    @property
    def goal(self) -> Goal:
        """What the learning rate has to suit, beside the encoder."""
        return "extension" if self.extend is not None else "texts" if self.task == "textcat" else "entities"


def render_config(recipe: Recipe) -> str:
    """Render a commented training config.

    Raises:
        ValueError: If the model to extend has no component of the task.
    """
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters["json"] = partial(json.dumps, ensure_ascii=False)
    max_steps = recipe.max_steps or (300 if recipe.is_gpu else 600)
    settings = {name: getattr(recipe, name) for name in recipe.__dataclass_fields__} | {
        "gpu": recipe.is_gpu,
        "encoder": recipe.encoder or DEFAULT_ENCODER,
        "head": recipe.layers.head,
        "neck": recipe.layers.neck,
        "max_steps": max_steps,
        "warmup_steps": max(1, max_steps // 10),
        "batch_size": recipe.batch_size or (16 if recipe.is_gpu else 8),
        "teacher_layers": count_layers(recipe.distill),
        "goal": recipe.goal,
        "pooling": "first" if recipe.extend and is_checkpoint(recipe.extend) else "mean",
        "tokenizer": TOKENIZER,
        "model": None,
        **read_base(recipe),
    }
    template = environment.from_string(TEMPLATE.read_text("utf-8"))
    return template.render(settings)


def read_base(recipe: Recipe) -> dict[str, Any]:
    """Read what a config takes over from the pipeline that it extends.

    Raises:
        ValueError: If it has no component of the task.
    """
    if recipe.base_config is None:
        return {}
    pipe = "xcat" if recipe.task == "textcat" else "xner"
    base = recipe.base_config.get("components", {})
    if pipe not in base:
        raise ValueError(
            f"A pipeline to extend must have the component {pipe}, found {', '.join(base) or 'none'} in "
            f"{recipe.extend}. Name another, or choose another --task."
        )
    model = Config({"components": {pipe: {"model": base[pipe]["model"]}}}).to_str()
    # The headings of sections without settings of their own.
    text = model[model.index(f"[components.{pipe}.model]") :]
    # Such as spacy_xner.CRFHead.v1.
    head = base[pipe]["model"].get("head", {}).get("@architectures", f"spacy_xner.{recipe.layers.head}.v1")
    return {
        "model": text,
        "head": head.removeprefix("spacy_xner.").rpartition(".")[0],
        "tokenizer": recipe.base_config["nlp"]["tokenizer"],
    }


def count_layers(teacher: str | None) -> int | None:
    """Read the number of layers of the model to distill, if that can be read now."""
    file = find_config(teacher) if teacher else None
    return srsly.read_json(file).get("num_hidden_layers") if file else None


def _check_name(what: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise ValueError(f"The {what} must be one of {', '.join(names)}, found {name!r}. Choose one of them.")
