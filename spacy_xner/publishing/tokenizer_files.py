"""The tokenizer of a component as files of a Hugging Face fast tokenizer."""

import json
from pathlib import Path

from tokenizers import Tokenizer, processors
from transformers import PreTrainedTokenizerFast

from ..hub.encoder import UNKNOWN_LENGTH, find_max_pieces, quiet_io
from ..nn.encoder.encoder import Encoder
from ..nn.encoder.pieces import PieceCutter

CONFIG = "tokenizer_config.json"


def write_tokenizer(cutter: PieceCutter, encoder: Encoder, folder: Path) -> None:
    """Write a tokenizer that cuts texts as a whole, with the special pieces of an encoder around them.

    Args:
        cutter: The cutter of the component.
        encoder: Its encoder.
        folder: Output folder.
    """
    tokenizer = Tokenizer.from_str(cutter.tokenizer.to_str())
    set_borders(tokenizer, encoder)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        # Token types, which some models refuse, are 0 by default.
        model_input_names=["input_ids", "attention_mask"],
        model_max_length=max(
            find_max_pieces(encoder.transformer, UNKNOWN_LENGTH), encoder.capacity + encoder.n_special()
        ),
        clean_up_tokenization_spaces=False,
        **name_specials(tokenizer, encoder, cutter.unk_id),
    )
    with quiet_io():
        fast.save_pretrained(folder)
    # transformers 5 names a class that transformers 4 does not know; both know this one.
    settings = json.loads((folder / CONFIG).read_text("utf-8")) | {
        "tokenizer_class": "PreTrainedTokenizerFast"
    }
    (folder / CONFIG).write_text(json.dumps(settings, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def set_borders(tokenizer: Tokenizer, encoder: Encoder) -> None:
    """Let a tokenizer put the special pieces around texts, if it does not already."""
    prefix, suffix, _ = encoder.specials
    encoding = tokenizer.encode("")
    if encoding.ids == [*prefix, *suffix]:
        return
    names = {i: tokenizer.id_to_token(i) for i in (*prefix, *suffix)}
    tokenizer.post_processor = processors.TemplateProcessing(
        single=[*(names[i] for i in prefix), "$A", *(names[i] for i in suffix)],
        special_tokens=[(name, i) for i, name in names.items()],
    )


def name_specials(tokenizer: Tokenizer, encoder: Encoder, unk_id: int) -> dict[str, str]:
    """Name the special pieces by what they are for."""
    prefix, suffix, pad_id = encoder.specials
    added = [token for token in tokenizer.get_added_tokens_decoder().values() if token.special]
    ids = {"pad_token": pad_id}
    if unk_id != pad_id:
        ids["unk_token"] = unk_id
    if prefix:
        ids |= {"cls_token": prefix[0], "bos_token": prefix[0]}
    if suffix:
        ids |= {"sep_token": suffix[-1], "eos_token": suffix[-1]}
    names = {role: tokenizer.id_to_token(i) for role, i in ids.items()}
    masks = [token.content for token in added if token.content.strip("<>[]|").lower() == "mask"]
    return names | ({"mask_token": masks[0]} if masks else {})
