"""Every way to run one token classifier from Python, in turn on the same texts.

Each peer has an environment of its own, which this program makes, and a process of its own for each round.
All have the same weights but spacy-transformers, whose `ner` cannot load them: it is initialized, not
trained, and only its speed says something. The last rows are the encoder alone on the same pieces, without
padding, tokenizer and decoding: as transformers has it, and with our linear layers, the limit.

Usage: python benchmarks/peers.py DATA CHECKPOINT OUT, after benchmarks/adopted.py wrote CHECKPOINT.
"""

import hashlib
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from common import count_same, make_docs, make_examples, read_corpus, sample
from results import write_results
from rich.console import Console
from rich.progress import track
from rich.table import Table
from spacy.language import Language
from spacy.util import load_config_from_str
from transformers import AutoTokenizer

from spacy_xner.loading import adopt, load_tagger
from spacy_xner.models.execution import get_execution
from spacy_xner.tools.shrink import shrink
from spacy_xner.types import Record

WORKER = Path(__file__).with_name("peer.py")
PLOT = Path(__file__).with_name("plot_peers.py")
CONSTRAINTS = Path(__file__).parent.parent / "constraints.txt"
TESTS = {"waybill": ["waybill/test.txt"], "uner": ["uner/zh_gsdsimp/test.iob2", "uner/en_pud/test.iob2"]}
# What is installed beside torch in our version, and whether our constraints apply.
ENVIRONMENTS = {
    "transformers": (["transformers"], False),
    "hf_token_pipe": (["spacy-huggingface-pipelines"], False),
    "spacy-transformers": (["spacy-transformers"], True),
    "plot": (["matplotlib"], False),
}
# Settings of our faster pipelines.
FAST = {
    "onnx": {"backend": "onnx", "precision": "fp32"},
    "int8": {"precision": "int8"},
    "onnx-int8": {"backend": "onnx", "precision": "int8"},
}
# Row: kind of peer.py, environment (None for this one), model.
ROWS = {
    "transformers, batch 1": ("transformers:1", "transformers", "checkpoint"),
    "transformers, batch 8": ("transformers:8", "transformers", "checkpoint"),
    "transformers, batch 32": ("transformers:32", "transformers", "checkpoint"),
    "hf_token_pipe": ("hf_token_pipe", "hf_token_pipe", "checkpoint"),
    "spacy-transformers ner": ("spacy", "spacy-transformers", "parser"),
    "xner, adopted": ("spacy", None, "adopted"),
    "xner, adopted, onnx": ("spacy", None, "adopted-onnx"),
    "xner, adopted, int8": ("spacy", None, "adopted-int8"),
    "xner, adopted, onnx int8": ("spacy", None, "adopted-onnx-int8"),
    "xner, own pieces": ("spacy", None, "own"),
    "xner, own pieces, onnx": ("spacy", None, "own-onnx"),
    "xner, own pieces, int8": ("spacy", None, "own-int8"),
    "xner, own pieces, onnx int8": ("spacy", None, "own-onnx-int8"),
    "encoder alone": ("raw", None, "checkpoint"),
    "encoder alone, own pieces": ("raw", None, "checkpoint"),
    "encoder alone, our linear layers": ("raw:ours", None, "checkpoint"),
    "encoder alone, own pieces, our linear layers": ("raw:ours", None, "checkpoint"),
}
PARSER = """
[nlp]
lang = "xx"
pipeline = ["transformer", "ner"]
[components]
[components.transformer]
factory = "transformer"
[components.transformer.model]
@architectures = "spacy-transformers.TransformerModel.v3"
name = {name}
[components.ner]
factory = "ner"
[components.ner.model]
@architectures = "spacy.TransitionBasedParser.v2"
state_type = "ner"
hidden_width = 64
maxout_pieces = 2
use_upper = false
[components.ner.model.tok2vec]
@architectures = "spacy-transformers.TransformerListener.v1"
grad_factor = 1.0
pooling = {{"@layers": "reduce_mean.v1"}}
"""


def make_environment(name: str, folder: Path) -> Path:
    """Create a virtual environment unless it exists; returns its Python."""
    python = folder / "bin" / "python"
    if not python.is_file():
        import torch

        packages, is_constrained = ENVIRONMENTS[name]
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        version = torch.__version__.partition("+")[0]
        constraints = ["-c", str(CONSTRAINTS)] if is_constrained else []
        torches = [] if name == "plot" else [f"torch=={version}"]
        command: list[str | Path] = [python, "-m", "pip", "install", "-q", *constraints, *torches, *packages]
        subprocess.run(command, check=True)
    return python


def write_parser(checkpoint: Path, records: list[Record], folder: Path) -> None:
    """Write spacy-transformers' pipeline with the checkpoint's encoder and an untrained parser."""
    from spacy.util import load_model_from_config

    config = load_config_from_str(PARSER.format(name=srsly.json_dumps(str(checkpoint.resolve()))))
    nlp = load_model_from_config(config, auto_fill=True)
    examples = make_examples(nlp, make_docs(nlp, records))
    nlp.initialize(lambda: examples)
    nlp.to_disk(folder)


def write_models(checkpoint: Path, out: Path, records: list[Record]) -> None:
    """Write the pipelines that do not exist."""
    makers: dict[str, Callable[[str, str], Language]] = {"adopted": adopt, "own": load_tagger}
    for name, make in makers.items():
        if not (out / name).is_dir():
            make(str(checkpoint), "cpu").to_disk(out / name)
        for suffix, settings in FAST.items():
            folder = out / f"{name}-{suffix}"
            if not folder.is_dir():
                shrink(str(out / name), folder, storage="float32", **settings)  # type: ignore[arg-type]
    if not (out / "parser").is_dir():
        write_parser(checkpoint, records, out / "parser")


def cut(checkpoint: Path, texts: Sequence[str], own: Language | None) -> list[list[int]]:
    """Split texts into the encoder's input pieces, special ones included."""
    if own is None:
        return list(AutoTokenizer.from_pretrained(checkpoint)(list(texts)).input_ids)
    execution = get_execution(own.get_pipe("xner").model)  # type: ignore[attr-defined]
    prefix, suffix, _ = execution.network.encoder.specials
    return [
        [*prefix, *pieces.ids, *suffix] for pieces in execution.cut([own.make_doc(text) for text in texts])
    ]


def measure(row: str, out: Path, checkpoint: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run one row in its own process."""
    kind, name, model = ROWS[row]
    python = sys.executable if name is None else make_environment(name, out / "environments" / name)
    folder = checkpoint if model == "checkpoint" else out / model
    texts = out / ("own.json" if row.startswith("encoder alone, own pieces") else "texts.json")
    done = subprocess.run(
        [python, WORKER, kind, folder, texts],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{row} failed:\n{done.stderr}")
    result: dict[str, Any] = srsly.json_loads(done.stdout.strip().splitlines()[-1])
    return result


def share_equal(ours: list[Any], theirs: list[Any], texts: list[str]) -> float:
    """Compute the share of characters with the same label, in percent."""
    n_same = sum(count_same(a, b, text) for a, b, text in zip(ours, theirs, texts, strict=True))
    return 100 * n_same / sum(map(len, texts))


def score(predicted: list[Any], records: list[Record]) -> float:
    """Compute micro F1 of entities with exact boundaries, in percent."""
    wanted = {(i, *span[:3]) for i, record in enumerate(records) for span in record.spans}
    had = {(i, *span) for i, spans in enumerate(predicted) for span in spans}
    return 200 * len(wanted & had) / (len(wanted) + len(had))


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the corpora.")],
    checkpoint: Annotated[Path, typer.Argument(help="A Hugging Face token classifier.")],
    out: Annotated[Path, typer.Argument(help="Folder for environments, pipelines and results.")],
    texts: Annotated[int, typer.Option(help="Texts of each corpus.")] = 500,
    short: Annotated[int, typer.Option(help="Number of short texts, predicted one by one.")] = 100,
    rounds: int = 3,
    threads: int = os.cpu_count() or 1,
    rows: Annotated[str, typer.Option(help="Prefixes of the rows to run, comma-separated.")] = "",
) -> None:
    """Run the missing rows, then print the table and write the plot."""
    out.mkdir(parents=True, exist_ok=True)
    corpora = {
        name: sample([r for file in files for r in read_corpus(data / file)], texts)
        for name, files in TESTS.items()
    }
    # Of mixed length and script, as they come.
    records = sample([record for some in corpora.values() for record in some], 2 * texts)
    records = sorted(records, key=lambda record: hash_of(record.text))
    write_models(checkpoint, out, records[:32])
    lines = [record.text for record in records]
    few = sorted(lines, key=len)[len(lines) // 4 :][:short]
    own = spacy.load(out / "own")
    for name, cutter in (("texts", None), ("own", own)):
        pieces = {"pieces": cut(checkpoint, lines, cutter), "short_pieces": cut(checkpoint, few, cutter)}
        srsly.write_json(out / f"{name}.json", {"texts": lines, "short": few, **pieces})
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "TRANSFORMERS_OFFLINE": "1"}
    environment["TOKENIZERS_PARALLELISM"] = "false"
    chosen = [row for row in ROWS if row.startswith(tuple(rows.split(",")))]
    file = out / f"peers-{threads}.jsonl"
    done = list(srsly.read_jsonl(file)) if file.exists() else []
    for number in range(rounds):
        for row in track(chosen, f"Round {number + 1}", console=Console(stderr=True)):
            if any((other["row"], other["round"]) == (row, number) for other in done):
                continue
            done.append({"row": row, "round": number, **measure(row, out, checkpoint, environment)})
            srsly.write_jsonl(file, done[-1:], append=True, append_new_line=False)
    n_words = sum(len(own.make_doc(line)) for line in lines)
    show(done, n_words, records, corpora, out / f"peers-{threads}.tsv")


def hash_of(text: str) -> str:
    """Shuffle texts of all corpora with a fixed seed."""
    return hashlib.blake2b(text.encode()).hexdigest()


def show(
    done: list[dict[str, Any]],
    n_words: int,
    records: list[Record],
    corpora: dict[str, list[Record]],
    file: Path,
) -> None:
    """Print medians over rounds; ratios are of two rows of one round."""
    by_row: dict[str, dict[int, dict[str, Any]]] = {}
    for item in done:
        by_row.setdefault(item["row"], {})[item["round"]] = item
    best = min(
        (row for row in by_row if row.startswith("transformers")),
        key=lambda row: statistics.median(item["seconds"] for item in by_row[row].values()),
    )
    lines = [record.text for record in records]
    columns = ["words/s", f"of {best}", "of encoder", "of limit", "p50 ms", "p99 ms", "start s", "peak MB"]
    columns += ["same %", *(f"F1 {name}" for name in corpora)]
    table = Table("", *columns)
    rows = []
    for row, items in by_row.items():
        mean = {
            key: statistics.median(item[key] for item in items.values())
            for key in ("seconds", "p50", "p99", "start_up", "peak")
        }
        encoder = "encoder alone, own pieces" if "own pieces" in row else "encoder alone"
        bases = (best, encoder, f"{encoder}, our linear layers")
        cells = [f"{n_words / mean['seconds']:.0f}", *(ratio(by_row, base, row) for base in bases)]
        cells += [f"{mean[key]:.{digits}f}" for key, digits in (("p50", 1), ("p99", 1), ("start_up", 1))]
        cells.append(f"{mean['peak']:.0f}")
        entities = next(iter(items.values()))["predicted"]
        if entities and "spacy-transformers" not in row:
            cells.append(f"{share_equal(entities, by_row[best][0]['predicted'], lines):.2f}")
            for some in corpora.values():
                kept = {record.text for record in some}
                pairs = [(a, b) for a, b in zip(entities, records, strict=True) if b.text in kept]
                cells.append(f"{score([a for a, _ in pairs], [b for _, b in pairs]):.1f}")
        table.add_row(row, *cells)
        rows.append([row, *cells])
    Console(width=200).print(table)
    write_results(
        {
            row: {name: float(cell) for name, cell in zip(columns, cells, strict=False) if cell}
            for row, *cells in rows
        }
    )
    text = "\n".join("\t".join(cells) for cells in [["", *columns], *rows])
    file.write_text(text + "\n", encoding="utf-8")
    plot = file.with_suffix(".svg")
    python = make_environment("plot", file.parent / "environments" / "plot")
    subprocess.run([python, PLOT, file, plot], check=True)
    print(f"Wrote {file} and {plot}")


def ratio(by_row: dict[str, dict[int, dict[str, Any]]], base: str, row: str) -> str:
    """Compare speeds round by round."""
    ratios = [
        by_row[base][number]["seconds"] / item["seconds"]
        for number, item in by_row[row].items()
        if number in by_row.get(base, {})
    ]
    return f"{statistics.median(ratios):.2f}" if ratios else ""


if __name__ == "__main__":
    typer.run(main)
