"""What is read of a labelling interface, and how its labels meet those of a model."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_xner.serving.label_studio.interface import fill_in, read_interface

# The first characters are drawn from a table that may have to be made.
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
FULL = """
<View>
  <Header value="Slip $number"/>
  <Labels name="ner" toName="slip">
    <Label value="Person" predicted_values="PER, NAME"/>
    <Label value="Telephone" alias="PHONE"/>
    <View><Label value="loc"/></View>
    <Label value="Amount"/>
  </Labels>
  <Choices name="kind" toName="mail" choice="multiple">
    <Choice value="complaint"/><Choice alias="q" value="Question"/>
  </Choices>
  <Choices name="mood" toName="slip"><Choice value="angry"/></Choices>
  <Choices name="of-region" toName="slip" perRegion="true"><Choice value="x"/></Choices>
  <RectangleLabels name="box" toName="img"><Label value="PER"/></RectangleLabels>
  <Image name="img" value="$image"/>
  <Text name="slip" value="$text"/><Text name="mail" value="$mail.parts[0].body"/>
  <Text name="far" value="$link" valueType="url"/>
  <Labels name="far-labels" toName="far"><Label value="PER"/></Labels>
</View>
"""


def test_controls_of_texts_are_read_whatever_their_names():
    interface = read_interface(FULL)
    assert [(each.name, each.kind, each.to_name, each.is_multiple) for each in interface.controls] == [
        ("ner", "labels", "slip", False),
        ("kind", "choices", "mail", True),
        ("mood", "choices", "slip", False),
    ]
    assert [option.value for option in interface.controls[0].options] == ["Person", "PHONE", "loc", "Amount"]
    assert [option.value for option in interface.controls[1].options] == ["complaint", "q"]


def test_labels_match_by_hints_then_names_then_names_in_another_case():
    ner = read_interface(FULL).controls[0]
    known = {"PER", "NAME", "PHONE", "LOC", "COURIER"}
    assert ner.match(known) == {"PER": "Person", "NAME": "Person", "PHONE": "PHONE", "LOC": "loc"}
    # Of the alias and the value, both name the label.
    assert ner.match({"Telephone", "loc"}) == {"Telephone": "PHONE", "loc": "loc"}
    assert ner.match(set()) == {}


def test_an_exact_name_is_taken_before_one_in_another_case():
    config = '<View><Labels name="n" toName="t"><Label value="per"/><Label value="PER"/></Labels>'
    (control,) = read_interface(config + '<Text name="t" value="$t"/></View>').controls
    assert control.match({"PER", "per"}) == {"PER": "PER", "per": "per"}
    assert control.match({"PER"}) == {"PER": "PER"}
    assert control.match({"Per"}) == {"Per": "per"}


def test_annotations_are_learned_under_the_names_of_the_model_and_new_labels_under_their_own():
    ner = read_interface(FULL).controls[0]
    names = ner.name_labels({"PER", "LOC", "PHONE"})
    assert names == {"Person": "PER", "PHONE": "PHONE", "loc": "LOC", "Amount": "Amount"}
    assert ner.name_labels(set())["Person"] == "PER"


def test_texts_are_looked_up_as_the_editor_does():
    data = {"text": "a", "mail": {"parts": [{"body": "b 😀"}]}, "link": "https://x", "image": "i"}
    assert read_interface(FULL).read_texts(data) == {"slip": "a", "mail": "b 😀"}
    assert read_interface(FULL).read_texts({"text": ["no", "text"], "mail": None}) == {}


@pytest.mark.parametrize(
    ("template", "data", "text"),
    [
        ("$text", {"text": "x"}, "x"),
        ("$a.b", {"a.b": "flat", "a": {"b": "nested"}}, "flat"),
        ("$a.b", {"a": {"b": "nested"}}, "nested"),
        ("$a[1].b", {"a": [{}, {"b": "second"}]}, "second"),
        ("$a[2]", {"a": ["x"]}, None),
        ("From $who: $n", {"who": "Bo", "n": 3}, "From Bo: 3"),
        ("From $who", {}, None),
        ("no variable", {}, "no variable"),
        ("$text", {"text": 5}, None),
        ("$text", {"text": ""}, ""),
    ],
)
def test_fill_in(template: str, data: dict, text: str | None):
    assert fill_in(template, data) == text


@pytest.mark.parametrize(
    "config",
    [
        "<View",
        "",
        "not xml",
        "<View>\0</View>",
        "\ud800",
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><View>&a;</View>',
        "<View>&undefined;</View>",
    ],
)
def test_what_is_not_plain_xml_is_refused_in_one_line(config: str):
    with pytest.raises(ValueError, match="labelling interface must be") as info:
        read_interface(config)
    assert "\n" not in str(info.value)


def test_incomplete_controls_are_left_out():
    config = """<View><Labels name="a" toName="nowhere"><Label value="PER"/></Labels>
    <Labels toName="t"><Label value="PER"/></Labels><Labels name="b" toName="t"/>
    <Labels name="c" toName="t"><Label/></Labels>
    <Labels name="d_{{idx}}" toName="t"><Label value="X"/></Labels>
    <Text name="t" value="$t"/></View>"""
    assert read_interface(config).controls == ()


VALUES = st.recursive(
    st.none() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@SLOW
@given(VALUES)
def test_any_data_can_be_looked_up(data: object):
    value = fill_in("$a.b[0]", {"a": data})
    assert value is None or isinstance(value, str)


def test_deep_interfaces_are_read():
    deep = "<View>" * 20_000 + "</View>" * 20_000
    assert read_interface(f'<View>{deep}<Text name="t" value="$t"/></View>').controls == ()
