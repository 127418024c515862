"""Adopted checkpoints of architectures beyond BERT: same entities as transformers', or one-line errors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from tokenizers import processors
from transformers import (
    CONFIG_MAPPING,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedTokenizerFast,
    pipeline,
)

from spacy_xner.tools.encoders.tiny import train_byte_bpe

from ..conftest import SLIPS
from .test_adopted_entity import BIO, adopt, predict_with_transformers

TEXTS = [*(text for text, _ in SLIPS), "  Anna\n\n北京 13800138000 ", "x"]
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "intermediate_size": 32,
    "max_position_embeddings": 130,
    "pad_token_id": 1,
}
KINDS: dict[str, dict[str, Any]] = {
    # A decoder whose output layer is called score.
    "llama": SIZES | {"bos_token_id": 0, "eos_token_id": 2},
    # Its output layer has no bias, if this version of transformers supports that.
    "qwen2": SIZES | {"token_classification_bias": False},
    "gpt2": SIZES | {"bos_token_id": 0, "eos_token_id": 2},
    # The encoder of an encoder-decoder, with tied embeddings.
    "t5": SIZES | {"d_kv": 16, "d_ff": 64},
    # Its forward pass always calls the pooler, even if there is none.
    "layoutlm": SIZES,
    # It applies another layer to what the pooler returns.
    "albert": SIZES | {"embedding_size": 32},
    "openai_privacy_filter": SIZES
    | {"head_dim": 16, "num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 4},
}


def write(folder: Path, kind: str, tokenizer: Any, names: Sequence[str] | None, **settings: Any) -> Path:
    """Save a random checkpoint with confident predictions."""
    if kind not in CONFIG_MAPPING:
        pytest.skip(f"this version of transformers has no {kind}")
    labels = (
        {}
        if names is None
        else {"id2label": dict(enumerate(names)), "label2id": {n: i for i, n in enumerate(names)}}
    )
    config = CONFIG_MAPPING[kind](
        **KINDS.get(kind, SIZES) | labels | settings | {"vocab_size": len(tokenizer)}
    )
    torch.manual_seed(3)
    model = AutoModelForTokenClassification.from_config(config)
    for name, weight in model.named_parameters():
        # transformers leaves the experts uninitialized.
        is_output = not name.startswith(model.base_model_prefix)
        torch.nn.init.normal_(weight, std=0.7 if is_output else 0.2) if weight.dim() > 1 else None
        torch.nn.init.zeros_(weight) if name.endswith(("bias", "sinks")) else None
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def entities_in(doc: Doc) -> dict[tuple[int, int, str], float]:
    spans = doc.spans["xner"]
    return {
        (s.start_char, s.end_char, s.label_): x for s, x in zip(spans, spans.attrs["scores"], strict=True)
    }


def expand(doc: Doc, entities: dict[tuple[int, int, str], float]) -> dict[tuple[int, int, str], Any]:
    """Expand entities to whole tokens; duplicates keep the highest score."""
    expanded: dict[tuple[int, int, str], float] = {}
    for (start, end, label), score in entities.items():
        span = doc.char_span(start, end, alignment_mode="expand")
        key = (span.start_char, span.end_char, label)
        expanded[key] = max(score, expanded.get(key, 0.0))
    return {key: pytest.approx(score, abs=1e-5) for key, score in expanded.items()}


def check_reloads(nlp: Language, folder: Path) -> None:
    nlp.to_disk(folder)
    copy = spacy.load(folder)
    assert [entities_in(doc) for doc in copy.pipe(TEXTS)] == [entities_in(doc) for doc in nlp.pipe(TEXTS)]


@pytest.mark.parametrize("kind", KINDS)
def test_adopted_architecture_predicts_as_transformers(tiny: Path, tmp_path: Path, kind: str) -> None:
    folder = write(tmp_path / "ckpt", kind, AutoTokenizer.from_pretrained(tiny), BIO)
    tagger = pipeline("token-classification", str(folder), aggregation_strategy="simple", device="cpu")
    nlp = adopt(folder)
    n_entities = 0
    for text, doc in zip(TEXTS, nlp.pipe(TEXTS), strict=True):
        assert entities_in(doc) == expand(doc, predict_with_transformers(tagger, text)), text
        n_entities += len(doc.spans["xner"])
    assert n_entities > 5
    check_reloads(nlp, tmp_path / "saved")


def group_bioes(rows: Sequence[dict[str, Any]], text: str) -> dict[tuple[int, int, str], float]:
    """Join the pieces of each entity; transformers' pipeline would split them before each E and S."""
    groups: list[list[dict[str, Any]]] = []
    for row in rows:
        letter, _, label = row["entity"].partition("-")
        previous = groups[-1][-1] if groups else None
        is_next = previous is not None and previous["index"] == row["index"] - 1
        if is_next and letter in "IE" and previous["entity"] in (f"B-{label}", f"I-{label}"):
            groups[-1].append(row)
        else:
            groups.append([row])
    entities: dict[tuple[int, int, str], float] = {}
    for group in groups:
        part = text[group[0]["start"] : group[-1]["end"]]
        start = group[0]["start"] + len(part) - len(part.lstrip())
        if part.strip():
            key = (start, start + len(part.strip()), group[0]["entity"].partition("-")[2])
            score = sum(float(row["score"]) for row in group) / len(group)
            entities[key] = max(score, entities.get(key, 0.0))
    return entities


def test_openai_privacy_filter_joins_bioes_pieces(tmp_path: Path) -> None:
    backend = train_byte_bpe([text for text, _ in SLIPS], 300)
    # Like the real tokenizer, it adds no special pieces around a text.
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", eos_token="<pad>", model_max_length=128
    )
    folder = write(tmp_path / "ckpt", "openai_privacy_filter", tokenizer, None)
    tagger = pipeline("token-classification", str(folder), aggregation_strategy="none", device="cpu")
    assert len(tagger.model.config.id2label) == 33
    nlp = adopt(folder)
    assert set(nlp.get_pipe("xner").labels) == {
        *("account_number", "private_address", "private_date", "private_email", "private_person"),
        *("private_phone", "private_url", "secret"),
    }
    n_joined = 0
    for text, doc in zip(TEXTS, nlp.pipe(TEXTS), strict=True):
        rows = tagger(text)
        expected = group_bioes(rows, text)
        assert entities_in(doc) == expand(doc, expected), text
        n_joined += len(rows) - len(expected)
    assert n_joined > 5
    check_reloads(nlp, tmp_path / "saved")


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("convbert", "vectors must not depend on padding, but those of ConvBertForTokenClassification"),
        ("bros", "must need no more than the pieces of a text, but BrosForTokenClassification"),
    ],
)
def test_unsupported_architecture_is_refused_in_one_line(
    tiny: Path, tmp_path: Path, kind: str, message: str
) -> None:
    folder = write(tmp_path, kind, AutoTokenizer.from_pretrained(tiny), BIO, type_vocab_size=1)
    with pytest.raises(ValueError, match=message) as err:
        adopt(folder)("text")
    assert "\n" not in str(err.value)
