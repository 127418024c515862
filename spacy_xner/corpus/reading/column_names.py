"""What the columns of a table are, by their names and by what their cells look like."""

import json
import re
from ast import literal_eval
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

# The column of each role, names in lower case, in the order in which they are preferred.
NAMES: dict[str, tuple[str, ...]] = {
    "text": (
        *("text", "text_a", "sentence", "content", "tweet", "review", "message", "comment", "body", "query"),
        *("data", "utterance", "document", "question", "post", "sms", "description", "headline", "title"),
        *("abstract", "summary", "sentences", "texts", "问句", "留言", "评价", "新闻", "摘要", "微博", "短信",
          "用户输入"),
        *( "文本", "内容", "句子", "正文", "语料", "评论", "原文", "文章"),
        *("問題", "问题", "标题", "文本內容", "內容", "評論", "テキスト", "本文", "文章", "文", "レビュー"),
        *("문장", "텍스트", "본문", "내용", "리뷰", "제목"),
    ),
    "labels": (
        *("label", "labels", "category", "class", "sentiment", "intent", "target", "topic", "categories"),
        *("emotion", "emotions", "classes", "intents", "topics", "domain", "choice", "choices", "polarity"),
        *("class index", "class_index", "rating", "stars", "tags", "tag", "情感极性", "极性", "类目"),
        *("标签", "类别", "分类", "情感", "情感倾向", "情绪", "意图", "标注", "类型", "主题", "領域", "领域"),
        *("星级", "评分", "標籤", "類別", "ラベル", "カテゴリ", "カテゴリー", "感情"),
        *("라벨", "레이블", "감정", "분류", "카테고리"),
    ),
    "tokens": (
        *("token", "tokens", "word", "words", "form", "char", "character", "characters", "字", "词", "单词"),
        *("字符", "词语", "単語", "トークン", "단어", "토큰"),
    ),
    "tags": (
        *("ner_tags", "ner_tag", "ner", "tags", "tag", "word_labels", "bio", "iob", "bio_tag", "iob_tag"),
        *("entity_tag", "slots", "slot", "label", "labels", "entity", "entities"),
        *("标签", "标注", "实体", "实体标签", "ラベル", "タグ", "태그", "라벨"),
    ),
    "sentence": (
        *("sentence #", "sentence_id", "sent_id", "sentence id", "sentence_idx", "sentence_no"),
        *("sentence number", "sentenceid", "sentid", "sent", "sid", "sentence", "doc_id", "docid"),
        *("document_id", "doc", "id", "句子编号", "句子id", "文番号"),
    ),
    "spans": ("spans", "entities", "annotations", "ner", "slots", "entity", "实体"),
    "start": ("start", "start_offset", "start offset", "begin", "start_char", "start_idx", "char_start"),
    "end": ("end", "end_offset", "end offset", "stop", "end_char", "end_idx", "char_end"),
    "other": (
        *("", "id", "ids", "idx", "index", "key", "guid", "uid", "uuid", "url"),
        *("link", "date", "time", "timestamp", "created_at", "updated_at", "user", "username", "author"),
        *("annotator", "annotation_id", "lead_time", "source", "split", "set", "lang", "language", "score"),
        *("pos", "chunk", "lemma", "编号", "序号", "链接", "时间", "日期", "番号", "日付", "번호", "날짜"),
    ),
}  # fmt: skip
OTHER = re.compile(r"\w+[ _]id|\w{1,4}编号")
# How the cells of a column are written, the first that fits is its kind.
PATTERNS = {
    "flags": re.compile(r"[01](\.0)?"),
    "truths": re.compile(r"true|false", re.IGNORECASE),
    "whole numbers": re.compile(r"[+-]?\d+(\.0)?"),
    "numbers": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?%?", re.IGNORECASE),
    "number lists": re.compile(r"\d+(\s*[,;|#、 ]\s*\d+)*"),
    "dates": re.compile(r"\d{4}[-/.]\d\d?[-/.]\d\d?([T ].*)?|\d\d?[-/.]\d\d?[-/.]\d{4}([T ].*)?"),
    "links": re.compile(r"(https?://|www\.)\S+|[^\s@]+@[^\s@]+\.\w+"),
    "ids": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24,}", re.IGNORECASE),
}
ITEM = re.compile(r"'([^']*)'|\"([^\"]*)\"|(\d+)")
ARRAY = re.compile(rf"\[\s*(?:{ITEM.pattern})(?:\s+(?:{ITEM.pattern}))*\s*\]")
# One bad cell must not change what a column is.
MIN_SHARE = 0.9
MAX_CLASS_LENGTH = 60
MAX_CLASS_WORDS = 8
SENTENCE_END = re.compile(r"\S\s+\S.*[.?!…]$|[。？！]$")
# A sample of this many rows shows whether values are repeated.
MIN_ROWS = 20


def find_name(names: Sequence[str], role: str) -> list[int]:
    """List the columns whose names have a role, the preferred first.

    A name fits in any case, and as the last word of a longer one: ``comment_text``, ``微博内容``.
    """
    lowered = [name.strip().lower() for name in names]
    exact = [lowered.index(name) for name in NAMES[role] if name in lowered]
    if role not in ("text", "labels"):
        return exact
    longer = [
        i for i, name in enumerate(lowered) if not is_other(name) and _last_word(name, role) is not None
    ]
    longer.sort(key=lambda i: NAMES[role].index(_last_word(lowered[i], role) or ""))
    return list(dict.fromkeys([*exact, *longer]))


def _last_word(name: str, role: str) -> str | None:
    """Return the name of a role with which a longer name ends."""
    last = re.split(r"[\W_]+", name)[-1]
    return next(
        (each for each in NAMES[role] if (last == each if each.isascii() else name.endswith(each))), None
    )


def is_other(name: str) -> bool:
    """Return whether a column of this name is about its row: an id, a date, an author."""
    name = name.strip().lower()
    return name in NAMES["other"] or name.startswith("unnamed:") or OTHER.fullmatch(name) is not None


def is_known(name: str) -> bool:
    """Return whether a cell is the name of a column of some role."""
    name = name.strip().lower()
    # A longer name may be a sentence, unless it is one word, such as comment_text.
    is_longer = name.isascii() and "_" in name and any(_last_word(name, role) for role in ("text", "labels"))
    return bool(name) and (is_longer or is_other(name) or any(name in names for names in NAMES.values()))


def find_kind(cells: Iterable[str], is_tag: Callable[[str], bool]) -> str:
    """Return what the cells of a column are.

    Returns:
        A key of `PATTERNS`, or ``empty``, ``literals`` (lists and objects of JSON or Python), ``tags``,
        ``sentences`` or ``classes``.
    """
    values = [stripped for cell in cells if (stripped := cell.strip())]
    if not values:
        return "empty"
    for kind, pattern in PATTERNS.items():
        if _share(values, partial(_matches, pattern)) >= MIN_SHARE:
            return kind
    if _share(values, is_tag) >= MIN_SHARE and {*values} != {"O"}:
        return "tags"
    if _share(values, _is_literal) >= MIN_SHARE:
        return "literals"
    return "sentences" if _share(values, is_sentence) > 0.5 else "classes"


def _share(values: Sequence[str], is_good: Callable[[str], bool]) -> float:
    return sum(map(is_good, values)) / len(values)


def _matches(pattern: re.Pattern[str], cell: str) -> bool:
    return pattern.fullmatch(cell) is not None


def _is_literal(cell: str) -> bool:
    return parse_literal(cell) is not None


def is_sentence(cell: str) -> bool:
    """Return whether a cell is longer than a class, or ends as a sentence does."""
    cell = cell.strip()
    return (
        len(cell) > MAX_CLASS_LENGTH
        or len(cell.split()) > MAX_CLASS_WORDS
        or SENTENCE_END.search(cell) is not None
    )


def parse_literal(cell: str) -> Any:
    """Read a list or object as JSON, Python or numpy write it; None if a cell is neither."""
    cell = cell.strip()
    if cell[:1] not in ("[", "{", "(") or cell[-1:] not in ("]", "}", ")"):
        return None
    if ARRAY.fullmatch(cell):
        # Without commas between strings, Python would join them.
        return [int(number) if number else one or other for one, other, number in ITEM.findall(cell)]
    for parse in (json.loads, literal_eval):
        try:
            value = parse(cell)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(value, list | tuple | dict):
            return _to_json(value)
    return None


def _to_json(value: Any) -> Any:
    """Return a value with lists in place of tuples."""
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    return {key: _to_json(item) for key, item in value.items()} if isinstance(value, dict) else value
