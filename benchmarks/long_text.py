"""Long documents: do entities near the edge of a window equal those of the sentence alone?

The sentences of a corpus are concatenated to a document of many windows. An entity counts as near an
edge if it lies within some characters of where vectors change windows.

Usage: python benchmarks/long_text.py PIPELINE TEXTS
"""

from pathlib import Path
from typing import Annotated

import spacy
import typer
from results import write_results
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xner.models.execution import get_execution
from spacy_xner.nn.encoder.windows import plan_windows


def border_chars(nlp: Language, doc: Doc) -> list[int]:
    """Return the characters at which the vectors of a doc come from another window."""
    execution = get_execution(nlp.get_pipe("xner").model)
    encoder = execution.network.encoder
    counts = execution.cut([doc])[0].counts
    cuts = {window.keep_start for window in plan_windows(counts, encoder.capacity, encoder.overlap)}
    piece, edges = 0, []
    for token, count in zip(doc, counts, strict=True):
        if piece in cuts and piece:
            edges.append(token.idx)
        piece += count
    return edges


def main(
    model: Annotated[str, typer.Argument(help="Trained pipeline.")],
    source: Annotated[Path, typer.Argument(help="Text file with one sentence per line.")],
    tokens: int = 10_000,
    near: Annotated[int, typer.Option(help="Distance in characters that counts as near.")] = 60,
    joiner: str = "\n",
) -> None:
    """Compare entities near window edges with those of the sentences alone."""
    nlp = spacy.load(model)
    nlp.max_length = 10_000_000
    alone: dict[tuple[int, int, str], bool] = {}
    text, n_tokens = "", 0
    sentences = []
    for line in source.read_text("utf-8").splitlines():
        if line.strip() and n_tokens < tokens:
            sentences.append((len(text), line))
            text += line + joiner
            n_tokens += len(nlp.make_doc(line))
    for (offset, _), doc in zip(sentences, nlp.pipe(line for _, line in sentences), strict=True):
        for ent in doc.ents:
            alone[offset + ent.start_char, offset + ent.end_char, ent.label_] = True
    doc = nlp(text)
    assert all(token.ent_iob for token in doc)
    together = {(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents}
    edges = border_chars(nlp, doc)
    is_near = lambda ent: any(abs(ent[0] - b) < near or abs(ent[1] - b) < near for b in edges)  # noqa: E731
    shares = {}
    for name, keep in (("near a border", is_near), ("all", lambda ent: True)):
        ours, theirs = {e for e in together if keep(e)}, {e for e in alone if keep(e)}
        same = len(ours & theirs)
        share = same / max(len(theirs), 1)
        shares[name] = 100 * share
        print(f"{name}: {len(theirs)} alone, {len(ours)} together, {same} the same ({100 * share:.2f} %)")
    head = type(get_execution(nlp.get_pipe("xner").model).network.head).__name__
    cells = {"near an edge, %": shares["near a border"], "everywhere, %": shares["all"]}
    write_results({head: cells}, head)
    print(f"{len(doc)} tokens, {len(edges)} edges, {len(sentences)} sentences")


if __name__ == "__main__":
    typer.run(main)
