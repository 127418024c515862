"""Lines that name the columns of a CoNLL file."""

import re
from collections.abc import Sequence

# As in CoNLL-U Plus.
GLOBAL_COLUMNS = re.compile(r"#\s*global\.columns\s*=\s*(.*)")
TOKENS = (
    "token tokens word words form text char chars character characters 字 词 字符 词语 单词 単語 단어 토큰"
)
TAGS = (
    "tag tags label labels ner ner_tag ner_tags nertag entity entities entity_tag iob iob_tag iob2 bio "
    "bio_tag bioes bilou ne ne_tag word_label word_labels 标签 标注 实体 实体标签 ラベル 태그 라벨"
)
# Of a column that tells sentences apart: such a file is a table.
SENTENCES = "sentence sentence_id sentence_# sent sent_id sentid sentence_idx sentence_number"


def read_global_columns(line: str) -> str | None:
    """Read the columns from the header of a CoNLL-U Plus file, if it names a token and tags."""
    match = GLOBAL_COLUMNS.fullmatch(line.strip())
    if match is None:
        return None
    names = ("token" if name == "FORM" else "tag" if "NER" in name else "_" for name in match[1].split())
    header = " ".join(names)
    return header if "token" in header and "tag" in header else None


def find_token_name(row: Sequence[str]) -> int | None:
    """Return the index of the token's name in a row that names the columns; None if it is no such row."""
    names = _normalize(row)
    if not {*names} & {*TAGS.split()}:
        return None
    return next((i for i, name in enumerate(names) if name in TOKENS.split()), None)


def names_sentences(row: Sequence[str]) -> bool:
    """Return whether a header has a column that tells sentences apart."""
    return not {*_normalize(row)}.isdisjoint(SENTENCES.split())


def _normalize(row: Sequence[str]) -> list[str]:
    return [cell.strip().strip("\ufeff\"'").lower().replace(" ", "_") for cell in row]
