"""Make the repository of a pipeline for the Hugging Face hub, and upload it."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from huggingface_hub import HfApi
from huggingface_hub.constants import ENDPOINT
from huggingface_hub.utils import HFValidationError, validate_repo_id
from spacy.language import Language

from ..atomic import check_apart, check_new, new_folder
from ..errors import first_line
from ..loading import is_checkpoint, load
from .card import CardFacts, make_card
from .checkpoint import LEFT_OUT

CARD, CHECKPOINT_CONFIG = "README.md", "config.json"


class PushReport(NamedTuple):
    """What was uploaded, or would be.

    Attributes:
        repo: Address of the repository.
        files: Paths in it.
        megabytes: Size of all files, in MB.
        is_uploaded: Whether they were uploaded.
    """

    repo: str
    files: list[str]
    megabytes: float
    is_uploaded: bool


def push(
    model: str | Path,
    repo: str,
    *,
    output: str | Path | None = None,
    dry_run: bool = False,
    private: bool = False,
    checkpoint: str | Path | None = None,
    wheels: Sequence[str | Path] = (),
    license: str = "",
    languages: Sequence[str] = (),
    datasets: Sequence[str] = (),
    overwrite: bool = False,
) -> PushReport:
    """Upload a pipeline to the Hugging Face hub, with a model card.

    The token is that of huggingface_hub: of ``hf auth login``, or of the variable ``HF_TOKEN``.

    Args:
        model: Folder or installed package of a pipeline.
        repo: Id of the repository, such as ``me/slips``. It is made if it does not exist.
        output: Folder to write what is uploaded to; None for a temporary one.
        dry_run: Whether to upload nothing; there must be an output then.
        private: Whether a new repository is private.
        checkpoint: Folder that `export_hf` has written, to upload too, so that transformers loads it.
        wheels: Wheels to upload too, such as `package` writes.
        license: Name of the licence; that in the pipeline's meta.json by default.
        languages: Codes of languages; that of the pipeline by default.
        datasets: Ids of data sets on the hub that it was trained on.
        overwrite: Replace an output of an earlier run.

    Raises:
        OSError: If a file is missing, or the hub cannot be reached or refuses.
        FileExistsError: If the output is not empty and must not be replaced.
        ValueError: If the id is none, or the pipeline cannot be loaded.

    Examples:
        >>> import spacy_xner
        >>> report = spacy_xner.push("pipeline", "me/slips", output="upload", dry_run=True)
        >>> report.is_uploaded, report.files[0]
        (False, 'README.md')
    """
    check_repo(repo)
    if dry_run and output is None:
        raise ValueError("A dry run must have a folder to write to, found none. Name one with --output.")
    if is_checkpoint(str(model)):
        raise ValueError(f"A model to push must be a pipeline, found a checkpoint: {model}. Adopt it first.")
    files = [Path(file) for file in wheels]
    check_wheels(files)
    task, left_out = ("", []) if checkpoint is None else read_checkpoint(Path(checkpoint))
    if output is not None:
        check_apart(Path(output), Path(model), *files, *([Path(checkpoint)] if checkpoint else ()))
        check_output(Path(output), overwrite=overwrite)
    nlp = load(str(model), "cpu")
    facts = CardFacts(repo, license, languages, datasets, [file.name for file in files], task, left_out)
    with TemporaryDirectory() as work:
        folder = Path(work) / "upload" if output is None else Path(output)
        with new_folder(folder, replace=overwrite) as part:
            fill_folder(part, nlp, files, Path(checkpoint) if checkpoint else None)
            make_card(nlp, facts).save(part / CARD)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        if not dry_run:
            upload(folder, repo, nlp, private=private)
        names = [path.relative_to(folder).as_posix() for path in paths]
        size = sum(path.stat().st_size for path in paths)
    return PushReport(f"{ENDPOINT}/{repo}", names, size / 1e6, not dry_run)


def check_repo(repo: str) -> None:
    """Check the id of a repository.

    Raises:
        ValueError: If it is none.
    """
    try:
        validate_repo_id(repo)
    except HFValidationError as err:
        raise ValueError(
            f"A repository must be named as USER/NAME, found {repo!r}: {first_line(err)}"
        ) from err


def check_wheels(wheels: Sequence[Path]) -> None:
    """Check that files are wheels.

    Raises:
        FileNotFoundError: If one is missing or of another kind.
    """
    for wheel in wheels:
        if wheel.suffix != ".whl" or not wheel.is_file():
            raise FileNotFoundError(
                f"A wheel must be a file that ends in .whl, found {wheel}. Make one with spacy-xner package."
            )


def read_checkpoint(checkpoint: Path) -> tuple[str, list[str]]:
    """Return the task of a checkpoint that `export_hf` has written, and what it lacks.

    Raises:
        FileNotFoundError: If it is none.
        ValueError: If it has another task.
    """
    file = checkpoint / CHECKPOINT_CONFIG
    if not file.is_file() or (checkpoint / "config.cfg").exists():
        raise FileNotFoundError(
            f"A checkpoint must be a folder with {CHECKPOINT_CONFIG} that export-hf has written, found "
            f"{checkpoint}. Check the path."
        )
    config = json.loads(file.read_text("utf-8"))
    kinds = config.get("architectures") or [""]
    for ending, task in (("Token", "token-classification"), ("Sequence", "text-classification")):
        if kinds[0].endswith(f"For{ending}Classification"):
            return task, config.get(LEFT_OUT, [])
    raise ValueError(f"A checkpoint must classify tokens or texts, found {kinds[0]!r} in {checkpoint}.")


def check_output(output: Path, *, overwrite: bool) -> None:
    """Check that a folder is new, or what an earlier run has written and may be replaced.

    Raises:
        FileExistsError: If it is not.
    """
    check_new(output, replace=overwrite, remedy="Use --overwrite to replace it.")
    names = {entry.name for entry in output.iterdir()} if output.is_dir() else set()
    if names and not {CARD, "config.cfg", "meta.json"} <= names:
        raise FileExistsError(
            f"A folder to replace must hold what push has written, found {min(names)} in {output}. "
            "Choose another name."
        )


def fill_folder(folder: Path, nlp: Language, wheels: Sequence[Path], checkpoint: Path | None) -> None:
    """Copy the files of a pipeline, of a checkpoint and of wheels to a folder."""
    source = nlp.path
    assert source is not None  # a loaded pipeline has one
    for name in ("config.cfg", "meta.json", "tokenizer", "vocab", *nlp.component_names):
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name)
        elif (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    for file in (*wheels, *(sorted(filter(Path.is_file, checkpoint.iterdir())) if checkpoint else ())):
        if file.name != CARD:
            shutil.copyfile(file, folder / file.name)


def upload(folder: Path, repo: str, nlp: Language, *, private: bool) -> None:
    """Upload a folder, in place of the files of an older version of the pipeline.

    Raises:
        OSError: If the hub cannot be reached or refuses.
    """
    api = HfApi()
    old = [f"{name}/*" for name in ("vocab", *nlp.component_names)]
    try:
        api.create_repo(repo, private=private or None, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            commit_message=f"{nlp.meta['lang']}_{nlp.meta['name']} {nlp.meta['version']}",
            delete_patterns=old,
        )
    except Exception as err:  # its libraries raise anything, of several HTTP clients
        raise OSError(
            f"The hub must accept the upload to {repo}, but refused or was not reached: {first_line(err)} "
            "Check the name, and log in with: hf auth login"
        ) from err
