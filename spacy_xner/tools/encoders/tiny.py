"""Small encoders for tests: random weights, and a tokenizer trained on some texts."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    AutoModel,
    BertConfig,
    DebertaV2Config,
    ModernBertConfig,
    PretrainedConfig,
    XLMRobertaConfig,
)

from ...hub.encoder import quiet_io
from .folder import MASK, SPECIALS, new_encoder, save_tokenizer

START, PAD, END, UNK = SPECIALS
# Model types whose tokenizers return token types.
TYPED = ("bert", "deberta-v2")


def write_tiny(
    folder: Path,
    texts: Iterable[str],
    *,
    arch: str = "xlm-roberta",
    vocab_size: int = 2000,
    hidden_width: int = 32,
    n_layers: int = 2,
    n_heads: int = 2,
    max_positions: int = 128,
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Write a random encoder as a Hugging Face folder; the same texts and seed give the same files.

    Args:
        folder: Output folder.
        texts: Texts to train the tokenizer on; its vocabulary has all their characters.
        arch: A name in `ARCHITECTURES`.
        vocab_size: Maximum number of pieces, unless there are more characters.
        hidden_width: Width of the vectors.
        n_layers: Number of layers.
        n_heads: Attention heads in a layer.
        max_positions: Longest input, in pieces.
        seed: Seed of the weights.
        overwrite: Replace an existing encoder.

    Raises:
        ValueError: If the architecture is unknown.
        FileExistsError: If the folder exists.
    """
    if arch not in ARCHITECTURES:
        raise ValueError(
            f"arch must be one of {', '.join(ARCHITECTURES)}, found {arch!r}. Choose one of these."
        )
    train_tokenizer, make_config = ARCHITECTURES[arch]
    tokenizer = train_tokenizer(list(texts), vocab_size)
    config = make_config(
        max_positions,
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=hidden_width,
        num_hidden_layers=n_layers,
        num_attention_heads=n_heads,
        intermediate_size=2 * hidden_width,
        pad_token_id=tokenizer.token_to_id(PAD),
    )
    with quiet_io(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModel.from_config(config)
    with quiet_io(), new_encoder(folder, overwrite=overwrite) as part:
        model.save_pretrained(part)
        save_tokenizer(tokenizer, part, max_pieces=max_positions, has_types=config.model_type in TYPED)


def train_unigram(texts: list[str], vocab_size: int) -> Tokenizer:
    """Train a tokenizer like XLM-R's.

    The trainer breaks ties differently in each process. Only its choice of pieces is used; their scores and
    order follow from their frequency in the texts.
    """
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size, special_tokens=[*SPECIALS, MASK], unk_token=UNK, show_progress=False
    )
    _train(tokenizer, trainer, texts)
    pieces = {piece for piece, _ in json.loads(tokenizer.to_str())["model"]["vocab"]} - {*SPECIALS, MASK}
    text = "".join(chunk for text in texts for chunk in _chunks(tokenizer, text))
    scores = {piece: math.log((1 + text.count(piece)) / (1 + len(text))) for piece in pieces}
    special = [(piece, 0.0) for piece in (*SPECIALS, MASK)]
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    tokenizer.model = models.Unigram(special + ranked, unk_id=SPECIALS.index(UNK), byte_fallback=False)
    return tokenizer


def train_wordpiece(texts: list[str], vocab_size: int) -> Tokenizer:
    """Build a tokenizer like BERT's from the most frequent beginnings and ends of words.

    Pieces are counted here, since those of the library's trainer differ between processes.
    """
    tokenizer = Tokenizer(models.WordPiece(unk_token=UNK))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    counts: Counter[str] = Counter()
    for word in (chunk for text in texts for chunk in _chunks(tokenizer, text)):
        counts.update([word, *(word[:i] for i in range(2, len(word)))])
        counts.update(f"##{word[i:]}" for i in range(1, len(word) - 1))
    characters = sorted({character for piece in counts for character in piece.removeprefix("##")})
    pieces = [*SPECIALS, MASK, *characters, *(f"##{character}" for character in characters)]
    ranked = sorted(set(counts) - set(pieces), key=lambda piece: (-counts[piece] * len(piece), piece))
    pieces += ranked[: max(0, vocab_size - len(pieces))]
    tokenizer.model = models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token=UNK)
    tokenizer.add_special_tokens([*SPECIALS, MASK])
    return _add_borders(tokenizer)


def train_byte_bpe(texts: list[str], vocab_size: int) -> Tokenizer:
    """Train a tokenizer like ModernBERT's."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[*SPECIALS, MASK],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    return _train(tokenizer, trainer, texts)


def _train(tokenizer: Tokenizer, trainer: trainers.Trainer, texts: list[str]) -> Tokenizer:
    tokenizer.train_from_iterator(texts, trainer)
    return _add_borders(tokenizer)


def _chunks(tokenizer: Tokenizer, text: str) -> list[str]:
    """Split a text as the tokenizer does before its model."""
    normalized = tokenizer.normalizer.normalize_str(text)
    return [chunk for chunk, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normalized)]


def _add_borders(tokenizer: Tokenizer) -> Tokenizer:
    """Let a tokenizer put XLM-R's special pieces around texts."""
    start, end = (tokenizer.token_to_id(piece) for piece in (START, END))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}",
        pair=f"{START} $A {END} $B {END}",
        special_tokens=[(START, start), (END, end)],
    )
    return tokenizer


def make_xlm_roberta(max_positions: int, **sizes: int) -> PretrainedConfig:
    """Configure an XLM-R, whose positions start after the id of the padding."""
    return XLMRobertaConfig(max_position_embeddings=max_positions + 2, type_vocab_size=1, **sizes)


def make_bert(max_positions: int, **sizes: int) -> PretrainedConfig:
    """Configure a BERT."""
    return BertConfig(max_position_embeddings=max_positions, **sizes)


def make_deberta(max_positions: int, **sizes: int) -> PretrainedConfig:
    """Configure a DeBERTa v2, with relative positions as in v3."""
    return DebertaV2Config(
        max_position_embeddings=max_positions,
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=16,
        pos_att_type=["p2c", "c2p"],
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        position_biased_input=False,
        **sizes,
    )


def make_modernbert(max_positions: int, **sizes: int) -> PretrainedConfig:
    """Configure a ModernBERT with one local layer after each global one."""
    return ModernBertConfig(
        max_position_embeddings=max_positions,
        global_attn_every_n_layers=2,
        local_attention=16,
        reference_compile=False,
        bos_token_id=0,
        cls_token_id=0,
        eos_token_id=2,
        sep_token_id=2,
        **sizes,
    )


TrainTokenizer = Callable[[list[str], int], Tokenizer]
# Called with the longest input, and with sizes by their names in the configuration.
MakeConfig = Callable[..., PretrainedConfig]

ARCHITECTURES: dict[str, tuple[TrainTokenizer, MakeConfig]] = {
    "xlm-roberta": (train_unigram, make_xlm_roberta),
    "bert": (train_wordpiece, make_bert),
    "deberta-v2": (train_unigram, make_deberta),
    "modernbert": (train_byte_bpe, make_modernbert),
}
