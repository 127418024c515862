"""Writes what a training starts from: configs, and a project with a workflow."""

from pathlib import Path

from ...atomic import new_file
from .corpus import choose_recipe
from .recipe import HeadName, Recipe, Task, render_config
from .training import train, write_chosen_config

__all__ = [
    "PROJECT_CONFIGS",
    "HeadName",
    "Recipe",
    "Task",
    "init_config",
    "init_project",
    "render_config",
    "train",
    "write_chosen_config",
]

FILES = Path(__file__).with_name("files")
PROJECT_CONFIGS = {
    "cpu": Recipe(head="crf"),
    "gpu": Recipe(head="crf", device="cuda"),
    "textcat": Recipe(task="textcat"),
    "extend": Recipe(extend=""),
    "distill_small": Recipe(distill=""),
}


def init_config(
    path: str | Path,
    *,
    task: Task = "ner",
    head: HeadName | None = None,
    multilabel: bool = False,
    encoder: str | None = None,
    device: str = "auto",
    extend: str | None = None,
    distill: str | None = None,
    train: str | None = None,
    dev: str | None = None,
    overwrite: bool = False,
) -> Recipe:
    """Write a commented training config.

    Args:
        path: Output file.
        task: ``ner``, ``spans`` (entities that may be nested) or ``textcat``.
        head: ``softmax`` (the default for ``ner``), ``crf``, ``bilstm-crf``, ``bilstm-attention-crf``,
            ``pointer`` or ``global-pointer`` (the default for ``spans``).
        multilabel: Whether a text may have several labels (``textcat``).
        encoder: Hub id or folder of a Hugging Face encoder.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``: the sizes of batches depend on it.
        extend: Pipeline or checkpoint to add labels to.
        distill: Pipeline to distill into a smaller one.
        train: Training corpus to choose the task, the head, steps and batches by.
        dev: Development corpus; needed with `train`.
        overwrite: Replace an existing file.

    Returns:
        What the config is made of.

    Raises:
        FileExistsError: If the file exists.
        OSError: If a corpus does not exist.
        ValueError: If a name is unknown or two choices are incompatible.

    Examples:
        >>> import spacy_xner
        >>> recipe = spacy_xner.init_config("crf.cfg", head="crf", encoder="encoder")
        >>> recipe = spacy_xner.init_config("my.cfg", train="train.spacy", dev="dev.spacy", encoder="encoder")
        >>> recipe.task
        'ner'
    """
    recipe = Recipe(
        task=task,
        head=head,
        multilabel=multilabel,
        encoder=encoder,
        device=device,
        extend=extend,
        distill=distill,
    )
    if train is not None or dev is not None:
        recipe = follow_corpus(recipe, train, dev)
    write_texts({Path(path): render_config(recipe)}, overwrite=overwrite)
    return recipe


def follow_corpus(recipe: Recipe, train: str | None, dev: str | None) -> Recipe:
    """Choose by the corpora what a recipe leaves to them. Raises as `choose_recipe`.

    Raises:
        ValueError: If a corpus is missing, or the recipe chooses the task.
    """
    if train is None or dev is None:
        raise ValueError("--train and --dev must be named together, found one of them. Name the other one.")
    if recipe != Recipe(head=recipe.head, encoder=recipe.encoder, device=recipe.device):
        raise ValueError(
            "--train chooses the task by the corpus, found another choice of it. Leave out --train, or "
            "--task, --multilabel, --extend and --distill."
        )
    return choose_recipe(train, dev, recipe.encoder, recipe.device, head=recipe.head)


def init_project(folder: str | Path, *, overwrite: bool = False) -> list[Path]:
    """Write a spaCy project: workflow, configs, and lists and templates from which it draws a corpus.

    Args:
        folder: Output folder. Other files in it stay.
        overwrite: Replace the project's files if they exist.

    Returns:
        The files written.

    Raises:
        FileExistsError: If one of the files exists.

    Examples:
        >>> import spacy_xner
        >>> files = spacy_xner.init_project("slips")
        >>> [str(file) for file in files if file.suffix == ".yml"]
        ['slips/assets/slips.yml', 'slips/project.yml']
    """
    names = sorted(file for file in FILES.rglob("*") if file.is_file() and file.suffix != ".pyc")
    texts = {Path(folder) / file.relative_to(FILES): file.read_text("utf-8") for file in names}
    for name, recipe in PROJECT_CONFIGS.items():
        texts[Path(folder) / "configs" / f"{name}.cfg"] = render_config(recipe)
    write_texts(texts, overwrite=overwrite)
    return list(texts)


def write_texts(texts: dict[Path, str], *, overwrite: bool) -> None:
    """Write files, none if one of them exists and must not be replaced.

    Raises:
        FileExistsError: If one exists.
    """
    existing = [path for path in texts if path.exists()]
    if existing and not overwrite:
        raise FileExistsError(f"The output must be new, found {existing[0]}. Use --overwrite to replace it.")
    for path, text in texts.items():
        with new_file(path) as part:
            part.write_text(text, encoding="utf-8")
