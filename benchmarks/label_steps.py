"""Labels that arrive step by step, as papers on continual learning measure it: FG-a-PG-b.

The first step has the first a labels in alphabetical order, each later one the next b. Sentences are split
among the steps greedily and without overlap; in those of a step, only its own labels are annotated. After
each step, all labels so far are scored on the same test set, in which they are all annotated.

Source: Zheng et al. (2022), "Distilling causal effect from miscellaneous other-class for continual named
entity recognition"; Monaikul et al. (2021), "Continual learning for named entity recognition".
"""

import random
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

import srsly
from common import (
    GENTLE,
    STEADY,
    keep,
    make_docs,
    make_examples,
    make_nlp,
    read_corpus,
    read_results,
    sample,
    train,
)
from results import Cell, spread
from spacy.language import Language
from step_rows import FIRST, JOINT, PLAIN, ROWS, TEACHER, Row
from teacher_parts import average_weights, balance_norms, copy_weights

from spacy_xner import load
from spacy_xner.scoring.entities import count_entities
from spacy_xner.tools.predictions import predict
from spacy_xner.types import Record

# Files of each corpus, with their columns.
CORPORA: Mapping[str, tuple[tuple[str, str | None], ...]] = {
    "germeval": (("germeval2014/germ.{}.iob2", "token tag _"),),
    "uner": (("uner/hr_set/{}.iob2", "_ token tag _ _"),),
    "wikiann": (("wikiann/de/{}.conllu", None), ("wikiann/en/{}.conllu", None)),
}
# Labels of whole words of the main types: the others are of parts of words and of derived forms.
LABELS: Mapping[str, tuple[str, ...]] = {
    "germeval": ("LOC", "ORG", "OTH", "PER"),
    "uner": ("LOC", "ORG", "OTH", "PER"),
    "wikiann": ("LOC", "ORG", "PER"),
}


TEST_SENTENCES, DEV_SENTENCES = 1000, 800


class Protocol(NamedTuple):
    """How many labels each step adds.

    Attributes:
        first: Those of the first step.
        later: Those of each later one.
    """

    first: int
    later: int

    def group(self, labels: Iterable[str]) -> list[tuple[str, ...]]:
        """Return the labels of each step, in alphabetical order.

        Raises:
            ValueError: If the labels do not divide.
        """
        ordered = sorted(labels)
        rest = len(ordered) - self.first
        if rest <= 0 or rest % self.later:
            raise ValueError(
                f"{len(ordered)} labels must divide into steps, found {self}. Choose another protocol."
            )
        later = (tuple(ordered[i : i + self.later]) for i in range(self.first, len(ordered), self.later))
        return [tuple(ordered[: self.first]), *later]


def parse_protocol(text: str) -> Protocol:
    """Read the name of a protocol, such as ``fg1-pg1``.

    Raises:
        ValueError: If it is none.
    """
    match = re.fullmatch(r"fg([1-9]\d*)-pg([1-9]\d*)", text)
    if match is None:
        raise ValueError(f"A protocol must be called like fg1-pg1, found {text!r}. Change it.")
    return Protocol(int(match[1]), int(match[2]))


def split_greedily(records: Iterable[Record], groups: Sequence[Sequence[str]]) -> list[list[Record]]:
    """Split sentences among steps without overlap, with all their labels.

    Each goes to the step that has the fewest sentences so far among those whose labels it has; one without
    any goes to the step that has the fewest of all.
    """
    steps: list[list[Record]] = [[] for _ in groups]
    for record in records:
        labels = {span.label for span in record.spans}
        places = [i for i, group in enumerate(groups) if labels.intersection(group)] or [*range(len(groups))]
        steps[min(places, key=lambda i: len(steps[i]))].append(record)
    return steps


class Setting(NamedTuple):
    """What the rows of a table have in common.

    Attributes:
        groups: Labels of each step.
        records: Sentences that are trained on, with all their labels.
        dev: Those of the development set, split among the steps like these.
        test: The test set, with all labels.
        encoder: Encoder folder.
        out: Folder of pipelines and results.
        head: Architecture of the head.
        epochs: Epochs of each step.
        precision: Precision of training and prediction.
        teacher: Settings that all rows with a teacher share.
    """

    groups: list[tuple[str, ...]]
    records: list[Record]
    dev: list[Record]
    test: list[Record]
    encoder: str
    out: Path
    head: str = "SoftmaxHead"
    epochs: int = 3
    precision: str = "fp32"
    teacher: Mapping[str, Any] = MappingProxyType({})

    def labels(self, step: int) -> list[str]:
        """Return the labels of a step and all before it."""
        return [*chain(*self.groups[: step + 1])]

    def path(self, row: str, seed: int, step: int) -> Path:
        """Return the folder of a pipeline: that of the first step is the same for all rows."""
        return self.out / f"{self.head}-{seed}-{row if step else FIRST}-{step}"


def read_setting(data: Path, corpus: str, protocol: Protocol, n: int, encoder: str, out: Path) -> Setting:
    """Read a corpus, with its main labels alone."""
    labels = LABELS[corpus]
    parts = {
        part: [
            record for path, columns in CORPORA[corpus] for record in _read_part(data / path, part, columns)
        ]
        for part in ("train", "dev", "test")
    }
    kept = {part: keep(records, labels, inside=True) for part, records in parts.items()}
    train, dev = kept["train"], kept["dev"]
    random.Random(0).shuffle(train)
    return Setting(
        protocol.group(labels),
        train[: n or None],
        sample(dev, DEV_SENTENCES),
        sample(kept["test"], TEST_SENTENCES),
        encoder,
        out,
    )


def _read_part(path: Path, part: str, columns: str | None) -> list[Record]:
    """Read a part of a corpus, whose dev part may be called val."""
    file = path.with_name(path.name.format(part))
    return read_corpus(file if file.exists() else path.with_name(path.name.format("val")), columns)


def run_row(setting: Setting, row: str, seed: int) -> dict[str, Any]:
    """Train a row through all steps, and return its micro and macro F1 after each, in percent.

    The joint model is trained once, on all steps.
    """
    micro, macro = [], []
    last = len(setting.groups) - 1
    for step in range(last if row == JOINT else 0, last + 1):
        path = setting.path(row, seed, step)
        if not path.exists():
            _train_step(setting, row, seed, step).to_disk(path)
        nlp = load(path)
        cast(Any, nlp.get_pipe("xner")).configure(precision=setting.precision)
        counts = count_entities(
            predict(nlp, make_docs(nlp, keep(setting.test, setting.labels(step), inside=True)))
        )
        micro.append(100 * counts.micro()["f"])
        macro.append(100 * counts.macro()["f"])
    return {"micro": micro, "macro": macro}


def _train_step(setting: Setting, row: str, seed: int, step: int) -> Language:
    if row == JOINT:
        records, later = setting.records, Row()
    else:
        records = _take_step(setting.records, setting.groups, step)
        later = ROWS[row] if step else Row()
    before = str(setting.path(row, seed, step - 1))
    init: dict[str, Any] = {"init_from": before} if step and row != JOINT else {}
    if later.teacher is not None:
        init["teacher"] = {
            "@misc": "benchmarks.TrialTeacher.v1",
            "name": before,
            "settings": {"tokens": "all", **setting.teacher, **later.teacher},
            "parts": later.parts._asdict(),
        }
    nlp = make_nlp(setting.encoder, setting.head, precision=setting.precision)
    nlp.config["initialize"]["components"]["xner"] = init
    examples = make_examples(nlp, make_docs(nlp, records))
    weights: dict[str, Any] = {}
    rates = STEADY if later.teacher is None else GENTLE
    train(
        nlp,
        examples,
        epochs=setting.epochs,
        batch_size=8,
        seed=seed,
        on_start=lambda: weights.update(copy_weights(nlp) if later.parts.average else {}),
        **rates,
    )
    if later.parts.norms:
        balance_norms(nlp, setting.groups[step])
    if later.parts.average:
        dev = make_docs(nlp, _take_step(setting.dev, setting.groups, step))
        print("Share of the new weights:", average_weights(nlp, weights, dev, load(before)), flush=True)
    return nlp


def _take_step(records: Iterable[Record], groups: Sequence[Sequence[str]], step: int) -> list[Record]:
    """Return the sentences of a step, in which its own labels alone are annotated."""
    return keep(split_greedily(records, groups)[step], groups[step], inside=True)


def run_rows(setting: Setting, seeds: Sequence[int], rows: Sequence[str]) -> None:
    """Run the rows that are missing, and store their results in a file for each seed."""
    for seed in seeds:
        file = setting.out / f"results-{setting.head}-{seed}.jsonl"
        for row in rows:
            if row not in read_results(file):
                result = {"key": row, **run_row(setting, row, seed)}
                srsly.write_jsonl(file, [result], append=True, append_new_line=False)
                print(seed, srsly.json_dumps(result), flush=True)


def make_table(setting: Setting, rows: Sequence[str]) -> dict[str, dict[str, Cell]]:
    """Make the table of all seeds that have been run: F1 after the last step and averaged over steps.

    The gap is that between the teacher without further settings and the joint model.
    """
    files = sorted(setting.out.glob(f"results-{setting.head}-*.jsonl"))
    done = [results for file in files if {*rows} <= {*(results := read_results(file))}]
    last = {row: [results[row]["micro"][-1] for results in done] for row in rows}
    table: dict[str, dict[str, Cell]] = {}
    for row in rows if done else ():
        cells: dict[str, Cell] = {"micro F1 after the last step": spread(last[row])}
        if row != JOINT:
            for score in ("micro", "macro"):
                cells[f"{score} F1, mean of steps"] = spread(
                    [statistics.fmean(results[row][score]) for results in done]
                )
        if row != JOINT and JOINT in rows:
            pairs = zip(last[row], last[JOINT], strict=True)
            cells["kept of the joint model's, %"] = spread([100 * ours / joint for ours, joint in pairs])
        if row not in (JOINT, PLAIN, TEACHER) and {JOINT, TEACHER} <= {*rows}:
            triples = zip(last[row], last[JOINT], last[TEACHER], strict=True)
            cells["gap closed, %"] = spread(
                [100 * (ours - start) / (joint - start) for ours, joint, start in triples]
            )
        table[f"{setting.head.removesuffix('Head')}, {row}"] = cells
    return table
