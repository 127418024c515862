"""New labels on top of old ones: what is forgotten, and what a teacher saves.

Learns the old labels, then the new ones from text in which the old ones are not annotated, in several ways,
and scores old labels on the old test sets and new ones on theirs. Resumable: what OUT has is not run again.

Usage: python benchmarks/continual.py DATA ENCODER OUT [--setting germeval] [--sentences 0 for all]
"""

import random
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from common import make_docs, make_examples, make_nlp, read_waybill, train
from spacy.language import Language

from spacy_xner.corpus import READERS, ReadCounts, ReadOptions
from spacy_xner.evaluate import predict_examples
from spacy_xner.scoring import score_entities
from spacy_xner.types import Record

OLD = ("LOC", "ORG", "PER")
# How each row learns: whether it goes on from the old model, and the teacher's settings.
GOLD_ONLY: dict[str, Any] = {"alpha": 1.0}
ROWS: dict[str, dict[str, Any] | None] = {
    "plain": None,
    "distillation": {"alpha": 0.5},
    "pseudo-labels": {"alpha": 1.0, "confidence": 0.8},
    "both": {"alpha": 0.5, "confidence": 0.8},
}


def read_conll(path: Path, columns: str | None = None) -> list[Record]:
    """Read a CoNLL file whole."""
    return list(READERS["conll"](path, ReadOptions(columns=columns, skip_bad=True), ReadCounts()))


def sample(records: Sequence[Record], n: int) -> list[Record]:
    """Draw some records, always the same; all of them for 0."""
    return random.Random(0).sample(list(records), n) if 0 < n < len(records) else list(records)


def keep(records: Iterable[Record], labels: Sequence[str], *, inside: bool) -> list[Record]:
    """Leave out the entities of other labels, or of these."""
    return [
        replace(record, spans=tuple(s for s in record.spans if (s.label in labels) == inside))
        for record in records
    ]


def read_setting(data: Path, setting: str, n: int) -> dict[str, dict[str, list[Record]]]:
    """Read train and test parts; a test part's name ends in the labels that it scores, old or new."""
    if setting == "waybill":
        uner, wikiann = data / "uner" / "zh_gsdsimp", data / "wikiann" / "en"
        old = [read_conll(uner / "train.iob2"), read_conll(wikiann / "train.conllu")]
        return {
            "train": {
                "old": [record for part in old for record in sample(part, n)],
                "new": list(read_waybill(data / "waybill" / "train.txt")),
            },
            "test": {
                "uner old": read_conll(uner / "test.iob2"),
                "wikiann old": sample(read_conll(wikiann / "test.conllu"), 1000),
                "waybill new": list(read_waybill(data / "waybill" / "test.txt")),
            },
        }
    wikiann, germ = data / "wikiann" / "de", data / "germeval2014"
    train_new = read_conll(germ / "germ.train.iob2", "token tag _")
    test_new = sample(read_conll(germ / "germ.test.iob2", "token tag _"), 1000)
    return {
        "train": {
            "old": sample(read_conll(wikiann / "train.conllu"), n),
            "new": keep(sample(train_new, n), OLD, inside=False),
        },
        "test": {
            "wikiann old": sample(read_conll(wikiann / "test.conllu"), 1000),
            "germeval old": keep(test_new, OLD, inside=True),
            "germeval new": keep(test_new, OLD, inside=False),
        },
    }


def score(nlp: Language, tests: dict[str, list[Record]]) -> dict[str, float]:
    """Score the old labels of old tests and the new ones of new tests: micro F1 in percent."""
    found = {}
    for name, records in tests.items():
        is_old = name.endswith("old")
        examples = list(predict_examples(nlp, make_docs(nlp, records)))
        for example in examples:
            doc = example.predicted
            doc.set_ents([ent for ent in doc.ents if (ent.label_ in OLD) == is_old], default="outside")
        scores = score_entities(examples)
        assert scores is not None
        found[name] = 100 * scores["strict"]["micro"]["f"]
    return found


def run(
    encoder: str,
    head: str,
    records: Sequence[Record],
    *,
    seed: int,
    epochs: int,
    init: dict[str, Any],
    rate: float = 2e-4,
) -> tuple[Language, float]:
    """Train one model; returns it with the seconds that took, the teacher's own left out."""
    nlp = make_nlp(encoder, head)
    nlp.config["initialize"]["components"]["xner"] = init
    examples = make_examples(nlp, make_docs(nlp, records))
    seconds = train(nlp, examples, epochs=epochs, batch_size=16, learn_rate=rate, seed=seed)
    return nlp, seconds


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")],
    out: Annotated[Path, typer.Argument(help="Folder for results and old models.")],
    setting: Annotated[str, typer.Option(help="waybill or germeval.")] = "waybill",
    sentences: Annotated[int, typer.Option(help="Of each corpus; 0 for all.")] = 2000,
    seeds: int = 2,
    old_epochs: int = 3,
    new_epochs: int = 3,
    heads: str = "SoftmaxHead,CRFHead",
    rows: str = ",".join(["alone", *ROWS]),
    texts: Annotated[str, typer.Option(help="The teacher's own texts: none, vocabulary or a file.")] = "none",
    share: Annotated[float, typer.Option(help="How many of these come with each example.")] = 1.0,
    scripts: Annotated[str, typer.Option(help="Scripts of made texts, such as Han,Latin.")] = "",
    new_rate: Annotated[float, typer.Option(help="Learning rate for new labels.")] = 2e-4,
) -> None:
    """Run what is missing, then print the table."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / "results.jsonl"
    done = {row["key"]: row for row in srsly.read_jsonl(file)} if file.is_file() else {}
    parts = read_setting(data, setting, sentences)
    title = f"{Path(texts).stem} {share} {scripts} {new_rate}"
    shape = f"{setting}-{sentences}-{old_epochs}-{new_epochs}"

    def report(key: str, nlp: Language, seconds: float) -> None:
        done[key] = {"key": key, "seconds": round(seconds), **score(nlp, parts["test"])}
        srsly.write_jsonl(file, [done[key]], append=True, append_new_line=False)
        print(srsly.json_dumps(done[key]), flush=True)

    for seed in range(seeds):
        for head in heads.split(","):
            base = out / f"old-{shape}-{head}-{seed}"
            if not (base / "meta.json").is_file():
                nlp, seconds = run(
                    encoder, head, parts["train"]["old"], seed=seed, epochs=old_epochs, init={}
                )
                nlp.to_disk(base)
                report(f"{shape}/{head}/{seed}/old", nlp, seconds)
            for row in rows.split(","):
                key = f"{shape}/{head}/{seed}/{row}" + (f" {title}" if row in ROWS and row != "plain" else "")
                if key in done:
                    continue
                init: dict[str, Any] = {} if row == "alone" else {"init_from": str(base)}
                if row in ROWS and ROWS[row] is not None:
                    own = {} if texts == "none" else {"texts": texts, "texts_share": share}
                    if texts == "vocabulary" and scripts:
                        own["scripts"] = scripts.split(",")
                    init["teacher"] = {
                        "@misc": "spacy_xner.Teacher.v1",
                        "name": str(base),
                        **ROWS[row],
                        **own,
                    }
                nlp, seconds = run(
                    encoder,
                    head,
                    parts["train"]["new"],
                    seed=seed,
                    epochs=new_epochs,
                    init=init,
                    rate=new_rate if init else 2e-4,
                )
                report(key, nlp, seconds)
    show(done, shape, heads.split(","))


def show(done: dict[str, dict[str, Any]], shape: str, heads: Sequence[str]) -> None:
    """Print means over seeds, with the difference of the two ends."""
    for head in heads:
        keys = [key for key in done if key.startswith(f"{shape}/{head}/")]
        names = list(dict.fromkeys("/".join(key.split("/")[3:]) for key in keys))
        tests = [name for name in done[keys[0]] if name not in ("key", "seconds")]
        print(f"\n{head}\n{'':32}" + "".join(f"{test:>20}" for test in tests) + f"{'seconds':>10}")
        for name in names:
            found = [done[key] for key in keys if "/".join(key.split("/")[3:]) == name]
            cells = []
            for test in tests:
                values = [row[test] for row in found]
                cells.append(f"{statistics.fmean(values):.2f} ± {(max(values) - min(values)) / 2:.2f}")
            seconds = statistics.fmean(row["seconds"] for row in found)
            print(f"{name:32}" + "".join(f"{cell:>20}" for cell in cells) + f"{seconds:10.0f}")


if __name__ == "__main__":
    typer.run(main)
