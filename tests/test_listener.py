"""One transformer of spacy-transformers shared by xner and spaCy's own textcat."""

import pickle
from pathlib import Path

import pytest
import spacy

from .conftest import SLIPS, TOKENIZER, entities_of, make_examples

LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    "pooling": {"@layers": "reduce_mean.v1"},
    "upstream": "*",
}


@pytest.mark.filterwarnings("ignore")
def test_shared_transformer_feeds_xner_and_textcat(tiny: Path, tmp_path: Path) -> None:
    from spacy_xner.training.optimizer import build_adamw_v1

    nlp = spacy.blank("xx", config=TOKENIZER)
    transformer = {"@architectures": "spacy-transformers.TransformerModel.v3", "name": str(tiny)}
    nlp.add_pipe("transformer", config={"model": transformer})
    model = {
        "@architectures": "spacy_xner.EntityModel.v1",
        "encoder": LISTENER,
        "head": {"@architectures": "spacy_xner.CRFHead.v1"},
    }
    nlp.add_pipe("xner", config={"model": model, "device": "cpu"})
    textcat = {
        "@architectures": "spacy.TextCatCNN.v2",
        "exclusive_classes": True,
        "tok2vec": LISTENER,
        "nO": None,
    }
    nlp.add_pipe("textcat", config={"model": textcat})
    examples = make_examples(nlp)
    for example in examples:
        is_slip = bool(example.reference.ents)
        example.reference.cats = {"SLIP": float(is_slip), "OTHER": float(not is_slip)}
    nlp.initialize(lambda: examples)
    before = nlp.get_pipe("transformer").model.to_bytes()
    sgd = build_adamw_v1(learn_rate=2e-3)
    losses: list[dict[str, float]] = [nlp.update(examples, sgd=sgd) for _ in range(40)]
    assert losses[-1]["xner"] < losses[0]["xner"] / 5
    assert nlp.get_pipe("transformer").model.to_bytes() != before
    nlp.to_disk(tmp_path)
    for copy in (nlp, spacy.load(tmp_path), pickle.loads(pickle.dumps(nlp))):
        for doc, (text, entities) in zip(copy.pipe(text for text, _ in SLIPS), SLIPS, strict=True):
            assert doc.text == text
            assert entities_of(doc) == entities
            assert (doc.cats["SLIP"] > 0.5) == bool(entities)
