"""Tags of tokens: those of the entities, with the probabilities of the model."""

import json
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from transformers import pipeline

from spacy_xner.schemes import TagScheme
from spacy_xner.tools.token_tags import TOKEN_TAGS, pipe_token_tags, tag_tokens

from ..conftest import SLIPS, train_nlp, write_checkpoint
from ..test_cli import invoke

TEXTS = [text for text, _ in SLIPS] + ["", "  Anna\n"]


def check_tokens(nlp: Language, scheme: str) -> list[list[dict[str, Any]]]:
    """Check all but the scores."""
    rows = []
    for text, doc in zip(TEXTS, pipe_token_tags(nlp, TEXTS), strict=True):
        tags = doc.user_data[TOKEN_TAGS]
        assert [(row["word"], row["index"]) for row in tags] == [(token.text, token.i) for token in doc]
        assert all(text[row["start"] : row["end"]] == row["word"] for row in tags)
        entities = TagScheme(scheme).decode([row["entity"] for row in tags])
        assert [ent[:3] for ent in entities] == [(ent.start, ent.end, ent.label_) for ent in doc.ents]
        rows.append(tags)
    return rows


@pytest.mark.issue(29)
def test_scores_are_the_probabilities_of_the_tags(trained: Language) -> None:
    pipe = trained.get_pipe("xner")
    for text, tags in zip(TEXTS, check_tokens(trained, "IOB2"), strict=True):
        if not text:
            assert tags == []
            continue
        scores = pipe.model.predict([trained.make_doc(text)])
        # (tokens, tags)
        probs = scores.scores[0].softmax(dim=-1)
        names = scores.network.head.tag_names
        expected = [probs[row["index"], names.index(row["entity"])].item() for row in tags]
        assert [row["score"] for row in tags] == pytest.approx(expected, abs=1e-5)
    assert any(row["entity"] == "I-PER" for row in tags_of(trained, TEXTS[0]))


def tags_of(nlp: Language, text: str) -> list[Any]:
    return [*tag_tokens(nlp, [nlp(text)])[0]]


@pytest.mark.issue(29)
@pytest.mark.parametrize("head", ["CRFHead", "GlobalPointerHead"])
def test_no_token_is_less_probable_than_its_entity(tiny: Path, head: str) -> None:
    settings = {"head_scheme": "BIOES"} if head == "CRFHead" else {}
    nlp = train_nlp(tiny, head, **settings)
    rows = check_tokens(nlp, "BIOES" if settings else "IOB2")
    # White space that the model has in an entity is not in it: its neighbour may have another tag then.
    for text, tags in zip(TEXTS[:4], rows, strict=False):
        for ent in nlp(text).ents:
            assert min(row["score"] for row in tags[ent.start : ent.end]) >= ent._.xner_score - 1e-3
    outside = [row["score"] for row in rows[3]]
    assert 0.5 < min(outside) <= max(outside) <= 1.0


@pytest.mark.issue(29)
def test_models_without_probabilities_of_tokens_give_those_of_entities(
    tiny: Path, tmp_path: Path, trained: Language
) -> None:
    folder = write_checkpoint(tmp_path, tiny, ["O", "B-PER", "I-PER"])
    nlp = spacy.blank("xx")
    model = {"@architectures": "spacy_xner.CheckpointModel.v1", "name": str(folder)}
    nlp.add_pipe("xner", config={"model": model, "device": "cpu"})
    by_kind = [row for tags in check_tokens(nlp, "IOB2") for row in tags]
    assert {row["entity"] for row in by_kind if row["score"] is None} == {"O"}
    assert any(row["score"] is not None for row in by_kind)
    doc = nlp(TEXTS[1])
    for ent in doc.ents:
        assert {row["score"] for row in tags_of(nlp, TEXTS[1])[ent.start : ent.end]} == {ent._.xner_score}
    # The same keys in the same order, but for tokens that are those of spaCy.
    rows = pipeline("ner", str(folder), aggregation_strategy="none", device="cpu")(TEXTS[1])
    assert {*rows[0]} == {*by_kind[0]}


@pytest.mark.issue(29)
def test_tokens_on_the_command_line(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "nlp")
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(TEXTS[:4]), encoding="utf-8")
    code, out, err = invoke("predict", tmp_path / "nlp", texts, "--json", "--tokens", "--device", "cpu")
    assert (code, err) == (0, "")
    plain = invoke("predict", tmp_path / "nlp", texts, "--json", "--device", "cpu")[1]
    for line, before, text in zip(out.splitlines(), plain.splitlines(), TEXTS, strict=False):
        row = json.loads(line)
        assert [tag["word"] for tag in row.pop("tokens")] == [token.text for token in trained.make_doc(text)]
        assert row == json.loads(before)
    file = tmp_path / "tokens.jsonl"
    assert invoke("predict", tmp_path / "nlp", texts, "--json", "--tokens", "-o", file)[0] == 0
    assert file.read_text("utf-8") == out
    for options, message in (
        (["--tokens"], "must stand with --json, found it without"),
        (["--tokens", "--json", "--records"], "must stand without --records"),
        (["--tokens", "--json", "--processes", 2], "must stand without --records, --processes"),
        (["--tokens", "--json", "-o", tmp_path], "A folder must be written without --records and --json"),
    ):
        code, _, err = invoke("predict", tmp_path / "nlp", texts, *options)
        assert (code, err.count("\n")) == (1, 1)
        assert message in err
