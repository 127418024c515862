"""The project's config for addresses in parts: invented addresses with the 21 types of the public corpus."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from thinc.api import Config

from spacy_xner import convert
from spacy_xner.tools.starting import Recipe, render_config

from ..test_cli import ROOT, invoke

CONFIG = ROOT / "configs" / "address.cfg"
ADDRESSES = [
    "中国/country 云山省/prov 海滨市/city -/redundant 青松区/district 滨江开发区/devZone 松林镇/town "
    "望湖村/community",
    "海滨市/city 望湖路/road 12号/roadno 北段/subRoad 5号/subroadno 松风苑/poi 东区/subpoi 3幢/houseno "
    "2单元/cellno",
    "石桥市/city 学府街/road 与/assist 望湖路/road 七彩大厦/poi 9楼/floorno 901室/roomno 云杉文具/person "
    "电/otherinfo",
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The addresses, a character or number and its tag a line."""
    file = tmp_path_factory.mktemp("addresses") / "addresses.txt"
    rows = [_write_tags(address) for address in ADDRESSES]
    file.write_text("\n".join(rows), encoding="utf-8")
    convert(file, file.with_suffix(".spacy"))
    return file.with_suffix(".spacy")


def _write_tags(address: str) -> str:
    """Write an address as CoNLL, its digits together."""
    lines = []
    for part, _, label in (part.partition("/") for part in address.split()):
        number = "".join(char for char in part if char.isdigit())
        tokens = [number, *part.removeprefix(number)] if number else [*part]
        lines += [f"{token} {'I' if i else 'B'}-{label}\n" for i, token in enumerate(tokens)]
    return "".join(lines)


def train(corpus: Path, tiny: Path, *options: object) -> Language:
    """Train with the config, and load the last pipeline."""
    output = corpus.parent / "out"
    code, _, err = invoke(
        "train", CONFIG, "--output", output, "--device", "cpu", "--vars.warmup_steps", 1,
        "--paths.train", corpus, "--paths.dev", corpus, "--paths.encoder", tiny, *options,
    )  # fmt: skip
    assert code == 0, err
    return spacy.load(output / "model-last")


@pytest.mark.filterwarnings("ignore:model-best must be a trained model")
def test_each_type_has_a_place_in_records(corpus: Path, tiny: Path) -> None:
    nlp = train(corpus, tiny, "--vars.max_steps", 2, "--vars.eval_frequency", 1)
    assert nlp.pipe_names == ["xner", "xrecord"]
    labels, fields = (
        nlp.get_pipe("xner").labels,
        Config().from_disk(CONFIG)["components"]["xrecord"]["fields"],
    )
    assert len(labels) == 21
    assert {label for label in labels if fields[label] is None} == {"redundant", "otherinfo"}


@pytest.mark.slow
def test_addresses_become_records(corpus: Path, tiny: Path) -> None:
    nlp = train(corpus, tiny, "--vars.max_steps", 150, "--vars.learn_rate", 0.005)
    (record,) = nlp("中国云山省海滨市-青松区滨江开发区松林镇望湖村")._.records
    found = {field: values[0]["value"] for field, values in record.items() if field != "role"}
    assert found == {
        **{
            "address": "中国云山省海滨市-青松区滨江开发区松林镇望湖村",
            "country": "中国",
            "province": "云山省",
        },
        **{"city": "海滨市", "district": "青松区", "development_zone": "滨江开发区", "town": "松林镇"},
        **{"community": "望湖村"},
    }


def test_the_config_is_the_usual_one_with_a_crf_but_for_what_addresses_need() -> None:
    own, usual = (
        _flatten(config) for config in (CONFIG.read_text("utf-8"), render_config(Recipe(head="crf")))
    )
    differences = {key for key in own.keys() | usual.keys() if own.get(key) != usual.get(key)}
    assert {key for key in differences if not key.startswith(("vars.", "components.xrecord."))} == {
        *("paths.encoder", "nlp.pipeline", "components.xner.spans_key", "training.batcher.share"),
        *("training.dropout", "training.optimizer.head_factor"),
    }


def _flatten(text: str) -> dict[str, Any]:
    """Return the settings of a config by dotted name."""
    settings: dict[str, Any] = {}
    sections = [("", Config().from_str(text, interpolate=False))]
    for prefix, section in sections:
        for key, value in section.items():
            if isinstance(value, dict):
                sections.append((f"{prefix}{key}.", value))
            else:
                settings[f"{prefix}{key}"] = value
    return settings
