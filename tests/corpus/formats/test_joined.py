"""Texts and tags that are joined by a character."""

from pathlib import Path

import pytest

from spacy_xner.corpus import read_records


@pytest.mark.parametrize(
    ("tokens", "tags", "text", "entities"),
    [
        ("王|府|街|18|号", "R-B|R-I|R-I|N-B|N-I", "王府街18号", ["王府街", "18号"]),
        ("请|找|Bo|Ek|，|谢|谢", "O|O|P-B|P-I|O|O|O", "请找Bo Ek，谢谢", ["Bo Ek"]),
        ("电|1|3|8|D|H|L", "O|T-B|T-I|T-I|C-B|C-I|C-I", "电138DHL", ["138", "DHL"]),
        ("Bo|met|Ann", "P-B|O|P-B", "Bo met Ann", ["Bo", "Ann"]),
        ("B|o| |a|n|d| |A|n|n", "P-B|P-I|O|O|O|O|O|P-B|P-I|P-I", "Bo and Ann", ["Bo", "Ann"]),
        ("최|민|수|는| |간|다", "P-B|P-I|P-I|O|O|O|O", "최민수는 간다", ["최민수"]),
    ],
)
def test_text_of_tokens(tmp_path: Path, tokens: str, tags: str, text: str, entities: list[str]) -> None:
    path = tmp_path / "file.txt"
    path.write_text(f"{tokens}\t{tags}\n".replace("|", "\x02"), encoding="utf-8")
    (record,) = read_records(path)
    assert record.text == text
    assert [text[span.char_start : span.char_end] for span in record.spans] == entities
