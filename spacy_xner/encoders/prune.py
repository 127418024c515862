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

from ..checkpoint import load_pretrained
from ..nn.pieces import PieceCutter, Word
from ..tokenizer import split_text
from .folder import new_folder

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
    source: str,
    folder: Path,
    texts: Iterable[str],
    *,
    min_count: int = 1,
    overwrite: bool = False,
    on_text: Callable[[int], None] | None = None,
) -> PruneReport:
    """Write an encoder without the vocabulary rows that the texts do not need.

    Kept are the pieces of the texts' tokens, cut by themselves with and without a leading space, all pieces
    of one character, and the special ones. On the texts, the pruned encoder gives the same vectors.

    Args:
        source: Hub id or folder of an encoder.
        folder: Where the pruned one goes.
        texts: Texts of the corpora.
        min_count: How often a piece must occur in them.
        overwrite: Whether it may replace a folder that is there.
        on_text: Called with the number of texts read so far.

    Raises:
        OSError: If there is no such encoder.
        ValueError: If its tokenizer is neither Unigram nor WordPiece.
        FileExistsError: If the folder is there.
    """
    transformer, tokenizer = load_pretrained(source)
    backend = tokenizer.backend_tokenizer
    spec = json.loads(backend.to_str())
    kind = spec["model"]["type"]
    if kind not in MODELS:
        raise ValueError(
            f"A tokenizer must be {' or '.join(MODELS)} to be pruned, found {kind} in {source!r}."
        )
    counts = count_pieces(backend, texts, on_text)
    needed = {piece for piece, count in counts.items() if count >= min_count}
    needed |= {token.content for token in backend.get_added_tokens_decoder().values()}
    vocabulary = backend.get_vocab()
    kept = sorted(i for piece, i in vocabulary.items() if piece in needed or is_single(piece))
    before = count_parameters(transformer)
    rows_before = prune_rows(transformer, kept, {old: new for new, old in enumerate(kept)})
    with new_folder(folder, overwrite=overwrite) as part:
        transformer.save_pretrained(part)
        save_pruned_tokenizer(tokenizer, prune_spec(spec, kept), part)
    return PruneReport(rows_before, len(kept), before, count_parameters(transformer))


def count_pieces(
    tokenizer: Tokenizer, texts: Iterable[str], on_text: Callable[[int], None] | None = None
) -> Counter[str]:
    """Count the pieces of texts as the encoder of a pipeline cuts them, with and without leading spaces."""
    cutter = PieceCutter(tokenizer, prefix_space="text", unk_id=0)
    ids: Counter[int] = Counter()
    for n_texts, text in enumerate(texts, start=1):
        tokens = split_text(text)
        ids.update(cutter.cut(Word(token, has_space) for token in tokens for has_space in (True, False)).ids)
        if on_text is not None:
            on_text(n_texts)
    return Counter({piece: n for i, n in ids.items() if (piece := tokenizer.id_to_token(i)) is not None})


def is_single(piece: str) -> bool:
    """Tell whether a piece is one character, apart from the mark of a space or of a word's inside."""
    return len(piece.removeprefix("##").removeprefix("▁")) <= 1


def prune_rows(transformer: Any, kept: list[int], new_ids: dict[int, int]) -> int:
    """Keep some rows of the embedding table, and let the configuration follow. Returns the rows before."""
    old: nn.Embedding = transformer.get_input_embeddings()
    padding = new_ids.get(old.padding_idx) if old.padding_idx is not None else None
    new = nn.Embedding(len(kept), old.embedding_dim, padding_idx=padding)
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
        model["unk_id"] = new_ids[model["unk_id"]]
        model["vocab"] = [model["vocab"][old] for old in kept if old < size]
    else:
        model["vocab"] = {piece: new_ids[old] for piece, old in model["vocab"].items() if old in new_ids}
    for token in spec["added_tokens"]:
        token["id"] = new_ids[token["id"]]
    specials = (spec.get("post_processor") or {}).get("special_tokens", {})
    if isinstance(specials, dict):
        for special in specials.values():
            special["ids"] = [new_ids[i] for i in special["ids"]]
    for name in ("sep", "cls"):
        pair = (spec.get("post_processor") or {}).get(name)
        if pair is not None:
            pair[1] = new_ids[pair[1]]
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
