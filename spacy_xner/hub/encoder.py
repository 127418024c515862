"""Encoders and their tokenizers from Hugging Face folders or the hub, and from a pipeline's own files."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple

from huggingface_hub import constants
from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING, AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from ..nn.encoder.encoder import Specials

# Past this, "model_max_length" is transformers' way to say that it is not known.
UNKNOWN_LENGTH = 1_000_000
# transformers replaces functions of torch while it loads a model, and its log level and progress bars are
# global: two threads that load at once would leave each other's replacements behind.
_IO_LOCK = RLock()


class Checkpoint(NamedTuple):
    """A pretrained encoder with all that is needed to feed it.

    Attributes:
        transformer: The model, in float32, without a pooler.
        tokenizer: The backend of its fast tokenizer.
        specials: Special pieces around a text.
        unk_id: Id of the unknown piece.
        max_pieces: Pieces that it can see at once, special ones included.
    """

    transformer: nn.Module
    tokenizer: Tokenizer
    specials: Specials
    unk_id: int
    max_pieces: int


def load_checkpoint(name: str) -> Checkpoint:
    """Load an encoder by hub id or folder.

    Raises:
        OSError: If there is no such folder or model.
        ValueError: If it has no fast tokenizer, or is not an encoder.
    """
    return make_checkpoint(*load_pretrained(name))


def make_checkpoint(transformer: Any, tokenizer: Any) -> Checkpoint:
    """Join an encoder and its fast tokenizer."""
    # What a decoder keeps for the next piece is of no use where there is none.
    transformer.config.use_cache = False
    return Checkpoint(
        transformer.float(),
        tokenizer.backend_tokenizer,
        find_specials(tokenizer),
        tokenizer.unk_token_id if tokenizer.unk_token_id is not None else tokenizer.pad_token_id or 0,
        find_max_pieces(transformer, tokenizer.model_max_length),
    )


def load_pretrained(name: str) -> tuple[Any, Any]:
    """Load a Hugging Face encoder without a pooler, and its fast tokenizer. Raises as `load_checkpoint`."""
    check_name(name)
    name = os.path.expanduser(name)
    try:
        with quiet_io():
            config = AutoConfig.from_pretrained(name)
            tokenizer = AutoTokenizer.from_pretrained(name, use_fast=True)
            kind = _find_class(config) or AutoModel
            transformer, info = kind.from_pretrained(name, config=config, output_loading_info=True)
    except (OSError, ValueError) as err:
        reason = str(err).strip().splitlines()[0]
        raise OSError(
            f"An encoder must be a hub id or a folder with config.json, weights and tokenizer.json, "
            f"found {name!r}: {reason} Check the name, or write the default encoder with: "
            "spacy-xner encoder mini DIR"
        ) from err
    check_fast(tokenizer, name)
    check_complete([key for key in info["missing_keys"] if not key.startswith("pooler.")], name)
    drop_pooler(transformer)
    return transformer, tokenizer


def check_fast(tokenizer: Any, name: str) -> None:
    """Check that a tokenizer is a fast one.

    Raises:
        ValueError: If it is not.
    """
    if not tokenizer.is_fast:
        raise ValueError(
            f"An encoder must have a fast tokenizer (tokenizer.json), found only a slow one in {name!r}. "
            "Convert it with transformers' AutoTokenizer and save it beside the weights."
        )


def check_complete(missing: Sequence[str], name: str) -> None:
    """Check that no weights are missing.

    Raises:
        ValueError: If some are.
    """
    if missing:
        raise ValueError(
            f"An encoder must have all its weights, but {name!r} lacks {len(missing)}, such as {missing[0]}. "
            "Check that the folder is complete and of the architecture that its config.json names."
        )


@contextmanager
def quiet_io() -> Iterator[None]:
    """Let one thread at a time load or save models with transformers, which is kept quiet meanwhile.

    It shows no progress bars, except for downloads, and does not warn that the pooler has no weights: the
    pooler is dropped anyway.
    """
    with _IO_LOCK:
        level, has_bars = logging.get_verbosity(), _may_hide_bars()
        logging.set_verbosity_error()
        if has_bars:
            _show_bars(of_models=False)
        try:
            yield
        finally:
            logging.set_verbosity(level)
            if has_bars:
                _show_bars(of_models=True)


def _may_hide_bars() -> bool:
    # Set to 0, the variable demands all bars, and transformers would warn that it cannot hide them.
    return logging.is_progress_bar_enabled() and constants.HF_HUB_DISABLE_PROGRESS_BARS is None


def _show_bars(*, of_models: bool) -> None:
    """Show or hide the progress bars of transformers, but leave those of downloads as they are."""
    of_downloads = not are_progress_bars_disabled()
    if of_models:
        logging.enable_progress_bar()
    else:
        logging.disable_progress_bar()
    (enable_progress_bars if of_downloads else disable_progress_bars)()


def check_name(name: str) -> None:
    """Check that what looks like a folder is one.

    Raises:
        OSError: If it is not.
    """
    looks_local = name.startswith((".", "/", "~")) or name.count("/") > 1 or os.path.isdir(name)
    if looks_local and not (Path(os.path.expanduser(name)) / "config.json").is_file():
        raise OSError(
            f"An encoder must be a hub id or a folder with config.json, found {name!r}, which is neither. "
            "Check the path, or write the default encoder with: spacy-xner encoder mini DIR"
        )


def build_transformer(
    config: dict[str, Any], state: dict[str, Tensor], attention: str | None = None
) -> nn.Module:
    """Build a transformer from a saved configuration and its weights, without looking anywhere else.

    Args:
        config: As `dump_config` makes it.
        state: Its weights.
        attention: Which of transformers' implementations of attention it has; None for the best.
    """
    with quiet_io():
        made = make_config(config)
        loaded: nn.Module = _find_class(made).from_pretrained(
            None, config=made, state_dict=state, attn_implementation=attention
        )
    drop_pooler(loaded)
    return loaded.float()


def _find_class(config: Any) -> Any:
    """Return the class of an encoder, for T5 without its decoder; None if transformers knows no class."""
    kinds = (MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING)
    return next((mapping[type(config)] for mapping in kinds if type(config) in mapping), None)


def make_config(config: dict[str, Any]) -> Any:
    """Make the configuration that `dump_config` saved.

    It has the precision of the checkpoint that the weights once came from. They are float32 since then, and
    transformers 5 would round them.
    """
    settings = {k: "float32" if k in ("dtype", "torch_dtype") and v else v for k, v in config.items()}
    # Releases up to 0.1.0 rounded 1e-12 to 0: the architecture's own number is nearer.
    return AutoConfig.for_model(**{k: v for k, v in settings.items() if not (k.endswith("_eps") and v == 0)})


def read_tokenizer(text: str) -> Tokenizer:
    """Read the JSON of a fast tokenizer.

    Raises:
        ValueError: If it is none.
    """
    try:
        return Tokenizer.from_str(text)
    except Exception as err:  # the library raises nothing narrower
        raise ValueError(f"tokenizer.json must be that of a fast tokenizer: {err}") from err


def dump_config(transformer: nn.Module) -> dict[str, Any]:
    """Make a JSON object of a transformer's configuration."""
    config: dict[str, Any] = json.loads(transformer.config.to_json_string(use_diff=False))  # type: ignore[union-attr, operator]
    # The folder that the weights once came from says nothing to whoever gets the pipeline.
    config.pop("_name_or_path", None)
    return config


class NoPooler(nn.Module):
    """Takes the place of an encoder's pooler, and has no weights."""

    def forward(self, *args: object, **kwargs: object) -> None:
        """Pool nothing."""


def drop_pooler(transformer: nn.Module) -> None:
    """Remove the layer that pools a whole text: nothing here uses it, and it would never be trained."""
    if getattr(transformer, "pooler", None) is not None:
        # Some encoders, such as LayoutLM, call it without looking whether it is there.
        transformer.pooler = NoPooler()


def checkpoint_activations(transformer: Any) -> None:
    """Compute activations again in the backward pass instead of keeping them: less memory, more time."""
    # transformers 5 renames the method, and warns of the old name.
    enable = getattr(transformer, "activation_checkpointing_enable", None)
    (enable or transformer.gradient_checkpointing_enable)({"use_reentrant": False})


def find_specials(tokenizer: Any) -> Specials:
    """Find what a tokenizer puts around a text."""
    encoded = tokenizer("a", return_special_tokens_mask=True, verbose=False)
    ids, is_special = encoded["input_ids"], encoded["special_tokens_mask"]
    first = is_special.index(0)
    last = len(ids) - is_special[::-1].index(0)
    return Specials(tuple(ids[:first]), tuple(ids[last:]), tokenizer.pad_token_id or 0)


def find_max_pieces(transformer: Any, model_max_length: int) -> int:
    """Find how many pieces an encoder can see at once, special ones included."""
    limits = [model_max_length] if model_max_length < UNKNOWN_LENGTH else []
    n_positions = getattr(transformer.config, "max_position_embeddings", None)
    if n_positions is not None and n_positions > 0:
        table = getattr(getattr(transformer, "embeddings", None), "position_embeddings", None)
        # RoBERTa counts positions from behind the padding's own.
        padding = getattr(table, "padding_idx", None)
        limits.append(n_positions if padding is None else n_positions - padding - 1)
    return int(min(limits, default=512))
