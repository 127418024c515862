"""Offsets in UTF-16 units, with Python's own codec as the oracle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_xner.serving.offsets import make_decoder, make_encoder

texts = st.text(st.sampled_from("a张😀👍é\u200d\x00\U0010ffff"), max_size=12)


@given(texts)
def test_offsets_are_those_of_the_codec(text: str) -> None:
    encode, decode = make_encoder(text, "utf-16"), make_decoder(text, "utf-16")
    for i in range(len(text) + 1):
        n_units = len(text[:i].encode("utf-16-le")) // 2
        assert encode(i) == n_units
        assert decode(n_units) == i


@given(texts, st.integers(0, 30))
def test_other_offsets_are_refused(text: str, offset: int) -> None:
    starts = {len(text[:i].encode("utf-16-le")) // 2 for i in range(len(text) + 1)}
    if offset in starts:
        return
    with pytest.raises(ValueError, match="an offset must be"):
        make_decoder(text, "utf-16")(offset)


@given(texts)
def test_codepoints_stay(text: str) -> None:
    encode, decode = make_encoder(text, "codepoints"), make_decoder(text, "codepoints")
    for i in range(len(text) + 1):
        assert encode(i) == decode(i) == i
