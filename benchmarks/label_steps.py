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
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import srsly
from common import (
    FRESH,
    GENTLE,
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

from spacy_xner import load
from spacy_xner.scoring.entities import count_entities
from spacy_xner.tools.predictions import predict
from spacy_xner.types import Record

# Labels of whole words of four main types: the others are of parts of words and of derived forms.
CORPORA: Mapping[str, tuple[str, str, str]] = {
    "germeval": ("germeval2014/germ.train.iob2", "germeval2014/germ.test.iob2", "token tag _"),
    "uner": ("uner/hr_set/train.iob2", "uner/hr_set/test.iob2", "_ token tag _ _"),
}
LABELS: Mapping[str, tuple[str, ...]] = {
    "germeval": ("LOC", "ORG", "OTH", "PER"),
    "uner": ("LOC", "ORG", "OTH", "PER"),
}
# The first step, all labels at once (the ceiling), no teacher (the floor), and the teacher with its settings.
JOINT, PLAIN, FIRST = "joint", "plain", "first"
TEACHERS: Mapping[str, dict[str, Any]] = {
    "teacher": {},
    "pseudo-labels": {"confidence": 0.8},
}
ROWS = (JOINT, PLAIN, *TEACHERS)
TEST_SENTENCES = 1000


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
        test: The test set, with all labels.
        encoder: Encoder folder.
        out: Folder of pipelines and results.
        head: Architecture of the head.
        epochs: Epochs of each step.
        teacher: Settings that all rows with a teacher share.
    """

    groups: list[tuple[str, ...]]
    records: list[Record]
    test: list[Record]
    encoder: str
    out: Path
    head: str = "SoftmaxHead"
    epochs: int = 3
    teacher: Mapping[str, Any] = MappingProxyType({})

    def labels(self, step: int) -> list[str]:
        """Return the labels of a step and all before it."""
        return [*chain(*self.groups[: step + 1])]

    def path(self, row: str, seed: int, step: int) -> Path:
        """Return the folder of a pipeline: that of the first step is the same for all rows."""
        return self.out / f"{self.head}-{seed}-{row if step else FIRST}-{step}"


def read_setting(data: Path, corpus: str, protocol: Protocol, n: int, encoder: str, out: Path) -> Setting:
    """Read a corpus, with its main labels alone; sentences without an entity are left out of training."""
    train_path, test_path, columns = CORPORA[corpus]
    labels = LABELS[corpus]
    records = [r for r in keep(read_corpus(data / train_path, columns), labels, inside=True) if r.spans]
    random.Random(0).shuffle(records)
    test = sample(keep(read_corpus(data / test_path, columns), labels, inside=True), TEST_SENTENCES)
    return Setting(protocol.group(labels), records[: n or None], test, encoder, out)


def run_row(setting: Setting, row: str, seed: int) -> dict[str, Any]:
    """Train a row through all steps, and return its micro and macro F1 after each, in percent."""
    micro, macro = [], []
    for step in range(len(setting.groups)):
        path = setting.path(row, seed, step)
        if not path.exists():
            _train_step(setting, row, seed, step).to_disk(path)
        nlp = load(path)
        counts = count_entities(
            predict(nlp, make_docs(nlp, keep(setting.test, setting.labels(step), inside=True)))
        )
        micro.append(100 * counts.micro()["f"])
        macro.append(100 * counts.macro()["f"])
    return {"micro": micro, "macro": macro}


def _train_step(setting: Setting, row: str, seed: int, step: int) -> Language:
    parts = split_greedily(setting.records, setting.groups)
    init: dict[str, Any] = {}
    if row == JOINT:
        records = keep(chain(*parts[: step + 1]), setting.labels(step), inside=True)
    else:
        records = keep(parts[step], setting.groups[step], inside=True)
    if step and row != JOINT:
        name = str(setting.path(row, seed, step - 1))
        init["init_from"] = name
        if row in TEACHERS:
            block = {"@misc": "spacy_xner.Teacher.v1", "name": name, "tokens": "all"}
            init["teacher"] = block | dict(setting.teacher) | TEACHERS[row]
    nlp = make_nlp(setting.encoder, setting.head)
    nlp.config["initialize"]["components"]["xner"] = init
    rates = GENTLE if "teacher" in init else FRESH
    examples = make_examples(nlp, make_docs(nlp, records))
    train(nlp, examples, epochs=setting.epochs, batch_size=8, seed=seed, **rates)
    return nlp


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
    """Make the table of all seeds that have been run: F1 after the last step and averaged over steps."""
    files = sorted(setting.out.glob(f"results-{setting.head}-*.jsonl"))
    done = [results for file in files if {*rows} <= {*(results := read_results(file))}]
    table: dict[str, dict[str, Cell]] = {}
    for row in rows if done else ():
        columns: dict[str, Callable[[dict[str, list[float]]], float]] = {
            "micro F1 after the last step": lambda result: result["micro"][-1],
            "micro F1": lambda result: statistics.fmean(result["micro"]),
            "macro F1": lambda result: statistics.fmean(result["macro"]),
        }
        cells: dict[str, Cell] = {
            name: spread([read(results[row]) for results in done]) for name, read in columns.items()
        }
        kept = [100 * results[row]["micro"][-1] / results[JOINT]["micro"][-1] for results in done]
        table[f"{setting.head}, {row}"] = cells | {"kept of the joint model's, %": spread(kept)}
    return table
