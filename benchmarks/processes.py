"""Training in two processes against one, of one thread each: speed, bytes sent, the same weights and scores.

Without dropout, whose random numbers differ between processes. Speed and bytes are measured on the loopback
interface of this machine, with the encoder given; the kinds of training are compared with a tiny random one.

Usage: python benchmarks/processes.py weights DATA OUT
       python benchmarks/processes.py speed DATA ENCODER OUT [--rounds 3] [--steps 30]
       python benchmarks/processes.py ceiling DATA ENCODER OUT [--rounds 3]
       python benchmarks/processes.py scores DATA ENCODER OUT [--steps 300]
       python benchmarks/processes.py pieces DATA ENCODER
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from common import clock, make_docs, make_examples, make_nlp, read_corpus, sample, write_config
from results import Cell, spread, write_results
from safetensors.torch import load_file
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry

from spacy_xner.models.execution import get_execution
from spacy_xner.tools.encoders.tiny import write_tiny
from spacy_xner.training.record import best_row, read_rows
from spacy_xner.training.run import train

BATCH_SIZE = 16
# Steps before the clock starts.
WARM_UP = 4
DENSE_STEPS = 10
LORA = {"@architectures": "spacy_xner.LoRA.v1"}
# What `init_config` is asked for, and what is changed in the config.
KINDS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "softmax": ({"head": "softmax"}, {}),
    "crf": ({"head": "crf"}, {}),
    "global pointer": ({"task": "spans"}, {}),
    "lora": ({"head": "crf"}, {"lora": LORA}),
    "teacher": ({"extend": "softmax/one/model-last"}, {}),
    "xcat": ({"task": "textcat"}, {}),
}


@registry.callbacks("measure.v1")
def make_measure() -> Callable[[Language, dict[str, Any]], None]:
    """Return a callback that notes when each step begins, and what has been sent until then."""
    marks: list[tuple[float, int]] = []

    def measure(nlp: Language, args: dict[str, Any]) -> None:
        if args["step"] == 0 and os.environ.get("DENSE"):
            for name in nlp.pipe_names:
                encoder = get_execution(nlp.get_pipe(name).model).network.encoder  # type: ignore[attr-defined]
                encoder.set_sparse_gradient(is_sparse=False)
        marks.append((time.perf_counter(), count_sent()))
        if os.environ.get("RANK", "0") == "0" and "MARKS" in os.environ:
            Path(os.environ["MARKS"]).write_text(json.dumps(marks), "utf-8")

    return measure


def count_sent() -> int:
    """Count the bytes that the loopback interface has sent."""
    lines = Path("/proc/net/dev").read_text("utf-8").splitlines()
    (loopback,) = (line.split() for line in lines if line.strip().startswith("lo:"))
    return int(loopback[9])


def write_inputs(
    data: Path, encoder: str, folder: Path, *, texts: int, batch_size: int = BATCH_SIZE, **options: Any
) -> Path:
    """Write corpora and a config without dropout, and return the latter."""
    path, changes = folder / "config.cfg", options.pop("changes", {})
    config = write_config(path, data, encoder=encoder, texts=texts, with_doc=add_length, **options)
    for component in config["components"].values():
        component["model"]["encoder"] |= changes
    config["training"] |= {"dropout": 0.0, "before_update": {"@callbacks": "measure.v1"}}
    config["vars"]["batch_size"] = batch_size
    config.to_disk(path)
    return path


def add_length(doc: Doc) -> None:
    """Add a label of the whole text that takes reading it."""
    is_long = sum(token.text.isdigit() for token in doc) > 1
    doc.cats = {"SHORT": float(not is_long), "LONG": float(is_long)}


def without_dropout(encoder: str, folder: Path) -> str:
    """Copy an encoder, with its own dropout off."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in Path(encoder).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return str(folder)


def run(config: Path, output: Path, n_processes: int, steps: int, **environment: str) -> list[list[float]]:
    """Train in processes of one thread each; returns the time and the bytes sent when each step began."""
    marks = output.with_suffix(".marks.json")
    several = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={n_processes}"]
    command = [
        sys.executable,
        *(several if n_processes > 1 else []),
        __file__,
        "child",
        config,
        output,
        steps,
    ]
    variables = os.environ | {"OMP_NUM_THREADS": "1", "MARKS": str(marks)} | environment
    with output.with_suffix(".log").open("wb") as log:
        subprocess.run([*map(str, command)], env=variables, stdout=log, stderr=log, check=True)
    return json.loads(marks.read_text("utf-8"))  # type: ignore[no-any-return]


def child(config: str, output: str, steps: str) -> None:
    """Train, in one process or as one of several."""
    # No step in between is scored.
    overrides = {"vars.max_steps": int(steps), "vars.warmup_steps": 5, "training.eval_frequency": int(steps)}
    train(Path(config), Path(output), device=os.environ.get("DEVICE", "cpu"), overrides=overrides)


def steps_a_second(marks: list[list[float]]) -> float:
    """Compute the speed after the warm-up."""
    return (len(marks) - 1 - WARM_UP) / (marks[-1][0] - marks[WARM_UP][0])


def bytes_a_step(marks: list[list[float]]) -> float:
    """Compute what all processes have sent a step, after the warm-up."""
    return (marks[-1][1] - marks[WARM_UP][1]) / (len(marks) - 1 - WARM_UP)


def compare_speed(config: Path, out: Path, rounds: int, steps: int) -> dict[str, Cell]:
    """Train in one process and in two, in turn."""
    one, two = [], []
    for number in range(rounds):
        one.append(steps_a_second(run(config, out / "one", 1, steps)))
        marks = run(config, out / "two", 2, steps)
        two.append(steps_a_second(marks))
        print(f"round {number}: {one[-1]:.3f} and {two[-1]:.3f} steps a second", flush=True)
    dense = run(config, out / "dense", 2, DENSE_STEPS + WARM_UP, DENSE="1")
    return {
        "steps a second, 1 process": spread(one),
        "steps a second, 2 processes": spread(two),
        "times": spread([b / a for a, b in zip(one, two, strict=True)]),
        "MB a step, row-sparse": bytes_a_step(marks) / 1e6,
        "MB a step, dense": bytes_a_step(dense) / 1e6,
        "steps a second, dense": steps_a_second(dense),
    }


def compare_weights(data: Path, out: Path, steps: int) -> dict[str, dict[str, Cell]]:
    """Train each kind in one process and in two, and compare the weights."""
    texts = [record.text for record in sample(read_corpus(data / "waybill" / "train.txt"), 200)]
    if not (out / "tiny").is_dir():
        write_tiny(out / "tiny", texts, vocab_size=1000)
    encoder = without_dropout(str(out / "tiny"), out / "tiny-plain")
    rows: dict[str, dict[str, Cell]] = {}
    for kind, (options, changes) in KINDS.items():
        options = {name: str(out / v) if name == "extend" else v for name, v in options.items()}
        config = write_inputs(data, encoder, out / kind, texts=200, changes=changes, **options)
        for name, n_processes in (("one", 1), ("two", 2)):
            run(config, config.with_name(name), n_processes, steps)
        largest = compare(config.with_name("one"), config.with_name("two"))
        rows[f"{kind}, {steps} steps"] = {
            "largest difference of a weight": largest[False],
            "of a key bias": largest[True],
        }
        print(kind, largest, flush=True)
    return rows


def compare(one: Path, two: Path) -> dict[bool, float]:
    """Return the largest difference of weights; apart, that of key biases.

    The gradient of these is zero but for rounding, which Adam scales up.
    """
    largest = {False: 0.0, True: 0.0}
    for file in (one / "model-last").rglob("*.safetensors"):
        others = load_file(two / file.relative_to(one))
        for name, weight in load_file(file).items():
            is_key_bias = name.endswith("key.bias")
            difference = (weight.float() - others[name].float()).abs().max().item()
            largest[is_key_bias] = max(largest[is_key_bias], difference)
    return largest


def compare_scores(config: Path, out: Path, steps: int) -> dict[str, Cell]:
    """Train to the end in one process and in two, and compare the scores."""
    scores = {}
    for name, n_processes in (("one", 1), ("two", 2)):
        run(config, out / f"real-{name}", n_processes, steps)
        scores[name] = 100 * (best_row(read_rows(out / f"real-{name}")).score or 0.0)
    return {"F1 on dev, 1 process": scores["one"], "F1 on dev, 2 processes": scores["two"]}


Data = Annotated[Path, typer.Argument(help="Folder of the corpora.")]
Encoder = Annotated[str, typer.Argument(help="Encoder folder.")]
Out = Annotated[Path, typer.Argument(help="Folder for the trainings.")]
app = typer.Typer()


@app.command()
def weights(data: Data, out: Out, steps: int = 50) -> None:
    """Compare the weights of each kind of training, with a tiny encoder."""
    write_results(compare_weights(data, out, steps), "weights")


@app.command()
def speed(
    data: Data,
    encoder: Encoder,
    out: Out,
    rounds: int = 3,
    steps: int = 25,
    batch_size: int = BATCH_SIZE,
) -> None:
    """Compare speed and bytes sent."""
    plain = without_dropout(encoder, out / "encoder")
    config = write_inputs(data, plain, out, texts=800, batch_size=batch_size, head="crf")
    rows = {f"2 processes against 1, {batch_size} texts a step": compare_speed(config, out, rounds, steps)}
    write_results(rows, "speed")


@app.command()
def ceiling(data: Data, encoder: Encoder, out: Out, rounds: int = 3, steps: int = 9) -> None:
    """Compare two trainings that have nothing to do with each other, side by side, with one alone."""
    plain = without_dropout(encoder, out / "encoder")
    config = write_inputs(data, plain, out, texts=800, batch_size=32, head="crf")
    times = []
    for number in range(rounds):
        alone = steps_a_second(run(config, out / "alone", 1, steps))
        with ThreadPoolExecutor(2) as pool:
            both = pool.map(lambda name: run(config, out / name, 1, steps), ("left", "right"))
            times.append(sum(map(steps_a_second, both)) / alone)
        print(f"round {number}: {times[-1]:.3f}", flush=True)
    write_results({"2 trainings side by side": {"times": spread(times)}}, "ceiling")


@app.command()
def scores(data: Data, encoder: Encoder, out: Out, steps: int = 300) -> None:
    """Compare the scores at the end."""
    config = write_inputs(data, without_dropout(encoder, out / "encoder"), out, texts=0, head="crf")
    write_results({f"waybill, {steps} steps": compare_scores(config, out, steps)}, "scores")


@app.command()
def pieces(data: Data, encoder: Encoder) -> None:
    """Measure what the size of messages depends on, and what each process does for the texts of all."""
    nlp = make_nlp(encoder, "CRFHead")
    corpora = ("waybill/train.txt", "cluener/train.json", "uner/hr_set/train.iob2", "wnut17/train.conll")
    records = [record for name in corpora for record in read_corpus(data / name)]
    random.Random(0).shuffle(records)
    examples = make_examples(nlp, make_docs(nlp, records))
    nlp.initialize(lambda: examples)
    pipe = cast(Any, nlp.get_pipe("xner"))
    rows: dict[str, dict[str, Cell]] = {}
    for n_texts in (16, 128, 1024, 8192, len(examples)):
        texts = get_execution(pipe.model).cut([eg.predicted for eg in examples[:n_texts]])
        ids = [piece for text in texts for piece in text.ids]
        rows[f"{n_texts} texts"] = {"pieces": len(ids), "rows of embeddings": len({*ids})}
    batch = make_examples(nlp, make_docs(nlp, records[:1024]))
    durations = [
        clock(lambda: get_execution(pipe.model).cut([eg.predicted for eg in batch])) for _ in range(3)
    ]
    rows["cutting a text into pieces"] = {"ms": spread([1000 * each / len(batch) for each in durations])}
    write_results(rows, "pieces")


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    else:
        app()
