"""The documentation's page of formats, from their modules and the samples that the tests read."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import srsly

if TYPE_CHECKING:
    from spacy_xner.corpus import Format

ROOT = Path(__file__).parents[2]
INTRODUCTION = """\
# Formats

`spacy-xner convert` detects the format of a corpus and prints the evidence; `--format` names it. A folder of
files of one format, and a `.zip`, `.tar`, `.gz`, `.bz2`, `.xz` or `.zst` of them, are read as one corpus, in
any encoding.

<!-- Written by scripts/pages. -->
"""

# What the formats' modules do not say.
DETAILS = {
    "conll": (
        "One token per line, tags in one or more columns; tabs or spaces, comments, `# text =`, `-DOCSTART-`."
    ),
    "jsonl": (
        "JSON lines, an array, also under a key, or pairs of a text and its annotations: `text`, "
        "and entities with `start`/`end` or `start_offset`/`end_offset`, as `[start, end, "
        "label]`, by type, by their texts, or one tag per character or word. Other names "
        "(`content`, `full_text`, `begin`, `entity_type`, ...) are recognized, and `--fields "
        "text=body,spans=marks,start=from,...` names the rest: the shapes of spaCy, Prodigy, "
        "Label Studio (JSON-MIN), Dataturks, LightTag, Argilla, Presidio, Rasa, Amazon, Google "
        "and pipelines of transformers."
    ),
    "label-studio": ("Its JSON export: texts, pages, dialogues; the ground truth or newest annotation."),
    "pairs": (
        "One text per line, each token with its tag: `Bo|B-PER ran|O`, `Bo|NNP|B-PER`, `Bo/PER`, "
        "`李雷/nr 来/o`."
    ),
    "inline": (
        "One text per line with marks: `{{city:Oslo}}`, `[Oslo](city)`, `<LOC>Oslo</LOC>`, "
        "`<Oslo:LOC>`, `[@Oslo#LOC*]`."
    ),
    "tokens": ("JSON of rows with `tokens` and `ner_tags`, or entities by the indices of tokens (GLiNER)."),
    "table": (
        "CSV or TSV of texts with labels, with a header in any of many languages or without one: "
        "one column of labels (several separated by `|`, `;`, `#` or commas, or as a list), or "
        "one column of 0 and 1 per label; or entities as lists in cells (`[(5, 7, 'PER')]`, Label"
        " Studio's CSV). `--fields text=body,labels=kind` names columns, `names=FILE` labels that"
        " are numbers. In JSON lines, a `label` that is a string, a list or an object of "
        "probabilities, or one field of 0 or 1 per label."
    ),
    "token-table": (
        "CSV or TSV with a token a row: `word,tag`, also with `sentence_id` or Kaggle's `Sentence #`."
    ),
    "sequences": ("CSV or TSV with a text a row, its tokens and tags separated by blanks or as lists."),
}


def render() -> str:
    """Render the page."""
    return render_page(INTRODUCTION, {}, written="It can be written, too.", title_of="{}:".format)


def render_chinese() -> str:
    """Render the page in Chinese; a format or sample without a Chinese text keeps the English one."""
    texts = srsly.read_yaml(Path(__file__).with_name("formats_zh.yml"))
    return render_page(
        texts["introduction"],
        texts["formats"],
        written=texts["written"],
        title_of=lambda title: f"{texts['titles'].get(title, title)}：",
    )


def render_page(
    introduction: str,
    descriptions: Mapping[str, str],
    *,
    written: str,
    title_of: Callable[[str], str],
) -> str:
    """Render the page in a language.

    Args:
        introduction: Its beginning.
        descriptions: Descriptions of formats by name; the others are described as by their modules.
        written: Says that a format can be written.
        title_of: Returns the heading of a sample by its English title.
    """
    sys.path.insert(0, str(ROOT))
    from spacy_xner.corpus import FORMATS
    from tests.corpus.samples import SAMPLES

    parts = [introduction]
    for name, format in FORMATS.items():
        parts.append(f"## `{name}`\n")
        text = descriptions.get(name)
        parts += [f"{text}\n"] if text else describe_by_module(name, format)
        if format.write is not None:
            parts.append(f"{written}\n")
        for sample in SAMPLES:
            if sample.format == name:
                files = [sample.text, *sample.beside.values()]
                parts.append(f"{title_of(sample.title)}\n")
                parts += [f"```text\n{text.rstrip()}\n```\n" for text in files]
    return "\n".join(parts)


def describe_by_module(name: str, format: "Format") -> list[str]:
    """Return the description of a format by its module, and what that does not say."""
    text = (sys.modules[format.read.__module__].__doc__ or "").strip().replace("``", "`")
    return [f"{text}\n", *(f"{detail}\n" for detail in [DETAILS.get(name)] if detail)]
