"""The samples of formats that the documentation shows."""

from pathlib import Path

import pytest

from spacy_xner.corpus import FORMATS, find_format, read_records

from .samples import SAMPLES, Sample
from .surfaces import known_surfaces

# Of binary files, which have no sample, and of a shape that others have, too.
WITHOUT_SAMPLE = {"hf", "spacy", "doccano"}


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{each.format}: {each.title}" for each in SAMPLES])
def test_a_sample_is_recognized_and_read(tmp_path: Path, sample: Sample) -> None:
    path = tmp_path / sample.name
    path.write_text(sample.text, encoding="utf-8")
    for name, text in sample.beside.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert find_format(path) == sample.format
    records = list(read_records(path))
    assert [known_surfaces(record) for record in records] == sample.entities
    cats = [sorted(label for label, value in (record.cats or {}).items() if value) for record in records]
    assert cats == (sample.cats or [[]] * len(records))


def test_every_format_has_a_sample() -> None:
    assert {sample.format for sample in SAMPLES} == FORMATS.keys() - WITHOUT_SAMPLE
