"""How many labelling errors `spacy-xner review --folds` finds, against cleanlab's token method.

A share of the entities is spoilt with a fixed seed. Pipelines that are trained on the other folds judge each
text; cleanlab gets the same probabilities, in an environment of its own. What is trained and judged stays in
OUT. Files of DATA: `cluener/train.json` or `waybill/train.txt`.

Usage: python benchmarks/review.py DATA ENCODER OUT [--corpus waybill] [--cleanlab PYTHON]
"""

import pickle
import random
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import spacy
import srsly
import typer
from common import make_docs, read_corpus
from numpy.typing import NDArray
from results import Cell, write_results
from spacy.language import Language
from spacy.tokens import Doc
from spoil import Error, spoil

from spacy_xner import load
from spacy_xner.tools.review.findings import Finding, Judgement, find_errors
from spacy_xner.tools.review.folds import train_folds
from spacy_xner.tools.review.judging import judge
from spacy_xner.tools.review.scores import render_spread, score_judgements

FILES = {"cluener": "train.json", "waybill": "train.txt"}
RIVAL = Path(__file__).parent / "rivals" / "cleanlab_tokens.py"
TOKENIZER = {"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v2"}}}
# Text, first token and the one after the last.
Area = tuple[int, int, int]


class Judged(NamedTuple):
    """What a held-out text was judged to be.

    Attributes:
        spoilt: The review's judgement of the spoilt text.
        original: That of the text as it was.
        tags: Names of the tags.
        probabilities: Probability of each tag at each token. Shape: ``(tokens, tags)``.
    """

    spoilt: Judgement
    original: Judgement
    tags: tuple[str, ...]
    probabilities: NDArray[np.float32]


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for what is trained and judged.")],
    corpus: str = "waybill",
    folds: Annotated[int, typer.Option(help="Number of folds.")] = 5,
    judged: Annotated[int, typer.Option(help="Number of texts that are judged; 0 for all.")] = 0,
    steps: Annotated[int, typer.Option(help="Training steps of a fold.")] = 150,
    share: Annotated[float, typer.Option(help="Share of the entities that is spoilt.")] = 0.05,
    cleanlab: Annotated[Path | None, typer.Option(help="Python of an environment with cleanlab.")] = None,
    precision: Annotated[str, typer.Option(help="fp32, or bf16 on CPUs that support it.")] = "bf16",
) -> None:
    """Spoil a corpus, review it, and count what is found."""
    docs = make_docs(spacy.blank("xx", config=TOKENIZER), read_corpus(data / corpus / FILES[corpus]))
    for doc in docs:
        # A tag head learns the entities without overlaps.
        doc.spans.clear()
    spoilt, errors = spoil(docs, share, seed=0)
    file = out / f"{corpus}.pickle"
    if not file.exists():
        settings = {
            "paths.encoder": str(encoder),
            "components.xner.precision": precision,
            "vars.max_steps": steps,
            "vars.warmup_steps": steps // 10,
        }
        trained = train_all(spoilt, folds, out / corpus, settings)
        chosen = {*random.Random(0).sample(range(len(docs)), judged or len(docs))}
        file.write_bytes(pickle.dumps(judge_all(docs, spoilt, chosen, trained)))
    parts: list[dict[int, Judged]] = pickle.loads(file.read_bytes())
    print(render_spread([score_judgements(each.spoilt for each in part.values()) for part in parts]))
    texts = {i: text for part in parts for i, text in part.items()}
    numbers = sorted(texts)
    findings = find_errors(texts[i].spoilt for i in numbers)
    ranked = {"review": [locate(spoilt, numbers[finding.text], finding) for finding in findings]}
    if cleanlab is not None:
        ranked |= rank_by_cleanlab(cleanlab, {i: spoilt[i] for i in numbers}, texts, out)
    errors = [error for error in errors if error.text in texts]
    n_entities = sum(len(spoilt[i].ents) for i in numbers)
    rows = {name: measure(areas, errors, n_entities) for name, areas in ranked.items()}
    for name, row in rows.items():
        print(f"{name}: " + ", ".join(f"{key} {value:.3f}" for key, value in row.items()))
    write_results(rows)
    write_first([docs[i] for i in numbers], [texts[i].original for i in numbers], out / f"{corpus}-first.txt")


def train_all(
    docs: Sequence[Doc], n_folds: int, folder: Path, settings: dict[str, Any]
) -> Iterable[tuple[list[int], Language]]:
    """Train the folds, or load those that were trained before."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / str(n_folds - 1) / "held_out.json").exists():
        for number, fold in enumerate(train_folds(docs, n_folds, overrides=settings, progress=sys.stderr)):
            fold.nlp.to_disk(folder / str(number))
            srsly.write_json(folder / str(number) / "held_out.json", fold.held_out)
    for number in range(n_folds):
        yield srsly.read_json(folder / str(number) / "held_out.json"), load(folder / str(number))


def judge_all(
    docs: Sequence[Doc],
    spoilt: Sequence[Doc],
    chosen: set[int],
    folds: Iterable[tuple[list[int], Language]],
) -> list[dict[int, Judged]]:
    """Judge the chosen texts of each fold by the pipeline that was trained on the others."""
    parts = []
    for part, nlp in folds:
        held_out = [i for i in part if i in chosen]
        versions = [judge(nlp, [version[i] for i in held_out]) for version in (spoilt, docs)]
        soft = nlp.get_pipe("xner").soft_targets(nlp.make_doc(docs[i].text) for i in held_out)
        rows = zip(held_out, *versions, soft, strict=True)
        parts.append({i: Judged(a, b, each.tags, np.exp(each.log_probs)) for i, a, b, each in rows})
    return parts


def locate(docs: Sequence[Doc], text: int, finding: Finding) -> Area:
    """Return the tokens of a finding."""
    span = docs[text].char_span(*finding.area, alignment_mode="expand")
    return text, span.start, span.end


def rank_by_cleanlab(
    python: Path, docs: Mapping[int, Doc], judged: Mapping[int, Judged], folder: Path
) -> dict[str, list[Area]]:
    """Rank entities by cleanlab: by its issues, and by its scores of all tokens.

    Its tokens are joined where they belong to one entity of the gold or of the most probable tags: several
    tokens of one error are looked at once, at the rank of the first.
    """
    labels = {i: [judged[i].tags.index(tag) for tag in bio_tags(doc)] for i, doc in docs.items()}
    source, target = folder / "tokens.pickle", folder / "ranks.json"
    source.write_bytes(pickle.dumps(([*labels.values()], [judged[i].probabilities for i in docs])))
    subprocess.run([str(python), str(RIVAL), str(source), str(target)], check=True)
    numbers = [*docs]
    units = {i: join_tokens(labels[i], judged[i]) for i in numbers}
    ranked = {}
    for name, tokens in srsly.read_json(target).items():
        places = [(numbers[row], token) for row, token in tokens]
        areas = ((i, *next(unit for unit in units[i] if unit[0] <= token < unit[1])) for i, token in places)
        ranked[f"cleanlab, {name}"] = list(dict.fromkeys(areas))
    return ranked


def bio_tags(doc: Doc) -> list[str]:
    """Return the BIO tags of a doc."""
    return [f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type else "O" for token in doc]


def join_tokens(labels: Sequence[int], text: Judged) -> list[tuple[int, int]]:
    """Join tokens to units: those of an entity of either version, and entities that overlap."""
    best = text.probabilities.argmax(axis=1).tolist()
    names = [[text.tags[i] for i in version] for version in (labels, best)]
    # A token continues a unit if it is inside an entity in either version.
    joined = [any(tags[i].startswith("I-") for tags in names) for i in range(len(labels))]
    starts = [i for i, is_inside in enumerate(joined) if not is_inside or i == 0]
    return list(zip(starts, [*starts[1:], len(labels)], strict=True))


def measure(areas: Sequence[Area], errors: Sequence[Error], n_entities: int) -> dict[str, Cell]:
    """Measure a ranking; an error is found by the first of it that touches the error.

    Returns:
        Share of the errors among the first places, as many as a tenth of all entities; the average precision;
        what is named; and shares by kind of error.
    """
    by_text: dict[int, list[int]] = {}
    for number, error in enumerate(errors):
        by_text.setdefault(error.text, []).append(number)
    ranks: dict[int, int] = {}
    precisions = []
    n_looked = 0
    looked: set[tuple[int, int]] = set()
    for text, start, end in areas:
        touching = [n for n in by_text.get(text, ()) if errors[n].start < end and start < errors[n].end]
        new = [n for n in touching if n not in ranks]
        # A place that overlaps an earlier one, or touches a known error, is looked at with it.
        tokens = {(text, token) for token in range(start, end)}
        n_looked += bool(new) or not (touching or tokens & looked)
        looked |= tokens
        for n in new:
            ranks[n] = n_looked
            precisions.append(len(ranks) / n_looked)
    early = [n for n, rank in ranks.items() if rank <= 0.1 * n_entities]
    row: dict[str, Cell] = {
        "found in the first 10 %": len(early) / len(errors),
        "average precision": sum(precisions) / len(errors),
        "found at all": len(ranks) / len(errors),
        "named, of all entities": n_looked / n_entities,
    }
    for kind in dict.fromkeys(error.kind for error in errors):
        numbers = {n for n, error in enumerate(errors) if error.kind == kind}
        row[kind] = len(numbers & set(early)) / len(numbers)
    return row


def write_first(docs: Sequence[Doc], judgements: Sequence[Judgement], file: Path, n: int = 50) -> None:
    """Write the first findings in the texts as they were, to read them."""
    lines = []
    for number, finding in enumerate(find_errors(judgements)[:n], start=1):
        text = docs[finding.text].text
        versions = [
            "-" if span is None else f"{text[span.char_start : span.char_end]} {span.label}"
            for span in (finding.gold, finding.predicted)
        ]
        gold = ", ".join(f"{ent.text} {ent.label_}" for ent in docs[finding.text].ents)
        lines.append(
            f"{number}. {finding.kind}: {versions[0]} ({finding.gold_score:.4f}) -> {versions[1]} "
            f"({finding.score:.4f})\n    {text}\n    {gold}\n"
        )
    file.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
