"""What commands write replaces nothing that they do not own, nor what they read."""

import shutil
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import DocBin

from spacy_xner.loading import save_pipeline
from spacy_xner.tools.encoders.prune import prune_encoder

from .conftest import SLIPS, entities_of, make_examples, write_checkpoint
from .test_cli import invoke


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_adopt_replaces_pipelines_only(tiny: Path, tmp_path: Path, trained: Language) -> None:
    checkpoint = write_checkpoint(tmp_path / "checkpoint", tiny, ["O", "B-PER", "I-PER"])
    out = tmp_path / "out"
    trained.to_disk(out)
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    before = contents(tmp_path)
    for folder, found in ((out, "notes.txt"), (checkpoint, "config.json")):
        code, _, err = invoke("adopt", checkpoint, folder, "--overwrite")
        assert (code, f"must be new, empty, or hold only a pipeline, found {found} in" in err) == (1, True)
    code, _, err = invoke("adopt", checkpoint, checkpoint / "config.json")
    assert (code, "found a file" in err) == (1, True)
    assert contents(tmp_path) == before
    (out / "notes.txt").unlink()
    assert invoke("adopt", checkpoint, out)[0] == 1
    assert invoke("adopt", checkpoint, out, "--overwrite")[0] == 0
    assert spacy.load(out).get_pipe("xner").labels == ("PER",)
    assert {path.name for path in out.iterdir()} == {"config.cfg", "meta.json", "vocab", "xner"}


def test_pipeline_may_be_saved_over_itself(trained: Language, tmp_path: Path) -> None:
    trained.to_disk(tmp_path / "nlp")
    nlp = spacy.load(tmp_path / "nlp")
    save_pipeline(nlp, tmp_path / "nlp")
    for again in (nlp, spacy.load(tmp_path / "nlp")):
        assert entities_of(again(SLIPS[0][0])) == entities_of(trained(SLIPS[0][0]))
    assert [path.name for path in tmp_path.iterdir()] == ["nlp"]


def test_sources_are_not_written_over(tiny: Path, tmp_path: Path, trained: Language) -> None:
    texts, corpus, real = (tmp_path / name for name in ("texts.txt", "in.spacy", "drawn/train.conll"))
    real.parent.mkdir()
    texts.write_text("\n".join(text for text, _ in SLIPS), encoding="utf-8")
    DocBin(docs=[eg.reference for eg in make_examples(trained)]).to_disk(corpus)
    trained.to_disk(tmp_path / "nlp")
    assert invoke("export", corpus, real, "--format", "conll")[0] == 0
    encoder = shutil.copytree(tiny, tmp_path / "encoder")
    shutil.copy(texts, encoder)
    before = contents(tmp_path)
    for command in (
        ("predict", tmp_path / "nlp", texts, "--output", texts),
        ("evaluate", tmp_path / "nlp", corpus, "--output", corpus),
        ("thresholds", tmp_path / "nlp", corpus, "--output", corpus),
        ("export", corpus, corpus),
        ("convert", corpus, corpus),
        ("convert", real, tmp_path / "drawn"),
        ("inspect", real, "--html", real),
        ("synth", real.parent, "--real", real, "--train", 5, "--dev", 0, "--test", 0),
        ("encoder", "tiny", encoder, "--texts", encoder / "texts.txt"),
        ("encoder", "prune", encoder, encoder, "--texts", texts),
        ("encoder", "prune", tiny, encoder, "--texts", encoder / "texts.txt"),
        ("shrink", tmp_path / "nlp", tmp_path / "nlp"),
        ("adopt", encoder, encoder),
    ):
        code, out, err = invoke(*command, "--overwrite")
        assert (code, out) == (1, ""), command
        assert err.splitlines()[-1].startswith("Error: The "), command
    with pytest.raises(FileExistsError, match="must not be what it is made from"):
        prune_encoder(encoder, encoder, ["text"], overwrite=True)
    assert contents(tmp_path) == before


def test_outputs_are_replaced_only_if_asked(tiny: Path, tmp_path: Path, trained: Language) -> None:
    texts, corpus, out = (tmp_path / name for name in ("texts.txt", "in.spacy", "out.jsonl"))
    texts.write_text("\n".join(text for text, _ in SLIPS), encoding="utf-8")
    DocBin(docs=[eg.reference for eg in make_examples(trained)]).to_disk(corpus)
    trained.to_disk(tmp_path / "nlp")
    (tmp_path / "full").mkdir()
    for file in (out, tmp_path / "out.spacy", tmp_path / "full" / "train.conll"):
        file.write_text("old", encoding="utf-8")
    before = contents(tmp_path)
    for command in (
        ("predict", tmp_path / "nlp", texts, "--output", out),
        ("evaluate", tmp_path / "nlp", corpus, "--output", out),
        ("thresholds", tmp_path / "nlp", corpus, "--output", tmp_path / "full"),
        ("export", corpus, out),
        ("convert", corpus, tmp_path / "out.spacy"),
        ("inspect", corpus, "--html", out),
        ("synth", tmp_path / "full", "--train", 5),
        ("encoder", "mini", tmp_path / "full"),
        ("encoder", "tiny", tmp_path / "full", "--texts", texts),
        ("encoder", "prune", tiny, tmp_path / "full", "--texts", texts),
        ("shrink", tmp_path / "nlp", tmp_path / "full"),
        ("adopt", tiny, tmp_path / "nlp"),
    ):
        code, shown, err = invoke(*command)
        assert (code, shown, err.count("\n")) == (1, "", 1), err
        assert err.startswith("Error: The output must be empty or new, found ")
        assert err.endswith("Choose another name, or replace it with --overwrite.\n")
    assert contents(tmp_path) == before
    assert invoke("export", corpus, out, "--force") == (0, "", f"Wrote {out}\n")
    assert invoke("shrink", tmp_path / "nlp", tmp_path / "small", "-q") == (0, "", "")
    assert invoke("shrink", tmp_path / "nlp", tmp_path / "small", "-q", "-f") == (0, "", "")
