"""Names of keys in JSON corpora by what they hold, in lower case and without ``_``, ``-`` and blanks."""

from ..reading.json_layout import ENTITIES, normalize

# Keys of entities that hold labels of the text instead where their values are strings.
EITHER = ("label", "labels", "annotation", "annotations", "标注")
# Keys of a text's labels, the preferred first.
CATS = (
    *("cats", "category", "categories", "class", "classes"),
    *("sentiment", "intent", "target", "topic", "topics"),
    *("emotion", "emotions", "intents", "polarity", "choice"),
    *("rating", "stars"),
    *("choices", "classificationannotation", "classifications", "classname", "labelname", "标签", "类别"),
    *("分类", "意图", "情感", "ラベル", "라벨"),
)  # fmt: skip
# Objects with one of these hold the labels of a text, as Label Studio and Dataturks write them.
CHOICES = ("choices", "labels", "taxonomy")
# Keys of what a language model wrote.
RESPONSES = ("answer", "response", "result", "results", "output", "completion", "extraction", "extracted")
# Keys of tags, one for each character or token; they hold other things as well.
TAGS = ("tags", "bio", "iob", "bioes", "nertag", "wordlabels", "tagseq", "labelseq", "nerlabels", "biotags")
STARTS = (
    *("start", "startoffset", "begin", "beginoffset", "startidx", "startindex", "startposition", "startpos"),
    *("startchar", "charstart", "startcharidx", "from", "offset", "startingoffset", "beg", "left", "开始"),
)  # fmt: skip
ENDS = (
    *("end", "endoffset", "endidx", "endindex", "endposition", "endpos", "endchar", "charend", "endcharidx"),
    *("to", "stop", "endingoffset", "right", "结束"),
)  # fmt: skip
LENGTHS = ("length", "len")
# Keys of a start and an end together.
PLACES = ("span", "position", "location", "offset", "offsets", "range", "charspan", "pos", "indices", "index")
LABELS = (
    *("label", "labels", "type", "entitytype", "entitygroup"),
    *("tag", "tags", "displayname", "category", "class"),
    *("labelname", "nertag", "nertype", "entitylabel", "slotname"),
    *("slot", "role", "nature", "kind", "classname", "labeltype", "类型", "标签"),
)  # fmt: skip
SURFACES = (
    *("text", "surface", "word", "mention", "entityvalue", "entitytext", "string", "spantext", "surfaceform"),
    *("span", "phrase", "textcontent", "match", "form", "文本"),
)  # fmt: skip
# Keys of either; what the text shows decides.
LABELS_OR_SURFACES = ("entity", "name", "value", "content", "实体", "entityname", "key", "title")
# Surfaces under the first are not as the text has them where the second is there too: the pipelines of
# transformers write what their tokenizer reads, Rasa writes synonyms.
REWRITTEN = (("word", "score"), ("value", "entity"))
# What may stand, with ids, beside a label in an object that has nothing else: it is a label of the text.
BESIDE_LABELS = (
    *("score", "confidence", "probability", "id", "user", "userid", "annotator", "status", "manual"),
    *("createdat", "updatedat"),
)  # fmt: skip
# Keys that hold no annotations of a text.
UNREAD = (
    *("tokens", "words", "sents", "sentences", "meta", "metadata", "options", "spanlabels", "mberttokens"),
    *("mberttexttokens", "mbertbioclasses", "mbertbiolabels", "tokenspans"),
    *("extras", "extra", "history", "info"),
    *("offsetmapping", "wordoffsets", "tokenoffsets", "vectors", "metrics", "config"),
)  # fmt: skip
# What a record has no place for, by its key.
LEFT_OUT = {
    **dict.fromkeys(("relations", "relation", "links", "triples", "spolist", "edges"), "relations"),
    **dict.fromkeys(("comments", "notes"), "comments"),
    **dict.fromkeys(("predictions", "prediction", "suggestions"), "predictions"),
}  # fmt: skip
# Keys of numbers about a row.
NUMBERS = (
    *("id", "idx", "index", "no", "number", "annotator", "annotatorid", "annotationid", "user", "userid"),
    *("leadtime", "time", "timestamp", "length", "len"),
    *("count", "score", "priority", "version", "split", "fold"),
    *("inputhash", "taskhash", "templateid", "docid", "sentid", "worker", "page", "line", "row", "rowidx"),
    *("isdraft", "draft", "completedby", "updatedby", "verified", "reviewed", "approved", "isconfirmed"),
)  # fmt: skip

__all__ = ["ENTITIES", "normalize"]


def is_number_of_row(name: str) -> bool:
    """Return whether a key's number is about its row: an id, a count, a time."""
    return normalize(name) in NUMBERS or name.lower().endswith(
        ("_id", "id_", "_idx", "_at", "_time", "_count")
    )
