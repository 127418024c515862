"""Counts of the package's structure: modules, layers, and the way of a text through them.

Usage: python scripts/structure.py [--root DIR] [--json]
"""

import ast
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import tomllib
import typer

SLIPS = [
    ("张伟 13800138000 北京市海淀区", [("张伟", "PER"), ("13800138000", "PHONE"), ("北京市海淀区", "LOC")]),
    ("Send to Anna Schmidt, DHL Express", [("Anna Schmidt", "PER"), ("DHL Express", "COURIER")]),
    ("顺丰速运 收件人李娜 Tel 020-8888", [("顺丰速运", "COURIER"), ("李娜", "PER"), ("020-8888", "PHONE")]),
    ("nothing to find in this line", []),
]


class Route:
    """The modules that Python functions of a package are entered in, in order.

    A move is a change of module: by a call, a return, or a generator that goes on.

    Args:
        package: Folder of the package.
    """

    def __init__(self, package: Path) -> None:
        self.prefix = f"{package}/"
        self.stack: list[str] = []
        self.visited: list[str] = []

    def follow(self, run: Callable[[], object]) -> "Route":
        """Run a function and note the modules on its way."""
        sys.setprofile(self._note)
        try:
            run()
        finally:
            sys.setprofile(None)
        return self

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if not file.startswith(self.prefix):
            return
        if event == "call":
            self.stack.append(file.removeprefix(self.prefix))
            self.visited.append(self.stack[-1])
        elif event == "return":
            self.stack.pop()
            self.visited += self.stack[-1:]

    @property
    def modules(self) -> list[str]:
        """The modules, each once."""
        return sorted(set(self.visited))

    @property
    def n_moves(self) -> int:
        """The number of moves."""
        return sum(a != b for a, b in zip(self.visited, self.visited[1:], strict=False))


def follow_texts(package: Path) -> dict[str, Any]:
    """Train a tiny pipeline and follow one prediction and one update through the package."""
    import spacy
    from spacy.training import Example
    from thinc.api import registry

    from spacy_xner.tools.encoders.tiny import write_tiny

    nlp = spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "spacy_xner.Tokenizer.v2"}}})
    with tempfile.TemporaryDirectory() as folder:
        write_tiny(Path(folder) / "tiny", [text for text, _ in SLIPS], vocab_size=300)
        encoder = {"@architectures": "spacy_xner.Encoder.v1", "name": f"{folder}/tiny"}
        model = {
            "@architectures": "spacy_xner.EntityModel.v1",
            "encoder": encoder,
            "head": {"@architectures": "spacy_xner.SoftmaxHead.v1"},
        }
        nlp.add_pipe("xner", config={"model": model, "device": "cpu"})
        examples = []
        for text, entities in SLIPS:
            doc = nlp.make_doc(text)
            starts = [(text.index(part), part, label) for part, label in entities]
            doc.set_ents([doc.char_span(i, i + len(part), label) for i, part, label in starts])
            examples.append(Example(nlp.make_doc(text), doc))
        nlp.initialize(lambda: examples)
    sgd = registry.optimizers.get("spacy_xner.AdamW.v1")(learn_rate=5e-3, head_factor=2.0)
    for _ in range(40):
        nlp.update(examples, sgd=sgd)
    nlp(SLIPS[0][0])
    routes = {
        "nlp(text)": Route(package).follow(lambda: nlp(SLIPS[0][0])),
        "nlp.update(4 examples)": Route(package).follow(lambda: nlp.update(examples, sgd=sgd)),
    }
    counts: dict[str, Any] = {}
    for name, route in routes.items():
        counts |= {f"modules of {name}": len(route.modules), f"moves of {name}": route.n_moves}
    return counts


def count_source(root: Path) -> dict[str, Any]:
    """Count modules, layers, and a few patterns in the source."""
    package = root / "spacy_xner"
    loose = [file for file in package.glob("*.py") if file.name != "__init__.py"]
    contracts = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    counts: Counter[str] = Counter()
    for file in package.rglob("*.py"):
        is_inner = {"models", "pipeline"} & {part.name for part in file.parents}
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            counts["string-keyed calls"] += isinstance(node, ast.Call) and _is_lookup(node.func, "attrs")
            counts["shims[0]"] += _is_lookup(node, "shims")
            counts["uses of Any in models and pipeline"] += bool(
                is_inner and isinstance(node, ast.Name) and node.id == "Any"
            )
    return {"modules at the root": len(loose), "layers": len(layers), **counts}


def _is_lookup(node: ast.AST, name: str) -> bool:
    """Return whether a node looks something up in an attribute or variable of a name."""
    if not isinstance(node, ast.Subscript):
        return False
    return getattr(node.value, "attr", getattr(node.value, "id", None)) == name


def main(
    *,
    root: Annotated[Path, typer.Option(help="The repository.")] = Path(__file__).parent.parent,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count and print."""
    sys.path.insert(0, str(root.resolve()))
    counts = count_source(root) | follow_texts(root.resolve() / "spacy_xner")
    if as_json:
        typer.echo(json.dumps(counts, indent=2))
        return
    for name, count in counts.items():
        typer.echo(f"{name:50} {count:4}")


if __name__ == "__main__":
    typer.run(main)
