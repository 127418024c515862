"""Peak memory of one long text through the global pointer, with separate queries and keys for each type.

Usage: python benchmarks/long_spans.py ENCODER [--tokens 5000 --labels 10]
"""

import resource
from typing import Annotated

import typer
from common import make_nlp
from results import write_results


def main(
    encoder: Annotated[str, typer.Argument(help="Encoder folder.")], tokens: int = 5000, labels: int = 10
) -> None:
    """Run an untrained model, and print the peak memory of the process."""
    nlp = make_nlp(encoder, "GlobalPointerHead")
    for i in range(labels):
        nlp.get_pipe("xner").add_label(f"L{i}")  # type: ignore[attr-defined]
    nlp.initialize()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    doc = nlp("地" * tokens)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    write_results({f"{tokens} tokens, {labels} types": {"before, MiB": before, "peak, MiB": after}})
    print(f"{len(doc)} tokens, {labels} types: {before:.0f} MiB before, {after:.0f} MiB peak")


if __name__ == "__main__":
    typer.run(main)
