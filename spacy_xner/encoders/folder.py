"""Writes Hugging Face folders that are either whole or not there."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

# The order of XLM-R's first pieces; <mask> is its last.
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
MASK = "<mask>"


@contextmanager
def new_folder(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """Fill a folder beside the one that is wanted, and put it in its place at the end.

    Args:
        folder: Where it goes.
        overwrite: Whether it may replace one that is there.

    Raises:
        FileExistsError: If there is one and it may not.
    """
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(
            f"The folder must be empty or new, found files in {folder}. Use --overwrite to replace it."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield part
        part.chmod(0o755)
        for file in part.iterdir():
            file.chmod(0o644)
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, max_pieces: int) -> None:
    """Save a tokenizer with XLM-R's special pieces as a Hugging Face fast one."""
    start, pad, end, unk = SPECIALS
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=start,
        eos_token=end,
        cls_token=start,
        sep_token=end,
        pad_token=pad,
        unk_token=unk,
        mask_token=MASK,
        model_max_length=max_pieces,
    ).save_pretrained(folder)
