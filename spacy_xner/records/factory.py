"""The factory of the ``xrecord`` component.

spaCy imports this module whenever it creates a pipeline, so it must import no torch.
"""

from typing import Any

from spacy.language import Language

from .tables import Tables
from .xrecord import RecordMaker

DEFAULT_FIELDS: dict[str, str | None] = {
    "PER": "name",
    "PHONE": "phone",
    "COURIER": "courier",
    "ADDRESS": "address",
}


@Language.factory(
    "xrecord",
    assigns=["doc._.records"],
    requires=["doc.ents"],
    default_config={
        "fields": DEFAULT_FIELDS,
        "spans_key": None,
        "region": None,
        "split_addresses": False,
        "cues": None,
        "couriers": None,
        "regions": None,
        "divisions": None,
    },
)
def make_xrecord(
    nlp: Language,
    name: str,
    fields: dict[str, Any],
    spans_key: str | None,
    region: str | None,
    split_addresses: bool,  # noqa: FBT001 - spaCy passes all by name
    cues: str | None,
    couriers: str | None,
    regions: str | None,
    divisions: str | None,
) -> RecordMaker:
    """Create an ``xrecord`` component.

    Args:
        nlp: The pipeline.
        name: Name of the component in the pipeline.
        fields: Field of each label, or null to leave a label out. Each ``name`` makes a record; ``phone`` and
            ``courier`` are normalized; all other fields are parts of an address, which is put together
            from them where no ``address`` is found. What has null may stand between parts.
        spans_key: Key in ``doc.spans`` of spans that are read beside ``doc.ents``, such as the parts of
            addresses; null for ``doc.ents`` alone.
        region: Country of telephone numbers without a country code, such as ``CN``; null to find it by the
            address or the text.
        split_addresses: Whether ``province``, ``city`` and ``district`` are split off Chinese addresses by a
            table; the province follows from the city. Their values are marked with the source ``table``.
        cues: YAML file of the words that tell who sends and who receives; null for the built-in one.
        couriers: YAML file of names and codes of couriers; null for the built-in one.
        regions: YAML file of the names, scripts and words of countries; null for the built-in one.
        divisions: YAML file of cities by province; null for the built-in one.

    Raises:
        ImportError: If phonenumbers is not installed.
        ValueError: If a setting cannot be used.
    """
    return RecordMaker(
        nlp.vocab,
        nlp.make_doc,
        name,
        fields=fields,
        spans_key=spans_key,
        region=region,
        split_addresses=split_addresses,
        tables=Tables({"cues": cues, "couriers": couriers, "regions": regions, "divisions": divisions}),
    )
