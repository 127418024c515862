"""A student with half of its teacher's layers, with and without the teacher, on courier slips.

Both start from the teacher's layers. Slips without labels are used as unlabelled texts.

Usage: python benchmarks/compress.py DATA/waybill TEACHER [--gold 200]
"""

import tempfile
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from common import make_docs, make_examples, make_nlp, read_corpus, train
from results import spread, write_results
from spacy.language import Language
from spacy.tokens import Doc

from spacy_xner.scoring.entities import count_entities
from spacy_xner.tools.predictions import predict


def score(nlp: Language, docs: list[Doc]) -> float:
    """Compute micro F1, in percent."""
    return 100 * count_entities(predict(nlp, docs)).micro()["f"]


def main(
    data: Annotated[Path, typer.Argument(help="Folder with train.txt and test.txt.")],
    teacher: Annotated[str, typer.Argument(help="Pipeline trained on these slips, as by waybill.py.")],
    layers: int = 6,
    head: str = "SoftmaxHead",
    epochs: int = 3,
    learn_rate: float = 2e-4,
    seeds: int = 1,
    gold: Annotated[
        int, typer.Option(help="Number of labelled slips; 0 for all. The others are unlabelled texts.")
    ] = 0,
) -> None:
    """Train students and compare them."""
    large = spacy.load(teacher)
    full = score(large, read_test(data, large))
    print(f"teacher: {full:.2f}", flush=True)
    scores: dict[str, list[float]] = {}
    records = read_corpus(data / "train.txt")
    gold = gold or len(records)
    settings = {"name": teacher, "tokens": "all", "open_labels": False}
    block: dict[str, Any] = {"@misc": "spacy_xner.Teacher.v1", **settings}
    with tempfile.TemporaryDirectory() as folder:
        if gold < len(records):
            file = Path(folder) / "texts.txt"
            file.write_text("\n".join(record.text for record in records[gold:]), encoding="utf-8")
            block |= {"texts": str(file), "texts_share": len(records) / gold - 1}
        for seed, is_taught in product(range(seeds), (False, True)):
            nlp = make_nlp("", head, layers=layers)
            init = {"init_from": teacher} | ({"teacher": block} if is_taught else {})
            nlp.config["initialize"]["components"]["xner"] = init
            examples = make_examples(nlp, make_docs(nlp, records[:gold]))
            seconds = train(nlp, examples, epochs=epochs, batch_size=16, learn_rate=learn_rate, seed=seed)
            f1 = score(nlp, read_test(data, nlp))
            share = 100 * f1 / full
            name = f"with{'' if is_taught else 'out'} a teacher"
            print(f"{layers} layers {name}, seed {seed}: {f1:.2f}, {share:.2f} % of that, {seconds:.0f} s")
            scores.setdefault(f"{layers} layers {name}", []).append(f1)
    rows = {name: {"F1": spread(values)} for name, values in scores.items()}
    write_results({"teacher": {"F1": full}, **rows})


def read_test(data: Path, nlp: Language) -> list[Doc]:
    """Read the test set."""
    return make_docs(nlp, read_corpus(data / "test.txt"))


if __name__ == "__main__":
    typer.run(main)
