"""Measures one way to run a token classifier, in its own process and environment: see peers.py.

Knows nothing of the rest of the project, but for one of the limits. Prints one JSON object.

Usage: python peer.py KIND MODEL TEXTS, a JSON file of texts, short ones, and the pieces of both
"""

import gc
import json
import sys
import time
import warnings

BEGIN = time.perf_counter()
WARM_UP = 32


def run_raw(model, data, linear):
    """Run the encoder alone on pieces, in batches of equal length; with torch's linear layers, or ours."""
    import torch
    from transformers import AutoModel

    encoder = AutoModel.from_pretrained(model).eval()
    if linear == "ours":
        from spacy_xner.nn.runtime.onednn import use_onednn

        use_onednn(encoder)

    def run(texts):
        groups = {}
        for pieces in texts:
            groups.setdefault(len(pieces), []).append(pieces)
        for length, rows in groups.items():
            step = max(1, 1024 // length)
            for i in range(0, len(rows), step):
                with torch.inference_mode():
                    encoder(input_ids=torch.tensor(rows[i : i + step]))
        return []

    return run, data["pieces"], data["short_pieces"]


def run_transformers(model, data, batch_size):
    """Run the pipeline of transformers."""
    from transformers import pipeline

    tagger = pipeline("token-classification", model, aggregation_strategy="simple", device="cpu")

    def run(texts):
        rows = tagger(texts, batch_size=batch_size)
        return [[(ent["start"], ent["end"], ent["entity_group"]) for ent in row] for row in rows]

    return run, data["texts"], data["short"]


def run_spacy(nlp, data):
    """Run a spaCy pipeline."""

    def run(texts):
        return [[(e.start_char, e.end_char, e.label_) for e in doc.ents] for doc in nlp.pipe(texts)]

    return run, data["texts"], data["short"]


def load(kind, model, data):
    """Load a kind of peer."""
    name, _, setting = kind.partition(":")
    if name == "raw":
        return run_raw(model, data, setting)
    if name == "transformers":
        return run_transformers(model, data, int(setting))
    import spacy

    if name == "hf_token_pipe":
        nlp = spacy.blank("xx")
        settings = {"model": model, "aggregation_strategy": "simple", "annotate": "ents"}
        nlp.add_pipe("hf_token_pipe", config=settings)
        return run_spacy(nlp, data)
    return run_spacy(spacy.load(model), data)


def quantile(values, share):
    """Return a quantile of values."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def read_peak():
    """Read the peak memory of the process in MB (Linux only): getrusage would include that of its parent."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def main():
    """Measure."""
    warnings.simplefilter("ignore")
    kind, model, file = sys.argv[1:]
    with open(file, encoding="utf-8") as lines:
        data = json.load(lines)
    run, texts, short = load(kind, model, data)
    run(short[:1])
    start_up = time.perf_counter() - BEGIN
    run(texts[:WARM_UP])
    gc.collect()
    begin = time.perf_counter()
    predicted = run(texts)
    seconds = time.perf_counter() - begin
    times = []
    for text in short:
        begin = time.perf_counter()
        run([text])
        times.append(time.perf_counter() - begin)
    peak = read_peak()
    print(
        json.dumps(
            {
                "seconds": seconds,
                "p50": 1000 * quantile(times, 0.5),
                "p99": 1000 * quantile(times, 0.99),
                "start_up": start_up,
                "peak": peak,
                "predicted": predicted,
            }
        )
    )


if __name__ == "__main__":
    main()
