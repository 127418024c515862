"""The width of an encoder, read from its configuration alone."""

from pathlib import Path

from spacy.util import get_package_path, is_package
from transformers import AutoConfig

from .checks import HUB_ADVICE, explain, make_source
from .encoder import quiet_io


def find_config(name: str) -> Path | None:
    """Find the configuration of an encoder.

    Args:
        name: Folder of an encoder, folder of a pipeline, or installed package of one.

    Returns:
        The file; None if there is none, as for a hub id.
    """
    root = Path(name).expanduser()
    if not root.exists() and is_package(name):
        root = get_package_path(name)
    patterns = ("config.json", "*/model/config.json", "*/*/model/config.json")
    return next((file for pattern in patterns for file in sorted(root.glob(pattern))), None)


def read_width(name: str) -> int:
    """Read the width of an encoder.

    Args:
        name: Its hub id or folder, or folder or installed package of a pipeline that has it.

    Raises:
        OSError: If its configuration cannot be read.
        ValueError: If it has no width.
    """
    file = find_config(name)
    source = make_source(str(file.parent) if file else name)
    try:
        with quiet_io():
            config = AutoConfig.from_pretrained(**source)
    except ImportError:
        raise
    except Exception as err:  # the library raises anything for damaged files
        raise OSError(
            f"An encoder must have a configuration, found none that can be read for {name!r}: {explain(err)} "
            f"{HUB_ADVICE}"
        ) from err
    width = getattr(config, "hidden_size", None)
    if not isinstance(width, int) or width < 1:
        raise ValueError(
            f"An encoder must have a hidden_size for a learning rate that suits it, found {width!r} for "
            f"{name!r}. Set vars.learn_rate to a number."
        )
    return width
