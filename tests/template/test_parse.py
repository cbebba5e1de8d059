"""Texts are typed as Heat's loader types them, and bounded in every dimension."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.errors import Place, RequestLimitExceeded, TemplateError
from stackd.template import Limits, check_data, load_template, parse_text
from tests.support.counting import counted

SCALARS: list[tuple[str, Any]] = [
    ("yes", True),
    ("On", True),
    ("NO", False),
    ("off", False),
    ("y", "y"),
    ("n", "n"),
    ("0777", 511),
    ("0x1F", 31),
    ("0b11", 3),
    ("1_000", 1000),
    ("-12", -12),
    ("12:30:45", 45045),
    ("1:30.5", 90.5),
    ("1.0e+3", 1000.0),
    ("1e3", "1e3"),
    ("0o17", "0o17"),
    ("09", "09"),
    ("~", None),
    ("", None),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    ("2013-05-23", "2013-05-23"),
    ("2014-01-01T00:00:00Z", "2014-01-01T00:00:00Z"),
    ("OS::Nova::Server", "OS::Nova::Server"),
    ("'1'", "1"),
    ("!!str 1", "1"),
    ("!!int '1'", 1),
    ("!!float 1", 1.0),
    ("!!binary aGk=", "hi"),
    ("!!set {a, b}", ["a", "b"]),
    ("[12:30, http://x/y]", [750, "http://x/y"]),
    ("{get_file: http://x/y}", {"get_file": "http://x/y"}),
    ("123456789012345678901234567890", 123456789012345678901234567890),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS)
def test_yaml_scalar_has_the_type_heat_gives_it(text: str, expected: Any) -> None:
    value = parse_text(f"v: {text}").data["v"]
    assert value == expected
    assert type(value) is type(expected)


def test_keys_become_the_text_json_gives_them() -> None:
    assert parse_text("1: a\nyes: b\n~: c\n1.5: d").data == {"1": "a", "true": "b", "null": "c", "1.5": "d"}


def test_merge_keys_fill_in_what_is_not_written() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\nd: {x: 0, <<: *a}"
    data = parse_text(text).data
    assert data["c"] == {"x": 1, "y": 1, "z": 3}
    assert data["d"] == {"x": 0, "y": 1}


def test_repeated_key_counts_last_and_is_reported() -> None:
    document = parse_text("a: 1\nb: 2\na: 3", file="t.yaml")
    assert document.data == {"a": 3, "b": 2}
    assert [(w.message, w.place.line) for w in document.warnings] == [
        ("The key 'a' is repeated; the last one counts.", 3)
    ]


def test_places_are_found_through_lists_merges_and_in_json() -> None:
    document = parse_text("a:\n  - x\n  - {k: v}\nb: &b\n  q: 1\nc:\n  <<: *b\n  r: 2\n", file="t.yaml")
    assert document.place(("a", 1, "k")) == Place("t.yaml", 3, 9)
    assert document.place(("a", 1, "k"), key=True) == Place("t.yaml", 3, 6)
    assert document.place(("c", "q")) == Place("t.yaml", 5, 6)
    assert document.place(("c", "missing")) == Place("t.yaml", 6, 1)
    assert parse_text('{"a": {\n "b": 1}}').place(("a", "b")) == Place("", 2, 7)


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 40_000, "nested more than 100 levels"),
        ("- " * 101 + "x", "nested more than 100 levels"),
        ('{"a":' * 40_000, "nested more than 100 levels"),
        ('{"a":' * 101 + "1" + "}" * 101, "nested more than 100 levels"),
        (BOMB, "more than 500000 values"),
        ("x" * 600_000, "exceeds maximum allowed size"),
        (b"x" * 3_000_000, "exceeds maximum allowed size"),
        ("a: &a [*a]", "recursive anchor"),
        ("a: *a", "undefined alias"),
        ("a: !Ref b", r"constructor for the tag '!Ref'"),
        ("a: !!python/object:os.system b", "constructor for the tag"),
        ("a: =", "bare ="),
        ("\ta: b", "cannot start any token"),
        ("a\x00b", "control characters"),
        (b"\xff\xfe", r"^Error parsing template \[root stack\] is not UTF-8 text$"),
        ("---\na\n---\nb", "more than one document"),
        ("? [a]\n: b", "unhashable key"),
        ("<<: 1", "for merging"),
        ("a: \ud800", "is not valid Unicode: surrogates not allowed$"),
        ('{"a": "\\ud800"}', "not valid Unicode"),
        ("9" * 2000, "a number of 2000 digits"),
    ],
)
def test_hostile_text_is_refused_in_few_steps(text: str | bytes, message: str) -> None:
    with counted() as steps, pytest.raises((TemplateError, RequestLimitExceeded), match=message):
        parse_text(text)
    assert steps.count < 20_000


def test_hundred_levels_are_accepted() -> None:
    value = parse_text("- " * 100 + "x").data
    for _ in range(100):
        [value] = value
    assert value == "x"


def test_error_in_text_has_line_and_column() -> None:
    with pytest.raises(TemplateError) as caught:
        parse_text("a:\n  b: [1\n  c: 2\n", file="t.yaml")
    assert caught.value.message.startswith("Error parsing template t.yaml ")
    assert caught.value.place == Place("t.yaml", 3, 4)


@pytest.mark.parametrize("text", ["", "null", "a", "[1]", "1"])
def test_text_that_is_not_a_mapping_is_no_template(text: str) -> None:
    with pytest.raises(TemplateError, match="is not a JSON object or YAML mapping"):
        load_template(text)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(["yes", "0777", "1e3", "~", "=", "<<", "12:30", "2013-05-23", "0x1F", "*a", "!x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=150)
@given(PLAIN)
def test_printed_data_reads_back_the_same(data: Any) -> None:
    assert parse_text(json.dumps({"v": data})).data == {"v": data}
    printed = yaml.safe_dump({"v": data})
    assert parse_text(printed).data == {"v": data}


@settings(max_examples=300)
@given(st.text(max_size=60) | st.text("[]{}:,-?!&*|>'\"# \n\tab<=%@`", max_size=60) | st.binary(max_size=40))
def test_no_text_raises_anything_else(text: str | bytes) -> None:
    with suppress(TemplateError):
        document = parse_text(text)
        check_data(document.data, Limits())
        assert document.place(("a", 0)).line >= 0


def test_repeated_key_deep_inside_is_told_with_its_path() -> None:
    text = "a:\n  - {x: 1}\n  - x:\n      y: 1\n      z: 2\n      y: 3\nb: {c: 1, c: 2}\n"
    assert [(each.path, each.place.line) for each in parse_text(text).warnings] == [
        (("a", 1, "x", "y"), 6),
        (("b", "c"), 7),
    ]
