"""Encoders and tokenizers, from Hugging Face folders or the hub and from the files of a pipeline."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from huggingface_hub import constants
from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING, AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging

from ..errors import first_line
from ..nn.encoder.encoder import NoPooler, Specials
from ..nn.runtime.setup import setup
from .checks import HUB_ADVICE, check_complete, check_fast, check_sizes, explain, make_source, read_shapes

# transformers sets "model_max_length" to a huge number where it does not know it.
UNKNOWN_LENGTH = 1_000_000


class Checkpoint(NamedTuple):
    """A pretrained encoder with what is needed to feed it.

    Attributes:
        transformer: The model, in float32, without a pooler.
        tokenizer: The backend of its fast tokenizer.
        specials: Special pieces around a text.
        unk_id: Id of the unknown piece.
        max_pieces: Longest input in pieces, special ones included.
    """

    transformer: nn.Module
    tokenizer: Tokenizer
    specials: Specials
    unk_id: int
    max_pieces: int


def load_checkpoint(name: str) -> Checkpoint:
    """Load an encoder by hub id or folder.

    Raises:
        OSError: If the folder or model does not exist.
        ValueError: If it has no fast tokenizer, or lacks weights.
    """
    return make_checkpoint(*load_pretrained(name))


def make_checkpoint(transformer: Any, tokenizer: Any) -> Checkpoint:
    """Join an encoder and its fast tokenizer."""
    # A decoder keeps keys and values for the next piece, but none is generated here.
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
    source = make_source(name)
    needed = "An encoder must be a hub id or a folder with config.json, weights and tokenizer.json"
    with reading(f"{needed}, found {name!r}"):
        config = AutoConfig.from_pretrained(**source)
        check_sizes(config, read_shapes(source["pretrained_model_name_or_path"]))
        tokenizer = AutoTokenizer.from_pretrained(**source, use_fast=True)
        kind = _find_class(config) or AutoModel
        transformer, info = kind.from_pretrained(**source, config=config, output_loading_info=True)
    check_fast(tokenizer, name)
    check_complete([key for key in info["missing_keys"] if not key.startswith("pooler.")], name)
    drop_pooler(transformer)
    return transformer, tokenizer


@contextmanager
def reading(problem: str, advice: str = HUB_ADVICE) -> Iterator[None]:
    """Read a model with transformers, quietly; it and its libraries raise anything for damaged files.

    Args:
        problem: What must hold, and what was found.
        advice: What to do.

    Raises:
        OSError: If anything is wrong, with these.
    """
    try:
        with quiet_io():
            yield
    except ImportError:
        raise
    except Exception as err:
        raise OSError(f"{problem}: {explain(err)} {advice}") from err


@contextmanager
def quiet_io() -> Iterator[None]:
    """Let one thread at a time load or save models with transformers, which is kept quiet meanwhile.

    It shows no progress bars, except for downloads, and does not warn that the pooler has no weights: the
    pooler is dropped anyway.
    """
    # Its log level and progress bars are global.
    with setup:
        level, has_bars = logging.get_verbosity(), _may_hide_bars()
        logging.set_verbosity_error()
        if has_bars:
            _show_bars(of_models=False)
        try:
            yield
        except SafetensorError as err:
            raise OSError(f"The weights cannot be read or written: {first_line(err)}.") from err
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


def build_transformer(
    config: dict[str, Any], state: dict[str, Tensor], attention: str | None = None
) -> nn.Module:
    """Build a transformer from a saved configuration and its weights alone.

    Args:
        config: As `dump_config` returns it.
        state: The weights.
        attention: Name of transformers' attention implementation; None for its default.
    """
    with quiet_io():
        settings = make_config(config)
        transformer: nn.Module = _find_class(settings).from_pretrained(
            None, config=settings, state_dict=state, attn_implementation=attention
        )
    drop_pooler(transformer)
    return transformer.float()


def _find_class(config: Any) -> Any:
    """Return the class of an encoder, for T5 without its decoder; None if transformers knows no class."""
    kinds = (MODEL_FOR_TEXT_ENCODING_MAPPING, MODEL_MAPPING)
    return next((mapping[type(config)] for mapping in kinds if type(config) in mapping), None)


def make_config(config: dict[str, Any]) -> Any:
    """Make a configuration of what `dump_config` returned.

    Its precision is set to float32, that of the weights. It may name that of the checkpoint that they came
    from, to which transformers 5 would round them.
    """
    settings = {k: "float32" if k in ("dtype", "torch_dtype") and v else v for k, v in config.items()}
    # Version 0.1.0 saved 1e-12 as 0: use the default of the architecture instead.
    return AutoConfig.for_model(**{k: v for k, v in settings.items() if not (k.endswith("_eps") and v == 0)})


def read_tokenizer(text: str) -> Tokenizer:
    """Read a fast tokenizer from its JSON.

    Raises:
        ValueError: If it cannot be read.
    """
    try:
        return Tokenizer.from_str(text)
    except Exception as err:  # the library raises nothing narrower
        raise ValueError(f"tokenizer.json must be that of a fast tokenizer: {err}") from err


def dump_config(transformer: nn.Module) -> dict[str, Any]:
    """Return a transformer's configuration as a JSON object."""
    config: dict[str, Any] = json.loads(transformer.config.to_json_string(use_diff=False))  # type: ignore[union-attr, operator]
    # The folder that the weights came from means nothing to the users of a pipeline.
    config.pop("_name_or_path", None)
    return config


def drop_pooler(transformer: nn.Module) -> None:
    """Remove the layer that pools a whole text, which is not used and would not be trained."""
    if getattr(transformer, "pooler", None) is not None:
        # Not None: some encoders, such as LayoutLM, call it without a check.
        transformer.pooler = NoPooler()


def checkpoint_activations(transformer: Any) -> None:
    """Recompute activations in the backward pass instead of keeping them: less memory, more time."""
    # transformers 5 has renamed the method, and warns about the old name.
    enable = getattr(transformer, "activation_checkpointing_enable", None)
    (enable or transformer.gradient_checkpointing_enable)({"use_reentrant": False})


def find_specials(tokenizer: Any) -> Specials:
    """Return the special pieces that a tokenizer puts around a text."""
    encoded = tokenizer("a", return_special_tokens_mask=True, verbose=False)
    ids, is_special = encoded["input_ids"], encoded["special_tokens_mask"]
    first = is_special.index(0)
    last = len(ids) - is_special[::-1].index(0)
    return Specials(tuple(ids[:first]), tuple(ids[last:]), tokenizer.pad_token_id or 0)


def find_max_pieces(transformer: Any, model_max_length: int) -> int:
    """Compute the longest input of an encoder in pieces, special ones included."""
    limits = [model_max_length] if model_max_length < UNKNOWN_LENGTH else []
    n_positions = getattr(transformer.config, "max_position_embeddings", None)
    if n_positions is not None and n_positions > 0:
        table = getattr(getattr(transformer, "embeddings", None), "position_embeddings", None)
        # RoBERTa's positions start after the id of the padding.
        padding = getattr(table, "padding_idx", None)
        limits.append(n_positions if padding is None else n_positions - padding - 1)
    return int(min(limits, default=512))
