"""The function for batches of other engines."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from spacy.language import Language

from spacy_xner.bulk import Predictor

from ..conftest import SLIPS
from .conftest import TEXTS

EXPECTED = [[(text, label) for text, label in entities] for _, entities in SLIPS]


def entities(spans: object) -> list[list[tuple[str, str]]]:
    return [[(span["text"], span["label"]) for span in row] for row in spans]  # type: ignore[attr-defined]


def test_batches_keep_their_kind(trained: Language) -> None:
    predict = Predictor(trained, column="body")
    ids = [7, 8, 9, 10]
    frame = predict(pd.DataFrame({"id": ids, "body": TEXTS}))
    assert (list(frame.columns), frame["id"].tolist()) == (["id", "body", "spans"], ids)
    table = predict(pa.table({"id": ids, "body": TEXTS}))
    arrays = predict({"id": np.array(ids), "body": np.array(TEXTS)})
    for batch in (frame["spans"], table.column("spans").to_pylist(), arrays["spans"]):
        assert entities(batch) == EXPECTED
    assert table.column_names == ["id", "body", "spans"]
    assert arrays["spans"].shape == (4,)


def test_types_do_not_depend_on_texts(trained: Language) -> None:
    predict = Predictor(trained)
    full, empty, none = (
        predict(pa.table({"text": pa.array(texts, pa.string())})) for texts in (TEXTS, [""], [])
    )
    assert full.schema == empty.schema == none.schema
    assert predict(full) == full
    assert predict(pd.DataFrame({"text": pd.Series([], dtype=str)}))["spans"].tolist() == []


def test_labels_of_texts_are_added(trained: Language) -> None:
    nlp = Language(trained.vocab)
    nlp.add_pipe("textcat_multilabel").add_label("kind")  # type: ignore[attr-defined]
    nlp.initialize()
    predict = Predictor(nlp)
    frame = predict(pd.DataFrame({"text": ["Bo"]}))
    assert (list(frame["cats"][0]), frame["spans"][0]) == (["kind"], [])
    ((name, _),) = predict(pa.table({"text": ["Bo"]})).column("cats").to_pylist()[0]
    assert name == "kind"


def test_bad_batches_are_named(trained: Language) -> None:
    predict = Predictor(trained)
    with pytest.raises(ValueError, match="must have the column 'text', found body"):
        predict(pd.DataFrame({"body": ["x"]}))
    with pytest.raises(ValueError, match="'text' must hold texts, found None"):
        predict(pa.table({"text": ["x", None]}))
    with pytest.raises(TypeError, match="must be a DataFrame, a Table or a dict of arrays, found list"):
        predict([{"text": "x"}])
