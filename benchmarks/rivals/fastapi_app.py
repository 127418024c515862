"""A service as people write it themselves: FastAPI calls `nlp(text)` in its thread pool.

Usage: MODEL=PIPELINE python -m uvicorn --app-dir benchmarks/rivals fastapi_app:app
"""

import os
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from spacy_xner.loading import load

nlp = load(os.environ["MODEL"], "cpu")
app = FastAPI()


class Body(BaseModel):
    """A text."""

    text: str


@app.post("/predict")
def predict(body: Body) -> dict[str, Any]:
    """Predict entities. FastAPI runs a function that is not async in a thread of its own."""
    doc = nlp(body.text)
    entities = [
        {"start": e.start_char, "end": e.end_char, "label": e.label_, "text": e.text} for e in doc.ents
    ]
    return {"entities": entities}
