"""Folders of encoders with their tokenizers, written completely or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenizers import AddedToken, Tokenizer
from transformers import PreTrainedTokenizerFast

from ...atomic import check_replaceable, new_folder

# The order of XLM-R's first pieces; <mask> is its last.
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
MASK = "<mask>"


@contextmanager
def new_encoder(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """Fill a temporary folder, and move it to its place at the end.

    Args:
        folder: The place.
        overwrite: Replace an existing encoder, but no other folder with files in it.

    Yields:
        The folder to fill.

    Raises:
        FileExistsError: If it is a file, or a folder that must not be replaced.
    """
    check_free(folder, overwrite=overwrite)
    with new_folder(folder, replace=overwrite) as part:
        yield part


def check_free(folder: Path, *, overwrite: bool) -> None:
    """Check that an encoder can be written to a folder. Arguments and errors as for `new_encoder`."""
    check_replaceable(folder, "config.json", "an encoder", overwrite=overwrite)


def save_tokenizer(tokenizer: Tokenizer, folder: Path, *, max_pieces: int, has_types: bool) -> None:
    """Save a tokenizer with XLM-R's special pieces as a Hugging Face fast one.

    Args:
        tokenizer: The tokenizer.
        folder: Output folder.
        max_pieces: Longest input, special pieces included.
        has_types: Whether the model takes token types, which some refuse.
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
