"""A small sample of each format: a test reads them, and `scripts/formats.py` writes a page of them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

Entities = list[tuple[str, str]]


class Sample(NamedTuple):
    """A sample of a format.

    Attributes:
        format: Name of the format, as `--format` takes it.
        title: What has this shape.
        text: The content of the file.
        entities: The entities of each text, with their labels; None for a text that is not annotated.
        cats: The labels of each text.
        name: Name of the file.
        beside: Content of another file, by its name.
    """

    format: str
    title: str
    text: str
    entities: list[Entities | None]
    cats: list[list[str]] | None = None
    name: str = "corpus"
    beside: Mapping[str, str] = MappingProxyType({})


IDA: Entities = [("Ida Holm", "PER")]
ANN: Entities = [("Ann", "PER")]
KIEL: Entities = [("Kiel", "LOC")]
BOTH: list[Entities | None] = [IDA, KIEL]
MOODS: list[Entities | None] = [None, None]

SAMPLES = [
    # Tokens, one a line.
    Sample(
        "conll",
        "CoNLL: a token and its tag, any scheme",
        "Ida\tB-PER\nHolm\tI-PER\nran\tO\n\nKiel\tB-LOC\n",
        BOTH,
    ),
    Sample("conll", "tags without a letter", "Ida PER\nHolm PER\nran O\n\nKiel LOC\n", BOTH),
    Sample(
        "conll", "other marks than a hyphen, any case", "Ida B_PER\nHolm I_PER\nran O\n\nKiel B_LOC\n", BOTH
    ),
    Sample(
        "conll",
        "letters alone; `--label` names them",
        "heart B\nattack I\nis O\n\nflu B\n",
        [[("heart attack", "ENTITY")], [("flu", "ENTITY")]],
    ),
    Sample(
        "conll",
        "CoNLL-U with tags among other attributes",
        "1\tIda\tIda\tPROPN\t_\t_\t2\tnsubj\t_\tname=B-PER\n2\tran\trun\tVERB\t_\t_\t0\troot\t_\tname=O\n",
        [[("Ida", "PER")]],
    ),
    Sample(
        "conll-2012",
        "OntoNotes and CoNLL-2012",
        "#begin document (a); part 000\na 0 0 Ida NNP (PER*\na 0 1 Holm NNP *)\n\n#end document\n",
        [IDA],
    ),
    Sample(
        "webanno",
        "WebAnno TSV 3",
        "#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.NamedEntity|value\n\n#Text=Ida Holm ran\n"
        "1-1\t0-3\tIda\tPER[1]\n1-2\t4-8\tHolm\tPER[1]\n1-3\t9-12\tran\t_\n",
        [IDA],
    ),
    Sample(
        "joined",
        "characters and tags on a line, joined by U+0002",
        "寄\x02李\x02雷\tO\x02B-PER\x02I-PER\n到\x02京\tO\x02B-LOC\n",
        [[("李雷", "PER")], [("京", "LOC")]],
    ),
    # A text a line.
    Sample(
        "pairs", "spaCy's `.iob`: a token and its tag", "Ida|B-PER Holm|I-PER ran|O\nto|O Kiel|B-LOC\n", BOTH
    ),
    Sample(
        "pairs",
        "a word and its label",
        "去/o 北京/ns 找/o\n李雷/nr 收/o\n",
        [[("北京", "ns")], [("李雷", "nr")]],
    ),
    Sample(
        "pfr",
        "PFR: words with their part of speech, names among them",
        "[北京/ns 大学/n]nt 的/u 李/nr 明/nr 到/v 了/u\n我/r 在/p 上海/ns\n",
        [[("北京", "ns"), ("北京大学", "nt"), ("李明", "nr")], [("上海", "ns")]],
    ),
    Sample("inline", "marks in the text", "{{PER:Ida Holm}} ran\nto {{LOC:Kiel}} by car\n", BOTH),
    Sample("inline", "Rasa's marks", "[Ida Holm](PER) ran\nto [Kiel](LOC) by car\n", BOTH),
    Sample("inline", "marks as in XML", "<PER>Ida Holm</PER> ran\nto <LOC>Kiel</LOC> by car\n", BOTH),
    Sample(
        "two-lines",
        "MSRA: characters, and tags under them",
        "去 北 京\nO B-LOC I-LOC\n\n李 雷 来\nB-PER I-PER O\n",
        [[("北京", "LOC")], [("李雷", "PER")]],
    ),
    Sample("sequences", "a text and its tags", "Ida Holm ran\tB-PER I-PER O\nto Kiel\tO B-LOC\n", BOTH),
    Sample(
        "fasttext",
        "fastText",
        "__label__wet the box is wet\n__label__dry all is well\n",
        MOODS,
        [["wet"], ["dry"]],
    ),
    # Tables.
    Sample(
        "table",
        "a text and its label",
        "text,label\nthe box is wet,wet\nall is well,dry\n",
        MOODS,
        [["wet"], ["dry"]],
    ),
    Sample(
        "table",
        "lines of Toutiao's titles, without a header",
        "6551_!_101_!_wet_!_the box is wet_!_box\n6552_!_102_!_dry_!_all is well_!_\n6553_!_101_!_wet_!_so wet_!_\n",
        [None, None, None],
        [["wet"], ["dry"], ["wet"]],
    ),
    Sample(
        "table",
        "several labels",
        "text,label\nwet and torn,wet|torn\nall is torn,torn\n",
        MOODS,
        [["torn", "wet"], ["torn"]],
    ),
    Sample(
        "table",
        "a column for each label",
        "text,wet,torn\nwet and torn,1,1\nall is torn,0,1\n",
        MOODS,
        [["torn", "wet"], ["torn"]],
    ),
    Sample(
        "table",
        "entities in cells, as Label Studio exports them",
        'text,label\nIda Holm ran,"[{""start"": 0, ""end"": 8, ""labels"": [""PER""]}]"\n'
        'to Kiel,"[{""start"": 3, ""end"": 7, ""labels"": [""LOC""]}]"\n',
        BOTH,
    ),
    Sample(
        "token-table",
        "a token a row",
        "sentence_id,words,labels\n0,Ida,B-PER\n0,Holm,I-PER\n0,ran,O\n1,Kiel,B-LOC\n",
        BOTH,
    ),
    Sample(
        "span-rows",
        "an entity a row",
        "text,start,end,label\nIda Holm ran,0,8,PER\nto Kiel,3,7,LOC\n",
        BOTH,
    ),
    # JSON with offsets.
    Sample(
        "jsonl",
        "texts with entities by offsets: spaCy, Prodigy, doccano",
        '{"text": "Ida Holm ran", "spans": [{"start": 0, "end": 8, "label": "PER"}]}\n'
        '{"text": "to Kiel", "spans": [{"start": 3, "end": 7, "label": "LOC"}]}\n',
        BOTH,
    ),
    Sample(
        "jsonl",
        "entities as arrays",
        '{"text": "Ida Holm ran", "label": [[0, 8, "PER"]]}\n{"text": "to Kiel", "label": [[3, 7, "LOC"]]}\n',
        BOTH,
    ),
    Sample(
        "jsonl",
        "pairs, as for spaCy 2",
        '["Ida Holm ran", {"entities": [[0, 8, "PER"]]}]\n["to Kiel", {"entities": [[3, 7, "LOC"]]}]\n',
        BOTH,
    ),
    Sample(
        "jsonl",
        "labels of texts",
        '{"text": "the box is wet", "cats": {"wet": 1, "dry": 0}}\n{"text": "all is well", "cats": {"wet": 0, "dry": 1}}\n',
        MOODS,
        [["wet"], ["dry"]],
    ),
    Sample(
        "jsonl",
        "probabilities, as transformers' zero-shot pipelines write them: those that add up to 1 give one label",
        '{"sequence": "the box is wet", "labels": ["wet", "dry"], "scores": [0.8, 0.2]}\n'
        '{"sequence": "all is well", "labels": ["dry", "wet"], "scores": [0.6, 0.4]}\n',
        MOODS,
        [["wet"], ["dry"]],
    ),
    Sample(
        "jsonl",
        "0 or 1 for each label, with the names in `labels.txt`",
        '{"text": "the box is wet", "labels": [1, 0, 0]}\n{"text": "all is well", "labels": [0, 1, 0]}\n',
        MOODS,
        [["wet"], ["dry"]],
        beside={"labels.txt": "wet\ndry\nlate\n"},
    ),
    Sample(
        "jsonl",
        "entities by label, as language models write them",
        '{"text": "Ida Holm ran", "entities": {"PER": ["Ida Holm"]}}\n{"text": "to Kiel", "entities": {"LOC": ["Kiel"]}}\n',
        BOTH,
    ),
    Sample(
        "jsonl",
        "Dataturks, with ends inclusive",
        '{"content": "Ida Holm ran", "annotation": [{"label": ["PER"], "points": [{"start": 0, "end": 7, "text": "Ida Holm"}]}]}\n'
        '{"content": "to Kiel", "annotation": [{"label": ["LOC"], "points": [{"start": 3, "end": 6, "text": "Kiel"}]}]}\n',
        BOTH,
    ),
    Sample(
        "jsonl",
        "presidio-research",
        '[{"full_text": "Ida Holm ran", "spans": [{"entity_type": "PER", "entity_value": "Ida Holm", "start_position": 0, "end_position": 8}]}]\n',
        [IDA],
    ),
    Sample(
        "jsonl",
        "ai4privacy",
        '{"source_text": "Ida Holm ran", "privacy_mask": [{"value": "Ida Holm", "start": 0, "end": 8, "label": "PER"}]}\n',
        [IDA],
    ),
    Sample(
        "cluener",
        "CLUENER",
        '{"text": "Ida Holm ran", "label": {"PER": {"Ida Holm": [[0, 7]]}}}\n{"text": "to Kiel", "label": {"LOC": {"Kiel": [[3, 6]]}}}\n',
        BOTH,
    ),
    Sample(
        "label-studio",
        "Label Studio",
        '[{"data": {"text": "Ida Holm ran"}, "annotations": [{"result": [{"type": "labels", "from_name": "label", '
        '"to_name": "text", "value": {"start": 0, "end": 8, "text": "Ida Holm", "labels": ["PER"]}}]}]}]\n',
        [IDA],
    ),
    Sample(
        "jsonl",
        "doccano with relations",
        '{"id": 1, "text": "Ida Holm ran", "entities": [{"id": 1, "label": "PER", "start_offset": 0, "end_offset": 8}], "relations": []}\n',
        [IDA],
    ),
    Sample(
        "uie",
        "UIE's prompts",
        '{"content": "Ida Holm ran", "result_list": [{"text": "Ida Holm", "start": 0, "end": 8}], "prompt": "PER"}\n',
        [IDA],
    ),
    Sample(
        "chunks",
        "Snips and Dialogflow",
        '[{"data": [{"text": "Ida Holm", "entity": "PER"}, {"text": " ran"}]}, '
        '{"data": [{"text": "to "}, {"text": "Kiel", "entity": "LOC"}]}]\n',
        BOTH,
    ),
    # JSON with tokens.
    Sample(
        "mrc",
        "BERT-MRC: a question for each label, answered with words",
        '[{"context": "Ida Holm ran", "entity_label": "PER", "query": "Who?", "span_position": ["0;1"]},\n'
        ' {"context": "to Kiel", "entity_label": "LOC", "query": "Where?", "span_position": ["1;1"]}]\n',
        BOTH,
    ),
    Sample(
        "mrc",
        "SQuAD: the question is the label",
        '{"data": [{"paragraphs": [\n{"context": "Ida Holm ran", "qas": [\n'
        '  {"question": "PER", "answers": [{"text": "Ida Holm", "answer_start": 0}]}]},\n'
        '{"context": "to Kiel", "qas": [\n'
        '  {"question": "LOC", "answers": [{"text": "Kiel", "answer_start": 3}]}]}]}]}\n',
        BOTH,
    ),
    Sample(
        "tokens",
        "tokens with their tags in arrays or objects",
        '{"tokens": [["Ida", "B-PER"], ["Holm", "I-PER"], ["ran", "O"]]}\n{"tokens": [["Kiel", "B-LOC"]]}\n',
        BOTH,
    ),
    Sample(
        "tokens",
        "tokens and tags",
        '{"tokens": ["Ida", "Holm", "ran"], "ner_tags": ["B-PER", "I-PER", "O"]}\n{"tokens": ["Kiel"], "ner_tags": ["B-LOC"]}\n',
        BOTH,
    ),
    Sample(
        "tokens",
        "GLiNER",
        '[{"tokenized_text": ["Ida", "Holm", "ran"], "ner": [[0, 1, "PER"]]}, {"tokenized_text": ["Kiel"], "ner": [[0, 0, "LOC"]]}]\n',
        BOTH,
    ),
    Sample(
        "spacy-json",
        "spaCy 2's JSON for training",
        '[{"id": 0, "paragraphs": [{"raw": "Ann ran", "sentences": [{"tokens": [{"orth": "Ann", "ner": "U-PER"}, {"orth": "ran", "ner": "O"}]}]}]}]\n',
        [ANN],
    ),
    Sample(
        "usaddress",
        "XML of parts, as for usaddress",
        "<AddressCollection>\n<AddressString><AddressNumber>6</AddressNumber> <StreetName>Elm</StreetName></AddressString>\n</AddressCollection>\n",
        [[("6", "AddressNumber"), ("Elm", "StreetName")]],
    ),
    Sample(
        "brat",
        "brat's standoff, beside the text",
        "T1\tPER 0 8\tIda Holm\nT2\tLOC 16 20\tKiel\n",
        [[*IDA, *KIEL]],
        name="slip.ann",
        beside={"slip.txt": "Ida Holm ran to Kiel\n"},
    ),
]
