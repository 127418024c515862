"""New labels on top of old ones: what is forgotten, and what a teacher preserves.

Trains on the old labels, then in several ways on the new ones, in texts where the old ones are not annotated.
Scores old labels on the old test sets and new ones on the new test sets. Resumable: results in OUT are kept.
Two seeds may run at once, with one thread each (OMP_NUM_THREADS=1, --seed 0 and --seed 1); the last to end
prints the table of both.

With --protocol, labels arrive step by step instead, see label_steps.py.

Usage: python benchmarks/continual.py DATA ENCODER OUT [--setting germeval --texts none] [--sentences 0]
       python benchmarks/continual.py DATA ENCODER OUT --protocol fg1-pg1 --setting germeval
"""

import random
import statistics
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import common
import srsly
import typer
from common import FRESH, GENTLE, keep, make_docs, make_examples, make_nlp, read_corpus, sample, train
from label_steps import Setting as StepSetting
from label_steps import make_table, parse_protocol, run_rows
from label_steps import read_setting as read_steps
from results import Cell, Table, spread, write_results
from spacy.language import Language
from step_rows import ROWS as STEP_ROWS

from spacy_xner.scoring.entities import count_entities
from spacy_xner.tools.predictions import predict
from spacy_xner.types import Record

OLD = ("LOC", "ORG", "PER")
# The teacher's settings, by row.
TEACHERS: dict[str, dict[str, Any]] = {
    "distillation": {},
    "pseudo-labels": {"alpha": 1.0, "confidence": 0.8},
    "both": {"confidence": 0.8},
    "auto": {"alpha": "auto"},
    "entity-weight": {"entity_weight": 30.0},
    "logit-adjustment": {"entity_weight": 30.0, "logit_adjustment": 1.0},
}
# The old model; a model of the new labels alone; the old model trained on these, with a teacher or without.
ROWS = ("old", "alone", "plain", *TEACHERS)


def read_setting(data: Path, setting: str, n: int, n_new: int = 0) -> dict[str, dict[str, list[Record]]]:
    """Read training and test sets; the name of a test set ends in the labels that it scores, old or new."""
    if setting == "waybill":
        uner, wikiann = data / "uner" / "zh_gsdsimp", data / "wikiann" / "en"
        old = [read_corpus(uner / "train.iob2"), read_corpus(wikiann / "train.conllu")]
        return {
            "train": {
                "old": [record for part in old for record in sample(part, n)],
                "new": sample(read_corpus(data / "waybill" / "train.txt"), n_new),
            },
            "test": {
                "uner old": read_corpus(uner / "test.iob2"),
                "wikiann old": sample(read_corpus(wikiann / "test.conllu"), 1000),
                "waybill new": read_corpus(data / "waybill" / "test.txt"),
            },
        }
    wikiann, germ = data / "wikiann" / "de", data / "germeval2014"
    train_new = read_corpus(germ / "germ.train.iob2", "token tag _")
    test_new = sample(read_corpus(germ / "germ.test.iob2", "token tag _"), 1000)
    return {
        "train": {
            "old": sample(read_corpus(wikiann / "train.conllu"), n),
            # Sentences without new entities are left out: an annotator would not choose them.
            "new": sample([r for r in keep(train_new, OLD, inside=False) if r.spans], n_new or n),
        },
        "test": {
            "wikiann old": sample(read_corpus(wikiann / "test.conllu"), 1000),
            "germeval old": keep(test_new, OLD, inside=True),
            "germeval new": keep(test_new, OLD, inside=False),
        },
    }


def write_rest(data: Path, setting: str, n: int, path: Path) -> Path:
    """Write unlabelled texts of the old corpora: those not sampled for training, or all if all were."""
    drawn = {record.text for record in read_setting(data, setting, n)["train"]["old"]}
    texts = [record.text for record in read_setting(data, setting, 0)["train"]["old"]]
    rest = [" ".join(text.split()) for text in texts if not n or text not in drawn]
    random.Random(0).shuffle(rest)
    path.write_text("\n".join(rest) + "\n", encoding="utf-8")
    return path


def score(nlp: Language, tests: dict[str, list[Record]]) -> dict[str, float]:
    """Compute micro F1 of old labels on old test sets and new labels on new ones, in percent."""
    scores = {}
    for name, records in tests.items():
        counts = count_entities(predict(nlp, make_docs(nlp, records)))
        labels = set(OLD) if name.endswith("old") else set(nlp.pipe_labels["xner"]) - set(OLD)
        scores[name] = 100 * counts.micro(labels)["f"]
    return scores


class Plan(NamedTuple):
    """What the models of a table have in common.

    Attributes:
        encoder: Encoder folder.
        precision: Precision of training and prediction.
        parts: Corpora, as returned by `read_setting`.
        out: Folder for results and old models.
        old_epochs: Epochs on the old labels.
        new_epochs: Epochs on the new ones.
        teacher: Settings that all rows with a teacher share.
    """

    encoder: str
    precision: str
    parts: dict[str, dict[str, list[Record]]]
    out: Path
    old_epochs: int
    new_epochs: int
    teacher: dict[str, Any]


def train_one(
    plan: Plan, head: str, part: str, seed: int, init: dict[str, Any]
) -> tuple[Language, dict[str, float]]:
    """Train and score one model; the seconds are those of training, without the teacher's predictions."""
    nlp = make_nlp(plan.encoder, head, precision=plan.precision)
    nlp.config["initialize"]["components"]["xner"] = init
    rates = GENTLE if "teacher" in init else FRESH
    examples = make_examples(nlp, make_docs(nlp, plan.parts["train"][part]))
    epochs = plan.old_epochs if part == "old" else plan.new_epochs
    seconds = train(nlp, examples, epochs=epochs, batch_size=8, seed=seed, **rates)
    return nlp, {"seconds": round(seconds), **score(nlp, plan.parts["test"])}


def run_row(plan: Plan, head: str, seed: int, row: str) -> dict[str, float]:
    """Train and score one row of the table."""
    base = plan.out / f"{head}-{seed}"
    if row == "old":
        nlp, scores = train_one(plan, head, "old", seed, {})
        nlp.to_disk(base)
        return scores
    init: dict[str, Any] = {} if row == "alone" else {"init_from": str(base)}
    if row in TEACHERS:
        block = {"@misc": "spacy_xner.Teacher.v1", "name": str(base), "tokens": "all"}
        init["teacher"] = block | plan.teacher | TEACHERS[row]
    return train_one(plan, head, "new", seed, init)[1]


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for results and old models.")],
    setting: Annotated[str, typer.Option(help="waybill or germeval.")] = "waybill",
    sentences: Annotated[int, typer.Option(help="Sentences of each old corpus; 0 for all.")] = 800,
    new_sentences: Annotated[
        int,
        typer.Option(
            help="Sentences of the new corpus; 0 for all, or in germeval for as many as of the old ones."
        ),
    ] = 0,
    seed: Annotated[list[int], typer.Option(help="May be repeated.")] = [0, 1],  # noqa: B006
    old_epochs: int = 2,
    new_epochs: int = 3,
    precision: Annotated[str, typer.Option(help="fp32, or bf16 on CPUs that support it.")] = "fp32",
    heads: str = "SoftmaxHead,CRFHead",
    rows: str = ",".join(ROWS),
    alpha: Annotated[
        float, typer.Option(help="Weight of the gold loss, except in the row pseudo-labels.")
    ] = 0.6,
    texts: Annotated[str, typer.Option(help="Unlabelled texts: none, rest, vocabulary, or a file.")] = "rest",
    share: Annotated[float, typer.Option(help="Unlabelled texts per example.")] = 1.0,
    scripts: Annotated[str, typer.Option(help="Scripts for vocabulary, comma-separated.")] = "Han,Latin",
    protocol: Annotated[
        str | None, typer.Option(help="Labels by step, such as fg1-pg1; of germeval, uner or wikiann.")
    ] = None,
) -> None:
    """Run the missing rows, then print the table."""
    if protocol is not None:
        names = [*STEP_ROWS] if rows == ",".join(ROWS) else rows.split(",")
        folder = out / f"{protocol}-{setting}-{sentences}-{new_epochs}"
        folder.mkdir(parents=True, exist_ok=True)
        steps = read_steps(data, setting, parse_protocol(protocol), sentences, encoder, folder)
        steps = steps._replace(epochs=new_epochs, precision=precision, teacher={"alpha": alpha})
        write_results(run_steps(steps, seed, heads, names))
        return
    size = f"{sentences}-{new_sentences}" if new_sentences else str(sentences)
    out = out / f"{setting}-{size}-{old_epochs}-{new_epochs}-{precision}"
    out.mkdir(parents=True, exist_ok=True)
    teacher: dict[str, Any] = {"alpha": alpha}
    if texts != "none":
        teacher |= {"texts": texts, "texts_share": share}
    if texts == "rest":
        teacher["texts"] = str(write_rest(data, setting, sentences, out / "rest.txt"))
    if texts == "vocabulary":
        teacher["scripts"] = scripts.split(",")
    parts = read_setting(data, setting, sentences, new_sentences)
    plan = Plan(encoder, precision, parts, out, old_epochs, new_epochs, teacher)
    for number, head, row in product(seed, heads.split(","), dict.fromkeys(["old", *rows.split(",")])):
        title = f"{row} {alpha}, {Path(texts).stem} {share}" if row in TEACHERS else row
        key = f"{head}/{number}/{title}"
        if key not in read_results(out):
            result = {"key": key, **run_row(plan, head, number, row)}
            file = out / f"results-{number}.jsonl"
            srsly.write_jsonl(file, [result], append=True, append_new_line=False)
            print(srsly.json_dumps(result), flush=True)
    done = read_results(out)
    table: dict[str, dict[str, Cell]] = {}
    for head in heads.split(","):
        table |= show({key: row for key, row in done.items() if key.startswith(head)}, head)
    write_results(table)


def run_steps(steps: StepSetting, seeds: Sequence[int], heads: str, rows: Sequence[str]) -> Table:
    """Run the missing rows of labels that arrive step by step, and return their table."""
    table: dict[str, Mapping[str, Cell]] = {}
    for head in heads.split(","):
        setting = steps._replace(head=head)
        run_rows(setting, seeds, rows)
        table |= make_table(setting, rows)
    return table


def read_results(out: Path) -> dict[str, dict[str, Any]]:
    """Read the stored results of all seeds."""
    files = sorted(out.glob("results-*.jsonl"))
    return {key: row for file in files for key, row in common.read_results(file).items()}


def show(done: dict[str, dict[str, Any]], head: str) -> dict[str, dict[str, Cell]]:
    """Print means over seeds, and half of the range."""
    tests = [name for name in next(iter(done.values())) if name not in ("key", "seconds")]
    table: dict[str, dict[str, Cell]] = {}
    print(f"\n{head:28}" + "".join(f"{test:>18}" for test in tests) + f"{'seconds':>10}")
    for title in dict.fromkeys(key.split("/", 2)[2] for key in done):
        rows = [row for key, row in done.items() if key.endswith(f"/{title}")]
        cells = ""
        for test in tests:
            values = [row[test] for row in rows]
            cells += f"{statistics.fmean(values):10.2f} ± {(max(values) - min(values)) / 2:5.2f}"
        print(f"{title:28}{cells}{statistics.fmean(row['seconds'] for row in rows):10.0f}")
        table[f"{head}, {title}"] = {test: spread([row[test] for row in rows]) for test in tests}
    return table


if __name__ == "__main__":
    typer.run(main)
