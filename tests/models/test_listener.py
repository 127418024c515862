"""A transformer of spacy-transformers, shared by xner with spaCy's textcat or with xcat."""

import pickle
from pathlib import Path

import pytest
import spacy
from spacy.language import Language

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
