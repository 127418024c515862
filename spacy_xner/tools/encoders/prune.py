"""Encoders without the vocabulary that corpora do not need: most of a multilingual one is embeddings."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedTokenizerBase

from ...atomic import check_apart
from ...hub.encoder import load_pretrained, quiet_io
from ...nn.encoder.pieces import PieceCutter, Word
from ...tokenizer import split_text
from .folder import check_free, new_encoder

MODELS = ("Unigram", "WordPiece")


class PruneReport(NamedTuple):
    """Sizes of an encoder before and after pruning.

    Attributes:
        rows_before: Rows of the embedding table.
        rows_after: Rows of the pruned table.
        parameters_before: Parameters of the encoder.
        parameters_after: Parameters of the pruned encoder.
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
    """Write an encoder without the vocabulary that the texts do not need.

    It keeps the pieces of the texts' tokens, each cut with and without a leading space, those of whole texts,
    all pieces of one character, and the special ones. With a `min_count` of 1, its vectors for the texts are
    those of the original.

    Args:
        source: Hub id or folder of an encoder.
        folder: Output folder.
        texts: Texts of the corpora.
        min_count: Keep pieces that occur at least this often.
        keep_single_chars: Keep pieces of one character even if no text has them. Without them, new texts have
            more unknown pieces.
        overwrite: Replace an existing encoder.
        on_text: Called with the number of texts read so far.

    Raises:
        OSError: If the encoder does not exist.
        ValueError: If its tokenizer is neither Unigram nor WordPiece.
        FileExistsError: If the folder exists.

    Examples:
        >>> from pathlib import Path
        >>> import spacy_xner
        >>> texts = Path("texts.txt").read_text(encoding="utf-8").splitlines()
        >>> report = spacy_xner.prune_encoder("encoder", "pruned", texts)
        >>> report.rows_after < report.rows_before
        True
    """
    folder = Path(folder)
    check_free(folder, overwrite=overwrite)
    check_apart(folder, Path(source))
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
    """A pruned vocabulary.

    Attributes:
        spec: Contents of its ``tokenizer.json``.
        new_ids: New ids of pieces by their old ids.
        rows_before: Rows of the embedding table before pruning.
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
    """Remove the embeddings that texts do not need from an encoder, in place.

    Args:
        transformer: The encoder.
        tokenizer: Its tokenizer, which is not changed.
        texts: Texts of the corpora.
        source: Name of the encoder, for errors.
        min_count: See `prune_encoder`.
        keep_single_chars: See `prune_encoder`.
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

    Tokens are cut as by the encoder of a pipeline. Pieces that occur only when a text is cut whole, as other
    components do, count once for each text.
    """
    # The cutter also turns off truncation in the tokenizer, for whole texts.
    cutter = PieceCutter(tokenizer, prefix_space="text", unk_id=0)
    ids: Counter[int] = Counter()
    for n_texts, text in enumerate(texts, start=1):
        # The tokenizer refuses lone surrogates.
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        whole = set(tokenizer.encode(text).ids)
        for token in split_text(text):
            pieces = set(cutter.cut(Word(token, has_space) for has_space in (True, False)).ids)
            ids.update(pieces)
            whole -= pieces
        ids.update(whole)
        if on_text is not None:
            on_text(n_texts)
    return Counter({piece: n for i, n in ids.items() if (piece := tokenizer.id_to_token(i)) is not None})


def find_fixed_ids(transformer: Any, tokenizer: Tokenizer, model: dict[str, Any]) -> set[int]:
    """Return the ids of pieces that are kept for any texts.

    Args:
        transformer: The encoder.
        tokenizer: Its tokenizer.
        model: The entry ``model`` of its ``tokenizer.json``.
    """
    fixed = set(tokenizer.get_added_tokens_decoder())
    if model["type"] == "Unigram":
        scores = [score for _, score in model["vocab"]]
        # The score of an unknown character is the lowest score less a constant: keep the lowest one.
        fixed.add(scores.index(min(scores)))
        fixed.update(i for i in [model["unk_id"]] if i is not None)
    else:
        fixed.update(i for i in [model["vocab"].get(model["unk_token"])] if i is not None)
    table = getattr(getattr(transformer, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    # RoBERTa's positions start after the id of the padding, which must not change.
    fixed.update(range(padding + 1) if padding is not None else ())
    return fixed


def is_single(piece: str) -> bool:
    """Return whether a piece is one character, not counting the mark of a space or a continuation."""
    return len(piece.removeprefix("##").removeprefix("▁")) <= 1


def prune_rows(transformer: Any, kept: list[int], new_ids: dict[int, int]) -> int:
    """Keep some rows of the embedding table, and adapt the configuration. Returns the old number of rows."""
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
    """Keep some pieces of a ``tokenizer.json``, and number them again in the same order."""
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
    """Save a tokenizer with a new ``tokenizer.json``."""
    tokenizer.save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
    # Files of the slow tokenizer, and ids in the settings, would contradict the new ones.
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
