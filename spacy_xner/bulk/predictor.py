"""The function for batches of other engines: ``map_batches`` of Ray Data, or pandas UDFs of Spark."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import torch
from spacy.language import Language

from ..corpus.export import doc_to_record
from ..corpus.formats.span_json import record_to_row
from ..loading import load
from ..scripts import replace_surrogates
from .rendering import cats_type, spans_type
from .streaming import pipe_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

Batch = TypeVar("Batch")


def load_with_threads(model: str, device: str, threads: int | None) -> Language:
    """Load a pipeline in a worker.

    Args:
        model: Folder or installed package.
        device: Its device.
        threads: Threads of this process; None to leave them as they are.

    Raises:
        OSError: If there is no such model.
        ValueError: If it cannot be used.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    return load(model, device)


class Predictor:
    """Adds what a pipeline predicts to batches: a column ``spans``, and ``cats`` if it has labels of texts.

    An entity has ``start``, ``end``, ``label``, ``text`` and ``score``. All other columns stay.

    Args:
        model: Folder or installed package of the pipeline, or a pipeline.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto`` for what the pipeline is set to.
        column: Column of the texts.
        threads: Threads of this process, so that several on one machine do not compete for its cores; None to
            leave them as they are.

    Examples:
        >>> import pandas as pd
        >>> from spacy_xner.bulk import Predictor
        >>> predict = Predictor("pipeline", "cpu")
        >>> batch = predict(pd.DataFrame({"text": ["Send to Anna Schmidt, DHL Express"]}))
        >>> [(span["text"], span["label"]) for span in batch["spans"][0]]
        [('Anna Schmidt', 'PER'), ('DHL Express', 'COURIER')]
    """

    def __init__(
        self,
        model: str | Path | Language,
        device: str = "auto",
        *,
        column: str = "text",
        threads: int | None = None,
    ) -> None:
        self.nlp = model if isinstance(model, Language) else load_with_threads(str(model), device, threads)
        self.column = column
        metas = map(self.nlp.get_pipe_meta, self.nlp.pipe_names)
        self._has_cats = any("doc.cats" in meta.assigns for meta in metas)

    def __call__(self, batch: Batch) -> Batch:
        """Return a batch of the same kind, with what was predicted.

        Args:
            batch: A data frame of pandas, a table of pyarrow, or a dictionary of arrays of NumPy.

        Raises:
            TypeError: If it is something else.
            ValueError: If it has no column of texts, or one of them is no text.
        """
        frame: Any = batch
        if hasattr(frame, "schema"):
            columns = self._predict(self._list_texts(frame, frame.column_names))
            for name, values in columns.items():
                frame = _set_column(frame, name, values)
            return cast(Batch, frame)
        if hasattr(frame, "assign"):
            return cast(Batch, frame.assign(**self._predict(self._list_texts(frame, frame.columns))))
        if isinstance(frame, dict):
            columns = self._predict(self._list_texts(frame, frame))
            return cast(Batch, frame | {name: _make_array(values) for name, values in columns.items()})
        raise TypeError(
            f"A batch must be a DataFrame, a Table or a dict of arrays, found {type(batch).__name__}. "
            "Set the batch_format of the engine."
        )

    def _list_texts(self, frame: Any, names: Iterable[str]) -> list[str]:
        if self.column not in names:
            raise ValueError(
                f"A batch must have the column {self.column!r}, found {', '.join(map(str, names))}. Name the "
                "column of the texts."
            )
        column = frame[self.column]
        texts = column.to_pylist() if hasattr(column, "to_pylist") else column.tolist()
        bad = [text for text in texts if not isinstance(text, str)]
        if bad:
            raise ValueError(
                f"The column {self.column!r} must hold texts, found {bad[0]!r:.100}. Fill or drop such rows."
            )
        return [*map(replace_surrogates, texts)]

    def _predict(self, texts: Sequence[str]) -> dict[str, list[Any]]:
        records = map(doc_to_record, pipe_texts(self.nlp, texts))
        rows = [record_to_row(record, has_scores=True) for record in records]
        columns = {"spans": [row.get("spans", []) for row in rows]}
        return columns | ({"cats": [row.get("cats", {}) for row in rows]} if self._has_cats else {})


def _set_column(table: Any, name: str, values: Sequence[Any]) -> Any:
    """Return a table of pyarrow with a column, whose type does not depend on the texts."""
    import pyarrow as pa

    is_spans = name == "spans"
    rows = values if is_spans else [[*cats.items()] for cats in values]
    column = pa.array(rows, spans_type() if is_spans else cats_type())
    place = table.schema.get_field_index(name)
    return table.append_column(name, column) if place < 0 else table.set_column(place, name, column)


def _make_array(values: Sequence[Any]) -> "NDArray[np.object_]":
    """Return an array of lists or dictionaries, not of what is in them."""
    array = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        array[place] = value
    return array
