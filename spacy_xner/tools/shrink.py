"""A trained pipeline made small and fast for delivery: pruned vocabulary, half precision, ONNX graph."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, NamedTuple, cast

import srsly
from tokenizers import Tokenizer

from ..atomic import check_new, new_folder
from ..corpus.convert import size_of
from ..loading import load
from ..models.manifest import Storage
from ..models.shim import ModelShim, get_shim
from ..nn.encoder.encoder import Encoder, Specials
from ..nn.encoder.pieces import PieceCutter
from ..pipeline.component import Component
from .encoders.prune import prune_vocabulary


class ShrinkReport(NamedTuple):
    """What shrinking did.

    Attributes:
        rows_before: Rows of the embedding tables.
        rows_after: Rows kept.
        megabytes_before: Of the pipeline's files.
        megabytes_after: Of those of the new one.
    """

    rows_before: int
    rows_after: int
    megabytes_before: float
    megabytes_after: float


def shrink(
    model: str | Path,
    folder: str | Path,
    texts: Iterable[str] | None = None,
    *,
    min_count: int = 1,
    storage: Storage = "float16",
    backend: Literal["torch", "onnx"] | None = None,
    precision: Literal["fp32", "int8"] | None = None,
    on_text: Callable[[int], None] | None = None,
) -> ShrinkReport:
    """Write a pipeline that finds the same in fewer bytes. It can be trained on.

    Args:
        model: A folder or an installed package.
        folder: Where the small one goes.
        texts: Like those that it will read: pieces that these do not have are left out, but those of one
            character stay. None for the whole vocabulary.
        min_count: How often a piece must occur in them.
        storage: Precision of the weights in files. They are loaded, and computed with, in float32.
        backend: That of its components; None to leave it. For ``onnx`` the graph is saved too.
        precision: In which these compute; None to leave it.
        on_text: Called with the number of texts read so far.

    Raises:
        OSError: If there is no such pipeline.
        ValueError: If it has no encoder of its own, or its vocabulary cannot be pruned.
        FileExistsError: If the folder is there.

    Example:
        >>> import spacy_xner
        >>> report = spacy_xner.shrink("pipeline", "small", storage="float16")
        >>> report.megabytes_after < report.megabytes_before
        True
        >>> [ent.label_ for ent in spacy_xner.load("small")("Send to Anna Schmidt, DHL Express").ents]
        ['PER', 'COURIER']
    """
    model, folder = str(model), Path(folder)
    check_new(folder)
    nlp = load(model, "cpu")
    pipes = {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, Component)}
    shims = [get_shim(pipe.model) for pipe in pipes.values()]
    own = [shim for shim in shims if shim.encoder is not None and not shim.encoder.keeps_base]
    if not own:
        raise ValueError(
            f"A pipeline must have an encoder of its own to be made smaller, found none in {model}. Name one "
            "with a component of ours that does not listen to another, nor keeps only adapters."
        )
    lines = None if texts is None else list(texts)
    before = after = 0
    for shim in own:
        rows = shim.execution.network.encoder.transformer.get_input_embeddings()  # type: ignore[union-attr, operator]
        before += rows.num_embeddings
        after += rows.num_embeddings if lines is None else _prune(shim, lines, min_count, model, on_text)
    changes = {"backend": backend, "precision": precision}
    settings = {key: value for key, value in changes.items() if value is not None}
    for (name, pipe), shim in zip(pipes.items(), shims, strict=True):
        shim.storage = storage
        if shim in own:
            pipe.configure(**settings)
            nlp.get_pipe_config(name).update(settings)
    with new_folder(folder) as part:
        sizes = [size_of(nlp.path)]
        nlp.to_disk(part)
        sizes.append(size_of(part))
    return ShrinkReport(before, after, *(size / 1e6 for size in sizes))


def _prune(
    shim: ModelShim, lines: list[str], min_count: int, model: str, on_text: Callable[[int], None] | None
) -> int:
    """Prune the vocabulary of a component's encoder; returns the rows left."""
    execution = shim.execution
    encoder, cutter = cast(Encoder, execution.network.encoder), cast(PieceCutter, execution.cutter)
    spec, new_ids, _ = prune_vocabulary(
        encoder.transformer, cutter.tokenizer, lines, source=model, min_count=min_count, on_text=on_text
    )
    prefix, suffix, pad_id = encoder.specials
    encoder.specials = Specials(
        tuple(new_ids[i] for i in prefix), tuple(new_ids[i] for i in suffix), new_ids[pad_id]
    )
    pruned = Tokenizer.from_str(srsly.json_dumps(spec))
    execution.cutter = PieceCutter(
        pruned, prefix_space=cutter.prefix_space, unk_id=new_ids.get(cutter.unk_id, new_ids[pad_id])
    )
    return len(new_ids)
