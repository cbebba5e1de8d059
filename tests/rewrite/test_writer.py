from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stackd.rewrite.layout import format_text
from stackd.rewrite.sameness import read, same
from stackd.rewrite.writer import to_yaml

AMBIGUOUS = (
    *(
        "yes",
        "no",
        "On",
        "y",
        "N",
        "null",
        "~",
        "",
        "2013-05-23",
        "2001-12-14 21:59:43.10 -5",
        "017",
        "0o17",
        "08",
    ),
    *(
        "1e3",
        "1.5",
        ".5",
        "12:30:45",
        "0x1F",
        "0b1",
        "1_000",
        ".inf",
        "=",
        "<<",
        "- a",
        "a: b",
        "# a",
        " a ",
        "a #b",
    ),
    *(
        "&a",
        "*a",
        "!a",
        "[a]",
        "{a}",
        "%a",
        "@a",
        "`a",
        "'a'",
        '"a"',
        "a\nb",
        "a\n",
        "\na",
        " a\nb",
        "a \nb",
        "\t",
    ),
    *(
        "a\tb\nc",
        "é\n☃",
        "\x07",
        "\x85",
        "\u2028",
        "a\r\nb",
        "...",
        "---",
        "? a",
        ": a",
        "-",
        "?",
        ":",
        "1" * 30,
    ),
)
texts = st.sampled_from(AMBIGUOUS) | st.text(max_size=12)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=100)
@given(values)
def test_every_reader_gets_the_same_data(value: Any) -> None:
    text = to_yaml(value)
    assert same(read(text), value)
    assert same(yaml.safe_load(text), value)
    assert same(YAML(typ="safe", pure=True).load(text), value)


@settings(max_examples=100)
@given(values)
def test_answers_have_the_layout_of_formatted_files(value: Any) -> None:
    text = to_yaml(value)
    assert format_text(text) == text


def test_answers_are_written_as_people_do() -> None:
    value = {
        "name": "a",
        "lines": "one\ntwo\n",
        "list": [{"a": 1, "b": [True, None]}, []],
        "version": "2013-05-23",
    }
    assert to_yaml(value) == (
        "name: a\nlines: |\n  one\n  two\nlist:\n  - a: 1\n    b:\n      - true\n      - null\n  - []\n"
        "version: '2013-05-23'\n"
    )


def test_shared_parts_are_written_out() -> None:
    part = {"a": [1]}
    assert "&" not in to_yaml([part, part])


def test_long_texts_are_not_broken() -> None:
    assert to_yaml({"a": "word " * 100 + "end"}).count("\n") == 1


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, 1e300, 0.1, -0.0])
def test_numbers_stay_numbers(value: float) -> None:
    assert same(read(to_yaml([value])), [value])


def test_importing_the_writer_does_not_import_ruamel() -> None:
    code = "import sys, stackd.rewrite.writer, stackd.rewrite.layout; print('ruamel.yaml' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
