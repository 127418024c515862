"""Writes Hugging Face folders that are either whole or not there."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenizers import AddedToken, Tokenizer
from transformers import PreTrainedTokenizerFast

# The order of XLM-R's first pieces; <mask> is its last.
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
MASK = "<mask>"


@contextmanager
def new_folder(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """Fill a folder beside the one that is wanted, and put it in its place at the end.

    Args:
        folder: Where it goes.
        overwrite: Whether it may replace an encoder that is there. Any other folder with files in it stays.

    Raises:
        FileExistsError: If there is a file, or a folder that may not be replaced.
    """
    folder = folder.resolve()
    check_free(folder, overwrite=overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield part
        part.chmod(0o755)
        for file in part.iterdir():
            file.chmod(0o644)
        if folder.exists():
            # Renamed first, so that a half deleted folder never bears the name.
            old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            folder.rename(old)
            shutil.rmtree(old)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Check that an encoder can be written to a folder. Arguments and errors as for `new_folder`."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise FileExistsError(
            f"The folder must be empty or new, found a file: {folder}. Choose another name."
        )
    if not any(folder.iterdir()):
        return
    if not overwrite:
        raise FileExistsError(
            f"The folder must be empty or new, found files in {folder}. Use --overwrite to replace it."
        )
    if not (folder / "config.json").is_file():
        raise FileExistsError(
            f"A folder to replace must hold an encoder, found no config.json in {folder}. "
            "Choose another folder, or empty this one."
        )


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, max_pieces: int, has_types: bool) -> None:
    """Save a tokenizer with XLM-R's special pieces as a Hugging Face fast one.

    Args:
        tokenizer: The tokenizer.
        folder: Where its files go.
        max_pieces: Longest input, special pieces included.
        has_types: Whether the model takes token types; some refuse them.
    """
    start, pad, end, unk = SPECIALS
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=start,
        eos_token=end,
        cls_token=start,
        sep_token=end,
        pad_token=pad,
        unk_token=unk,
        # As in XLM-R, the mask takes the space before it.
        mask_token=AddedToken(MASK, lstrip=True, special=True),
        model_max_length=max_pieces,
        model_input_names=["input_ids", *(["token_type_ids"] if has_types else []), "attention_mask"],
    ).save_pretrained(folder)
