"""Keeps only the vocabulary that corpora need: most of a multilingual encoder's size is embeddings."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedTokenizerBase

from ...hub.encoder import load_pretrained, quiet_io
from ...nn.encoder.pieces import PieceCutter, Word
from ...tokenizer import split_text
from .folder import check_free, new_encoder

MODELS = ("Unigram", "WordPiece")


class PruneReport(NamedTuple):
    """What pruning did.

    Attributes:
        rows_before: Rows of the embedding table.
        rows_after: Rows kept.
        parameters_before: Parameters of the encoder.
        parameters_after: Parameters of the pruned one.
    """

    rows_before: int
    rows_after: int
    parameters_before: int
    parameters_after: int


def prune_encoder(
    source: str | Path,
    folder: str | Path,
    texts: Iterable[str],
    *,
    min_count: int = 1,
    keep_single_chars: bool = True,
    overwrite: bool = False,
    on_text: Callable[[int], None] | None = None,
) -> PruneReport:
    """Write an encoder without the vocabulary rows that the texts do not need.

    Kept are the pieces of the texts' tokens, cut by themselves with and without a leading space, those of
    the whole texts, all pieces of one character, and the special ones. With a `min_count` of 1, the pruned
    encoder gives the same vectors on the texts.

    Args:
        source: Hub id or folder of an encoder.
        folder: Where the pruned one goes.
        texts: Texts of the corpora.
        min_count: How often a piece must occur in them.
        keep_single_chars: Whether pieces of one character stay even if no text has them. Without them, new
            texts have more unknown pieces.
        overwrite: Whether it may replace a folder that is there.
        on_text: Called with the number of texts read so far.

    Raises:
        OSError: If there is no such encoder.
        ValueError: If its tokenizer is neither Unigram nor WordPiece.
        FileExistsError: If the folder is there.

    Example:
        >>> from pathlib import Path
        >>> import spacy_xner
        >>> texts = Path("texts.txt").read_text(encoding="utf-8").splitlines()
        >>> report = spacy_xner.prune_encoder("encoder", "pruned", texts)
        >>> report.rows_after < report.rows_before
        True
    """
    folder = Path(folder)
    check_free(folder, overwrite=overwrite)
    transformer, tokenizer = load_pretrained(str(source))
    before = count_parameters(transformer)
    pruned = prune_vocabulary(
        transformer,
        tokenizer.backend_tokenizer,
        texts,
        source=str(source),
        min_count=min_count,
        keep_single_chars=keep_single_chars,
        on_text=on_text,
    )
    with quiet_io(), new_encoder(folder, overwrite=overwrite) as part:
        transformer.save_pretrained(part)
        save_pruned_tokenizer(tokenizer, pruned.spec, part)
    return PruneReport(pruned.rows_before, len(pruned.new_ids), before, count_parameters(transformer))


class Pruned(NamedTuple):
    """What is left of a vocabulary.

    Attributes:
        spec: Its ``tokenizer.json``.
        new_ids: The new id of each piece, by the old one.
        rows_before: Rows that the embedding table had.
    """

    spec: dict[str, Any]
    new_ids: dict[int, int]
    rows_before: int


def prune_vocabulary(
    transformer: Any,
    tokenizer: Tokenizer,
    texts: Iterable[str],
    *,
    source: str,
    min_count: int = 1,
    keep_single_chars: bool = True,
    on_text: Callable[[int], None] | None = None,
) -> Pruned:
    """Leave out the rows of an encoder, in place, that texts do not need.

    Args:
        transformer: The encoder.
        tokenizer: Its tokenizer, whose pieces stay as they are.
        texts: As for `prune_encoder`, like the settings.
        source: Where the encoder comes from, for errors.
        min_count: How often a piece must occur.
        keep_single_chars: Whether all pieces of one character stay.
        on_text: Called with the number of texts read so far.

    Raises:
        ValueError: If the tokenizer is neither Unigram nor WordPiece.
    """
    spec = json.loads(tokenizer.to_str())
    kind = spec["model"]["type"]
    if kind not in MODELS:
        raise ValueError(
            f"A tokenizer must be {' or '.join(MODELS)} to be pruned, found {kind} in {source!r}. "
            "Choose another encoder, or use this one as it is."
        )
    counts = count_pieces(tokenizer, texts, on_text)
    needed = {piece for piece, count in counts.items() if count >= min_count}
    kept_ids = find_fixed_ids(transformer, tokenizer, spec["model"])
    for piece, i in tokenizer.get_vocab().items():
        if piece in needed or (keep_single_chars and is_single(piece)):
            kept_ids.add(i)
    kept = sorted(kept_ids)
    new_ids = {old: new for new, old in enumerate(kept)}
    rows_before = prune_rows(transformer, kept, new_ids)
    return Pruned(prune_spec(spec, kept), new_ids, rows_before)


def count_pieces(
    tokenizer: Tokenizer, texts: Iterable[str], on_text: Callable[[int], None] | None = None
) -> Counter[str]:
    """Count the pieces of texts: once for each token that has them, with or without a leading space.

    Tokens are cut as the encoder of a pipeline does. Pieces that only the whole text has count once for each
    text, since other components cut texts that way.
    """
    # Which lets the tokenizer cut whole texts without truncating them.
    cutter = PieceCutter(tokenizer, prefix_space="text", unk_id=0)
    ids: Counter[int] = Counter()
    for n_texts, text in enumerate(texts, start=1):
        # Lone surrogates cannot cross into the tokenizer.
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        whole = set(tokenizer.encode(text).ids)
        for token in split_text(text):
            own = set(cutter.cut(Word(token, has_space) for has_space in (True, False)).ids)
            ids.update(own)
            whole -= own
        ids.update(whole)
        if on_text is not None:
            on_text(n_texts)
    return Counter({piece: n for i, n in ids.items() if (piece := tokenizer.id_to_token(i)) is not None})


def find_fixed_ids(transformer: Any, tokenizer: Tokenizer, model: dict[str, Any]) -> set[int]:
    """Find the pieces that stay whatever the texts are.

    Args:
        transformer: The encoder.
        tokenizer: Its tokenizer.
        model: The model of its ``tokenizer.json``.
    """
    fixed = set(tokenizer.get_added_tokens_decoder())
    if model["type"] == "Unigram":
        scores = [score for _, score in model["vocab"]]
        # An unknown character costs the least score and a fixed sum: that must not change.
        fixed.add(scores.index(min(scores)))
        fixed.update(i for i in [model["unk_id"]] if i is not None)
    else:
        fixed.update(i for i in [model["vocab"].get(model["unk_token"])] if i is not None)
    table = getattr(getattr(transformer, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    # RoBERTa counts positions from behind the id of the padding, which must therefore stay.
    fixed.update(range(padding + 1) if padding is not None else ())
    return fixed


def is_single(piece: str) -> bool:
    """Return whether a piece is one character, apart from the mark of a space or of a word's inside."""
    return len(piece.removeprefix("##").removeprefix("▁")) <= 1


def prune_rows(transformer: Any, kept: list[int], new_ids: dict[int, int]) -> int:
    """Keep some rows of the embedding table, and let the configuration follow. Returns the rows before."""
    old: nn.Embedding = transformer.get_input_embeddings()
    padding = new_ids.get(old.padding_idx) if old.padding_idx is not None else None
    new = nn.Embedding(len(kept), old.embedding_dim, padding_idx=padding, dtype=old.weight.dtype)
    with torch.no_grad():
        new.weight.copy_(old.weight[torch.tensor(kept)])
    transformer.set_input_embeddings(new)
    config = transformer.config
    config.vocab_size = len(kept)
    for name in ("pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"):
        if getattr(config, name, None) is not None:
            setattr(config, name, new_ids.get(getattr(config, name), 0))
    return int(old.num_embeddings)


def prune_spec(spec: dict[str, Any], kept: list[int]) -> dict[str, Any]:
    """Keep some pieces of a ``tokenizer.json``, with new ids in the same order."""
    new_ids = {old: new for new, old in enumerate(kept)}
    model = spec["model"]
    if model["type"] == "Unigram":
        size = len(model["vocab"])
        model["unk_id"] = new_ids.get(model["unk_id"])
        model["vocab"] = [model["vocab"][old] for old in kept if old < size]
    else:
        model["vocab"] = {piece: new_ids[old] for piece, old in model["vocab"].items() if old in new_ids}
    for token in spec["added_tokens"]:
        token["id"] = new_ids[token["id"]]
    if spec.get("padding"):
        spec["padding"]["pad_id"] = new_ids[spec["padding"]["pad_id"]]
    post = spec.get("post_processor") or {}
    for step in post.get("processors", [post]):
        for special in step.get("special_tokens", {}).values():
            special["ids"] = [new_ids[i] for i in special["ids"]]
        for name in {"sep", "cls"} & set(step):
            step[name][1] = new_ids[step[name][1]]
    return spec


def save_pruned_tokenizer(tokenizer: PreTrainedTokenizerBase, spec: dict[str, Any], folder: Path) -> None:
    """Save a tokenizer as it was, but with another ``tokenizer.json``."""
    tokenizer.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
    # A slow tokenizer's file, and ids in the settings, would contradict the new one.
    for name in ("sentencepiece.bpe.model", "spm.model", "spiece.model", "vocab.txt", "added_tokens.json"):
        (folder / name).unlink(missing_ok=True)
    settings_file = folder / "tokenizer_config.json"
    settings = json.loads(settings_file.read_text("utf-8"))
    settings["added_tokens_decoder"] = {
        str(token["id"]): {key: value for key, value in token.items() if key != "id"}
        for token in spec["added_tokens"]
    }
    settings_file.write_text(json.dumps(settings, ensure_ascii=False, indent=2), encoding="utf-8")


def count_parameters(module: nn.Module) -> int:
    """Count the parameters of a module."""
    return sum(parameter.numel() for parameter in module.parameters())
