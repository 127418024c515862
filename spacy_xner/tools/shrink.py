"""Shrinks a trained pipeline for delivery: pruned vocabulary, half precision, ONNX graph."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, NamedTuple, cast

import srsly
from tokenizers import Tokenizer

from ..atomic import check_apart, check_new, new_folder
from ..corpus.convert import size_of
from ..loading import check_pipeline_folder, load
from ..models.manifest import Storage
from ..models.shim import ModelShim, get_shim
from ..nn.encoder.encoder import Encoder, Specials
from ..nn.encoder.pieces import PieceCutter
from ..pipeline.component import Component
from .encoders.prune import prune_vocabulary


class ShrinkReport(NamedTuple):
    """Sizes before and after shrinking.

    Attributes:
        rows_before: Rows of the embedding tables.
        rows_after: Rows kept.
        megabytes_before: Size of the pipeline's files, in MB.
        megabytes_after: Size of the new pipeline's files, in MB.
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
    overwrite: bool = False,
    on_text: Callable[[int], None] | None = None,
) -> ShrinkReport:
    """Write a smaller pipeline that makes the same predictions. It can be trained further.

    Args:
        model: A folder or an installed package.
        folder: Output folder.
        texts: Typical input. Pieces that do not occur in it are removed from the vocabulary, except single
            characters. None keeps the whole vocabulary.
        min_count: How often a piece must occur in the texts to be kept.
        storage: Precision of the weights on disk. Pipelines load them as float32 and compute in that.
        backend: Runtime of the components on a CPU; None keeps the current one. ``onnx`` saves the graph too.
        precision: Precision of the components on a CPU; None keeps the current one.
        overwrite: Replace a pipeline that is in the folder.
        on_text: Called with the number of texts read so far.

    Raises:
        OSError: If the pipeline is missing.
        ValueError: If no component has its own encoder, or the vocabulary cannot be pruned.
        FileExistsError: If the folder is not empty and must not be replaced.

    Examples:
        >>> import spacy_xner
        >>> report = spacy_xner.shrink("pipeline", "small", storage="float16")
        >>> report.megabytes_after < report.megabytes_before
        True
        >>> [ent.label_ for ent in spacy_xner.load("small")("Send to Anna Schmidt, DHL Express").ents]
        ['PER', 'COURIER']
    """
    model, folder = str(model), Path(folder)
    check_apart(folder, Path(model))
    check_new(folder, replace=overwrite)
    check_pipeline_folder(folder)
    nlp = load(model, "cpu")
    pipes = {name: pipe for name, pipe in nlp.pipeline if isinstance(pipe, Component)}
    shims = [get_shim(pipe.model) for pipe in pipes.values()]
    own = [shim for shim in shims if shim.encoder is not None and not shim.encoder.keeps_base]
    if not own:
        raise ValueError(
            f"A pipeline must have a component with its own encoder to be shrunk, found none in {model}. "
            "Name one whose xner or xcat neither listens to another component nor saves only adapters."
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
    with new_folder(folder, replace=overwrite) as part:
        sizes = [size_of(nlp.path)]
        nlp.to_disk(part)
        sizes.append(size_of(part))
    return ShrinkReport(before, after, *(size / 1e6 for size in sizes))


def _prune(
    shim: ModelShim, lines: list[str], min_count: int, model: str, on_text: Callable[[int], None] | None
) -> int:
    """Prune the vocabulary of a component's encoder; return the number of rows left."""
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
