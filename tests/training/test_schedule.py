"""The learning rate of our configs: a number, or one that suits the encoder, under spaCy's own loop too."""

import json
import logging
import shutil
from itertools import islice
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.util import load_config, load_model_from_config, registry
from thinc.api import warmup_linear

from spacy_xner.pipeline.rates import RATES, suggest_rate
from spacy_xner.training.schedule import build_warmup_linear_v1

from ..conftest import make_examples

CONFIGS = Path(__file__).parents[2] / "configs"


def peak(**settings: object) -> float:
    """Return the highest rate of a schedule, as a config builds it."""
    block = {"@schedules": "spacy_xner.WarmupLinear.v1", "warmup_steps": 2, "total_steps": 9, **settings}
    return max(islice(registry.resolve({"rate": block})["rate"], 10))


def write_encoder_config(folder: Path, **config: object) -> str:
    """Write the configuration of an encoder alone."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return str(folder)


def test_a_number_gives_the_schedule_of_thinc() -> None:
    rates = islice(build_warmup_linear_v1(0.1, 10, 50), 60)
    assert [*rates] == [*islice(warmup_linear(0.1, 10, 50), 60)]


@pytest.mark.parametrize("width", RATES)
def test_auto_suits_the_width(width: int, tmp_path: Path) -> None:
    encoder = write_encoder_config(tmp_path / "encoder", model_type="xlm-roberta", hidden_size=width)
    assert peak(rate="auto", encoder=encoder) == RATES[width].entities
    assert peak(rate="auto", encoder=encoder, goal="texts") == RATES[width].texts
    assert peak(rate="auto", encoder=encoder, goal="extension") == RATES[width].extension


def test_auto_suits_the_mean_over_all_layers(tmp_path: Path) -> None:
    encoder = write_encoder_config(
        tmp_path / "encoder", model_type="xlm-roberta", hidden_size=768, num_hidden_layers=2
    )
    top = peak(rate="auto", encoder=encoder, layer_decay=0.5)
    assert (top + top / 2 + top / 4) / 3 == pytest.approx(RATES[768].entities, rel=0.02)
    assert peak(rate=0.1, encoder=encoder, layer_decay=0.5) == 0.1


def test_auto_reads_any_architecture_and_pipelines(trained: Language, tmp_path: Path) -> None:
    encoder = write_encoder_config(tmp_path / "encoder", model_type="distilbert", dim=384)
    assert peak(rate="auto", encoder=encoder) == suggest_rate(384)
    trained.to_disk(tmp_path / "nlp")
    assert peak(rate="auto", encoder=str(tmp_path / "nlp")) == suggest_rate(32)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": "atuo"}, "must be a number or \"auto\", found 'atuo'. Change vars.learn_rate."),
        ({"rate": "auto"}, "must have an encoder to suit, found none."),
        ({"rate": "auto", "encoder": "./gone"}, "found './gone'"),
        ({"rate": -0.1}, "learn_rate must be at least 0, found -0.1."),
    ],
)
def test_other_rates_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises((ValueError, OSError)) as error:
        peak(**settings)
    assert message in str(error.value)


def test_an_encoder_without_a_width_is_refused(tmp_path: Path) -> None:
    encoder = write_encoder_config(tmp_path / "encoder", model_type="clip")
    with pytest.raises(
        ValueError,
        match=r"must have a hidden_size and num_hidden_layers .* Set vars.learn_rate to a number\.",
    ):
        peak(rate="auto", encoder=encoder)


def test_the_choice_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    encoder = write_encoder_config(tmp_path / "encoder", model_type="xlm-roberta", hidden_size=384)
    with caplog.at_level(logging.INFO, "spacy"):
        # As `spacy train` does.
        assert peak(rate="auto", encoder=encoder) == peak(rate="auto", encoder=encoder)
    line = f"Learning rate: {suggest_rate(384):g}, by the width of the encoder (384)"
    assert [record.getMessage() for record in caplog.records] == [line]


def test_a_pipeline_trains_on_without_the_folder_of_its_encoder(tiny: Path, tmp_path: Path) -> None:
    encoder = shutil.copytree(tiny, tmp_path / "encoder")
    overrides = {"paths.encoder": str(encoder), "vars.warmup_steps": 1, "vars.max_steps": 9}
    nlp = load_model_from_config(load_config(CONFIGS / "cpu.cfg", overrides=overrides), auto_fill=True)
    nlp.initialize(lambda: make_examples(nlp))
    nlp.to_disk(tmp_path / "nlp")
    shutil.rmtree(encoder)
    loaded = spacy.load(tmp_path / "nlp")
    sgd = loaded.resume_training()
    sgd.step_schedules()
    assert sgd.learn_rate == suggest_rate(32)
    loaded.update(make_examples(loaded), sgd=sgd)
    assert loaded.config["vars"]["learn_rate"] == "auto"
