"""Writes the documentation's page of formats, from their modules and the samples that the tests read.

Usage: python scripts/formats.py docs/formats.md
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
INTRODUCTION = """\
# Formats

`spacy-xner convert` detects the format of a corpus and prints the evidence; `--format` names it. A folder of
files of one format, and a `.zip`, `.tar`, `.gz`, `.bz2` or `.xz` of them, are read as one corpus, in any
encoding.

<!-- Written by scripts/formats.py. -->
"""


def render() -> str:
    """Render the page."""
    sys.path.insert(0, str(ROOT))
    from spacy_xner.corpus import FORMATS
    from tests.corpus.samples import SAMPLES

    parts = [INTRODUCTION]
    for name, format in FORMATS.items():
        text = (sys.modules[format.read.__module__].__doc__ or "").strip().replace("``", "`")
        parts.append(f"## `{name}`\n\n{text}\n")
        if format.write is not None:
            parts.append("It can be written, too.\n")
        for sample in SAMPLES:
            if sample.format == name:
                files = [sample.text, *sample.beside.values()]
                parts.append(f"{sample.title}:\n")
                parts += [f"```text\n{text.rstrip()}\n```\n" for text in files]
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")
