"""The text beside an entity may differ in what does not make it another text."""

import pytest

from spacy_xner.corpus.annotation.surfaces import compare


@pytest.mark.parametrize(
    ("text", "surface", "difference"),
    [
        ("Zoé", "Zoé", ""),
        ("Ivy\n  Ek", "Ivy Ek", "white space"),
        ("王小明", "王 小 明", "white space"),
        ("O'Neill", "O ' Neill", "white space"),
        ("Ivy", " Ivy\n", "white space"),
        ("Zoe\u0301", "Zo\u00e9", "Unicode form"),
        ("Ａ座１２", "A座12", "Unicode form"),
        ("각", "\u1100\u1161\u11a8", "Unicode form"),
        ("Ivy Ek", "ivy ek", "case"),
        ("IVY EK", "Ivy  Ek", "case"),
        ("Straße", "STRASSE", "case"),
        ("José", "jose", "accents"),
        ("Ångström", "angstrom", "accents"),
    ],
)
def test_differences_have_a_name(text: str, surface: str, difference: str) -> None:
    assert compare(text, surface) == difference


@pytest.mark.parametrize(
    ("text", "surface"),
    [("Ivy", "Ivo"), ("Ivy Ek", "IvyEk"), ("Ivy", "Ivy E"), ("", "Ivy"), ("\u0301", "\u0300"), ("王", "玉")],
)
def test_other_texts_are_not_the_same(text: str, surface: str) -> None:
    assert compare(text, surface) is None
