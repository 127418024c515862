"""Scores a pipeline on annotated lines, by language and label: entities exactly right, and wrong ones.

Usage: python scripts/score_lines.py training/model-best assets/unseen.jsonl metrics/unseen.json
"""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer

import spacy_xner

Span = tuple[int, int, str]


def read_gold(line: dict[str, Any]) -> set[Span]:
    """Return the gold entities of a line."""
    return {(span["start"], span["end"], span["label"]) for span in line["spans"]}


def summarize(counts: Counter[str]) -> dict[str, Any]:
    """Return counts with the share of entities that are right, in percent."""
    share = round(100 * counts["exact"] / counts["entities"], 1) if counts["entities"] else None
    return {"lines": counts["lines"], "entities": counts["entities"], "exact": counts["exact"]} | {
        "exact_percent": share,
        "wrong": counts["wrong"],
    }


def count(lines: list[dict[str, Any]], predicted: list[set[Span]]) -> dict[str, Any]:
    """Count entities in all, by language and by label.

    An entity is exact if its start, end and label are. A wrong one shares no character with a gold entity of
    its label: it is neither exact nor too long or short.
    """
    total: Counter[str] = Counter()
    languages: defaultdict[str, Counter[str]] = defaultdict(Counter)
    labels: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line, spans in zip(lines, predicted, strict=True):
        gold = read_gold(line)
        groups = (total, languages[line["lang"]])
        for group in groups:
            group["lines"] += 1
        for start, end, label in gold:
            for group in (*groups, labels[label]):
                group["entities"] += 1
                group["exact"] += (start, end, label) in spans
        for start, end, label in spans:
            is_wrong = not any(start < b and a < end and label == other for a, b, other in gold)
            for group in (*groups, labels[label]):
                group["wrong"] += is_wrong
    return {
        "all": summarize(total),
        "languages": {language: summarize(counts) for language, counts in sorted(languages.items())},
        "labels": {label: summarize(counts) for label, counts in sorted(labels.items())},
    }


def main(
    model: Annotated[Path, typer.Argument(help="Folder of a pipeline.")],
    annotated: Annotated[Path, typer.Argument(help="JSON lines with lang, text and spans.")],
    output: Annotated[Path, typer.Argument(help="Output file for the scores, as JSON.")],
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:N, mps or auto.")] = "auto",
) -> None:
    """Score a pipeline on annotated lines and print what it gets wrong."""
    lines = list(srsly.read_jsonl(annotated))
    docs = spacy_xner.load(model, device=device).pipe([line["text"] for line in lines])
    predicted = [{(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents} for doc in docs]
    scores = count(lines, predicted)
    for line, spans in zip(lines, predicted, strict=True):
        gold = read_gold(line)
        if gold != spans:
            typer.echo(f"{line['lang']}: {line['text']!r}")
            for sign, some in (("missing", gold - spans), ("found", spans - gold)):
                for start, end, label in sorted(some):
                    typer.echo(f"    {sign:7} {label:7} {line['text'][start:end]!r}")
    for name, row in {"all": scores["all"], **scores["languages"], **scores["labels"]}.items():
        typer.echo(f"{name:8} {row['exact']:4} of {row['entities']:4} exact, {row['wrong']:3} wrong")
    output.parent.mkdir(parents=True, exist_ok=True)
    srsly.write_json(output, scores)


if __name__ == "__main__":
    typer.run(main)
