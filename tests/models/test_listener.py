"""A transformer of spacy-transformers, shared by xner with spaCy's textcat or with xcat."""

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import fix_random_seed, load_model_from_config

from spacy_xner.distillation.teacher_model import TeacherModel, tokenized
from spacy_xner.training.optimizer import build_adamw_v1

from ..conftest import SLIPS, TOKENIZER, entities_of, make_examples, make_nlp

# spacy-transformers 1.4 needs transformers 4.
pytest.importorskip("spacy_transformers")

LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    "pooling": {"@layers": "reduce_mean.v1"},
    "upstream": "*",
}


def make_listening(tiny: Path, head: str = "SoftmaxHead") -> Language:
    """Build a pipeline in which xner listens to a transformer."""
    # The loss has peaks: from some random weights and dropout, the last step is one.
    fix_random_seed(0)
    nlp = spacy.blank("xx", config=TOKENIZER)
    transformer = {"@architectures": "spacy-transformers.TransformerModel.v3", "name": str(tiny)}
    nlp.add_pipe("transformer", config={"model": transformer})
    model = {
        "@architectures": "spacy_xner.EntityModel.v1",
        "encoder": LISTENER,
        "head": {"@architectures": f"spacy_xner.{head}.v1"},
    }
    nlp.add_pipe("xner", config={"model": model, "device": "cpu"})
    return nlp


def initialize(nlp: Language, **init: object) -> Language:
    nlp.config["initialize"]["components"]["xner"] = init
    nlp.initialize(lambda: make_examples(nlp))
    return nlp


TEXTCAT = {
    "@architectures": "spacy.TextCatCNN.v2",
    "exclusive_classes": True,
    "tok2vec": LISTENER,
    "nO": None,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "model"), [("textcat", TEXTCAT), ("xcat", {"encoder": LISTENER})])
def test_shared_transformer_feeds_xner_and_textcat(
    tiny: Path, tmp_path: Path, name: str, model: dict[str, object]
) -> None:
    nlp = make_listening(tiny, "CRFHead")
    nlp.add_pipe(name, config={"model": model})
    examples = make_examples(nlp)
    for example in examples:
        is_slip = bool(example.reference.ents)
        example.reference.cats = {"SLIP": float(is_slip), "OTHER": float(not is_slip)}
    nlp.initialize(lambda: examples)
    before = nlp.get_pipe("transformer").model.to_bytes()
    sgd = build_adamw_v1(learn_rate=2e-3)
    losses: list[dict[str, float]] = [nlp.update(examples, sgd=sgd) for _ in range(40)]
    assert losses[-1]["xner"] < losses[0]["xner"] / 5
    assert nlp.get_pipe("transformer").model.to_bytes() != before
    nlp.to_disk(tmp_path)
    for copy in (nlp, spacy.load(tmp_path), pickle.loads(pickle.dumps(nlp))):
        for doc, (text, entities) in zip(copy.pipe(text for text, _ in SLIPS), SLIPS, strict=True):
            assert doc.text == text
            assert entities_of(doc) == entities
            assert (doc.cats["SLIP"] > 0.5) == bool(entities)


@pytest.mark.filterwarnings("ignore")
def test_teacher_and_student_can_be_listeners(tiny: Path, tmp_path: Path) -> None:
    teacher = initialize(make_listening(tiny))
    teacher.to_disk(tmp_path / "teacher")
    examples = make_examples(teacher)
    soft_targets = TeacherModel(str(tmp_path / "teacher")).soft_targets(
        [tokenized(eg.predicted) for eg in examples]
    )
    doc = teacher(examples[0].predicted.text)
    expected = [(ent.start, ent.end, ent.label_) for ent in doc.ents]
    assert [ent[:3] for ent in soft_targets[0].entities] == expected
    assert soft_targets[0].log_probs.shape == (len(doc), 9)

    block = {"@misc": "spacy_xner.Teacher.v1", "name": str(tmp_path / "teacher")}
    student = initialize(make_listening(tiny), init_from=str(tmp_path / "teacher"), teacher=block)
    losses = student.update(make_examples(student), sgd=build_adamw_v1())
    assert losses["xner"] > 0
    (tmp_path / "texts.txt").write_text("one more text\n")
    student = initialize(make_listening(tiny), teacher=block | {"texts": str(tmp_path / "texts.txt")})
    with pytest.raises(ValueError, match="A teacher's texts must run through the component's own encoder"):
        student.update(make_examples(student))
    with pytest.raises(ValueError, match=r'found "vocabulary"\. Name a file'):
        initialize(make_listening(tiny), teacher=block | {"texts": "vocabulary"})
    with pytest.raises(ValueError, match="init_from must name a model that uses its own encoder"):
        initialize(make_nlp(tiny), init_from=str(tmp_path / "teacher"))


TOK2VEC = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96, "upstream": "*"}


def make_both(tiny: Path, upstream: str = "transformer") -> tuple[Language, list[Example]]:
    """Build a pipeline in which xner and xcat listen to an upstream component, and its examples."""
    fix_random_seed(0)
    nlp = spacy.blank("xx", config=TOKENIZER)
    transformer = {"@architectures": "spacy-transformers.TransformerModel.v3", "name": str(tiny)}
    nlp.add_pipe(upstream, config={"model": transformer} if upstream == "transformer" else {})
    layer = LISTENER if upstream == "transformer" else TOK2VEC
    for name in ("xner", "xcat"):
        nlp.add_pipe(name, config={"model": {"encoder": layer}, "device": "cpu"})
    examples = make_examples(nlp)
    for example in examples:
        is_slip = bool(example.reference.ents)
        example.reference.cats = {"SLIP": float(is_slip), "OTHER": float(not is_slip)}
    nlp.initialize(lambda: examples)
    return nlp, examples


def annotations(docs: Iterable[Doc]) -> list[tuple[list[tuple[str, str]], object]]:
    return [(entities_of(doc), {label: round(x, 3) for label, x in doc.cats.items()}) for doc in docs]


@pytest.fixture
def _one_thread() -> Iterator[None]:
    """Run the test in one thread: spacy-transformers hangs in a fork of a process with a pool of threads."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("_one_thread")
def test_texts_without_tokens_among_others(tiny: Path) -> None:
    nlp, examples = make_both(tiny)
    empty = [Example(nlp.make_doc(""), nlp.make_doc("")) for _ in range(3)]
    mixed = [empty[0], *examples[:2], empty[1], *examples[2:], empty[2]]
    sgd = build_adamw_v1(learn_rate=2e-3)
    losses: list[dict[str, float]] = [nlp.update(mixed, sgd=sgd) for _ in range(40)]
    assert losses[-1]["xner"] < losses[0]["xner"] / 5
    assert nlp.update(empty, sgd=sgd)["xner"] == 0
    docs = [list(nlp.pipe([eg.text for eg in mixed], n_process=n, batch_size=4)) for n in (1, 2)]
    for doc, example in zip(docs[0], mixed, strict=True):
        assert entities_of(doc) == entities_of(example.reference)
        assert all(doc.cats[label] > 0.5 for label, value in example.reference.cats.items() if value)
    assert docs[0][0].cats == {"OTHER": 0.0, "SLIP": 0.0}
    assert annotations(docs[1]) == annotations(docs[0])
    assert [doc.ents for doc in nlp.pipe(["", ""])] == [(), ()]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("upstream", ["transformer", "tok2vec"])
def test_listeners_can_be_replaced(tiny: Path, tmp_path: Path, upstream: str) -> None:
    """As test_replace_listeners and test_source_replace_listeners of spacy-transformers."""
    nlp, examples = make_both(tiny, upstream)
    sgd = build_adamw_v1(learn_rate=2e-3)
    for _ in range(20):
        nlp.update(examples, sgd=sgd)
    texts = [text for text, _ in SLIPS]
    expected = annotations(nlp.pipe(texts))
    nlp.to_disk(tmp_path / "listening")
    with pytest.raises(ValueError, match="E886"):
        nlp.replace_listeners(upstream, "xner", ["model.other"])
    for name in ("xner", "xcat"):
        nlp.replace_listeners(upstream, name, ["model.encoder"])
    assert nlp.get_pipe(upstream).listening_components == []
    nlp.remove_pipe(upstream)
    nlp.to_disk(tmp_path / "alone")
    source = {"source": str(tmp_path / "listening"), "replace_listeners": ["model.encoder"]}
    config = {
        "nlp": {"lang": "xx", "pipeline": ["xner", "xcat"], **TOKENIZER["nlp"]},
        "components": {"xner": source, "xcat": source},
    }
    sourced = load_model_from_config(config, auto_fill=True)
    for copy in (nlp, spacy.load(tmp_path / "alone"), sourced):
        assert annotations(copy.pipe(texts)) == expected
    before = nlp.get_pipe("xner").model.layers[0].to_bytes()
    nlp.update(examples, sgd=sgd)
    assert nlp.get_pipe("xner").model.layers[0].to_bytes() != before


@pytest.mark.filterwarnings("ignore")
def test_frozen_transformer_feeds_training(tiny: Path) -> None:
    """As test_frozen_listener of spacy-transformers."""
    nlp, examples = make_both(tiny)
    frozen, trained = nlp.get_pipe("transformer").to_bytes(), nlp.get_pipe("xner").model.to_bytes()
    sgd = build_adamw_v1(learn_rate=2e-3)
    nlp.update(examples, sgd=sgd, exclude=["transformer"], annotates=["transformer"])
    assert nlp.get_pipe("transformer").to_bytes() == frozen
    assert nlp.get_pipe("xner").model.to_bytes() != trained
