"""An exported pipeline in transformers against the pipeline itself: the same entities on how many texts.

The pipeline is an adopted checkpoint with a new head, trained on slips: a softmax over tags, with pieces cut
from whole texts. Entities are compared by their characters, without white space around them: as transformers
groups them, and widened to whole tokens, as a doc's entities are.

Usage: python benchmarks/export_hf.py DATA ENCODER OUT [--texts 2000]
"""

from pathlib import Path
from typing import Annotated, Any

import typer
from common import make_docs, make_examples, read_corpus, sample, train
from recipe import name_tags
from results import write_results
from spacy.tokens import Doc
from transformers import AutoModelForTokenClassification, AutoTokenizer

from spacy_xner.loading import adopt, load
from spacy_xner.publishing.export import export_hf
from spacy_xner.publishing.measure import Spans, load_runner, read_spans
from spacy_xner.types import Record

# Texts of the same kind, unseen ones and all; addresses; and other languages, which the model has not seen.
TESTS = {
    "waybill, unseen": ("waybill/dev.txt", "waybill/test.txt"),
    "waybill": ("waybill/train.txt", "waybill/dev.txt", "waybill/test.txt"),
    "ncap": ("ncap/test.txt",),
    "other languages": ("uner/en_pud/test.iob2", "uner/ru_pud/test.iob2", "wikiann/de/test.conllu"),
}


def write_pipeline(records: list[Record], encoder: str, out: Path, **settings: Any) -> None:
    """Put a new head on an encoder, adopt the result, train it, and save the pipeline."""
    names = name_tags(span.label for record in records for span in record.spans)
    model = AutoModelForTokenClassification.from_pretrained(
        encoder, id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)}
    )
    model.save_pretrained(out / "start")
    AutoTokenizer.from_pretrained(encoder).save_pretrained(out / "start")
    nlp = adopt(out / "start", "cpu")
    train(nlp, make_examples(nlp, make_docs(nlp, records)), batch_size=16, seed=0, **settings)
    nlp.to_disk(out / "pipeline")


def widen(doc: Doc, spans: Spans) -> Spans:
    """Widen entities to whole tokens."""
    wide = [doc.char_span(start, end, label, alignment_mode="expand") for start, end, label in spans]
    return {(span.start_char, span.end_char, span.label_) for span in wide}


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder of the pipeline; trained only if it does not exist.")],
    texts: Annotated[int, typer.Option(help="Number of texts of each kind to compare.")] = 2000,
    train_texts: Annotated[int, typer.Option(help="Training texts; 0 for all.")] = 0,
    epochs: int = 1,
    learn_rate: float = 2e-4,
) -> None:
    """Train if necessary, export, then compare."""
    if not (out / "pipeline").is_dir():
        records = sample(read_corpus(data / "waybill" / "train.txt"), train_texts)
        write_pipeline(records, encoder, out, epochs=epochs, learn_rate=learn_rate)
    export_hf(out / "pipeline", out / "exported", overwrite=True)
    nlp, runner = load(out / "pipeline", "cpu"), load_runner(out / "exported", "cpu", "simple")
    rows = {}
    for name, files in TESTS.items():
        tests = sample([record for file in files for record in read_corpus(data / file)], texts)
        lines = [record.text for record in tests]
        same = same_widened = n_entities = 0
        for doc, found in zip(nlp.pipe(lines), runner(lines, batch_size=8), strict=True):
            ours = {(span.start_char, span.end_char, span.label_) for span in doc.spans["xner"]}
            theirs = read_spans(doc.text, found)
            n_entities += len(theirs)
            same += ours == theirs
            same_widened += ours == widen(doc, theirs)
        rows[name] = {
            "texts": len(tests),
            "entities": n_entities,
            "same entities, % of texts": 100 * same / len(tests),
            "widened to tokens, % of texts": 100 * same_widened / len(tests),
        }
        print(name, rows[name], flush=True)
    write_results(rows)


if __name__ == "__main__":
    typer.run(main)
