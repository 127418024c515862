"""Packages a pipeline as a wheel, beside a wheel of this package: the two install anywhere."""

import subprocess
import sys
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import redirect_stdout
from hashlib import sha256
from importlib.metadata import Distribution, PackageNotFoundError, distributions
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from spacy.cli.package import package as spacy_package

from ..atomic import new_file

ROOT = Path(__file__).parents[1]
# What an installer writes into the metadata of a package, and what is made for it here.
NOT_PACKAGED = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def package(
    model: str | Path,
    folder: str | Path,
    *,
    name: str | None = None,
    version: str | None = None,
    overwrite: bool = False,
) -> tuple[Path, Path]:
    """Package a pipeline as a wheel, and write a wheel of the installed spacy-xner beside it.

    ``pip install --find-links FOLDER NAME`` then installs both, with all else from the index.

    Args:
        model: Folder of a pipeline.
        folder: Output folder.
        name: Name of the package after its language, such as ``slips`` for ``xx_slips``; by default that in
            the pipeline's meta.json.
        version: Its version; by default that in meta.json.
        overwrite: Replace an existing wheel of the pipeline.

    Returns:
        The wheel of the pipeline and that of spacy-xner.

    Raises:
        OSError: If there is no such pipeline.
        FileExistsError: If the wheel exists.
        ValueError: If the name or the pipeline cannot be packaged, or the wheel cannot be built.

    Examples:
        >>> import spacy_xner
        >>> wheel, own = spacy_xner.package("pipeline", "packages", name="slips", version="1.0.0")
        >>> wheel.name
        'xx_slips-1.0.0-py3-none-any.whl'
    """
    model, folder = Path(model).expanduser(), Path(folder)
    if not (model / "meta.json").is_file():
        raise FileNotFoundError(
            f"A pipeline to package must be a folder with meta.json, found none in {model}. Name another, "
            "such as out/model-best."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as work:
        source = write_source(model, Path(work), name, version)
        target = folder / f"{source.name}-py3-none-any.whl"
        if target.exists() and not overwrite:
            raise FileExistsError(f"The wheel must be new, found {target}. Use --overwrite to replace it.")
        build_wheel(source, Path(work)).replace(target)
    return target, write_own_wheel(folder)


def write_source(model: Path, folder: Path, name: str | None, version: str | None) -> Path:
    """Write the source of a pipeline's package with spaCy, which prints errors and exits.

    Raises:
        ValueError: If spaCy refuses the name or the pipeline.
    """
    output = StringIO()
    try:
        with redirect_stdout(output), warnings.catch_warnings():
            # spaCy leaves closing its files to Python.
            warnings.simplefilter("ignore", ResourceWarning)
            spacy_package(model, folder, name=name, version=version, create_sdist=False, silent=False)
    except SystemExit as err:
        reason = " ".join(line.strip() for line in output.getvalue().splitlines()[-4:])
        raise ValueError(f"spaCy cannot package {model}: {reason}") from err
    (source,) = folder.iterdir()
    return source


def build_wheel(source: Path, folder: Path) -> Path:
    """Build the wheel of a package's source with what is installed, without a network.

    Raises:
        ValueError: If it cannot be built.
    """
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation")
    done = subprocess.run([*build, "--outdir", folder, source], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stdout + done.stderr).strip().splitlines()[-1]
        raise ValueError(
            f"A wheel needs the packages build and setuptools, but building failed: {reason} Install them "
            "with: pip install build setuptools"
        )
    (wheel,) = folder.glob("*.whl")
    return wheel


def write_own_wheel(folder: Path) -> Path:
    """Write a wheel of the installed spacy-xner, from its files: it needs neither its source nor an index.

    Args:
        folder: Output folder.

    Source: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
    """
    own = find_own()
    stem = f"spacy_xner-{own.version}"
    record = []
    with new_file(folder / f"{stem}-py3-none-any.whl") as part, ZipFile(part, "w", ZIP_DEFLATED) as wheel:
        for path, content in read_own_files(own, f"{stem}.dist-info"):
            # Without times, the same files give the same wheel.
            wheel.writestr(ZipInfo(path), content, ZIP_DEFLATED)
            digest = urlsafe_b64encode(sha256(content).digest()).decode().rstrip("=")
            record.append(f"{path},sha256={digest},{len(content)}\n")
        index = f"{stem}.dist-info/RECORD"
        wheel.writestr(ZipInfo(index), "".join([*record, f"{index},,\n"]), ZIP_DEFLATED)
    return folder / f"{stem}-py3-none-any.whl"


def find_own() -> Distribution:
    """Return the installed spacy-xner; in a clone, the folder ``spacy_xner.egg-info`` is found as well.

    Raises:
        PackageNotFoundError: If it is not installed.
    """
    for own in distributions(name="spacy-xner"):
        # Only an installed distribution has this file.
        if own.read_text("METADATA") is not None:
            return own
    raise PackageNotFoundError("spacy-xner")


def read_own_files(own: Distribution, metadata: str) -> Iterator[tuple[str, bytes]]:
    """Yield the paths in a wheel and the content of this package's files and of its metadata.

    Args:
        own: This package as it is installed.
        metadata: Name of the folder of metadata in the wheel.
    """
    for file in sorted(ROOT.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            yield f"{ROOT.name}/{file.relative_to(ROOT).as_posix()}", file.read_bytes()
    for entry in own.files or ():
        folder, _, name = entry.as_posix().partition("/")
        if folder.endswith(".dist-info") and name not in NOT_PACKAGED:
            yield f"{metadata}/{name}", entry.read_binary()
