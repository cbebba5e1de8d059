from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings

from stackd.errors import StackdError, TemplateError
from stackd.rewrite.layout import format_text
from stackd.rewrite.sameness import read, same
from tests.rewrite.texts import untidy_texts

EXAMPLES = sorted(Path("examples").rglob("*.yaml")) + sorted(Path("tests").rglob("*.yaml"))
UNTIDY = """\


# About the template.
heat_template_version:   2013-05-23   # the oldest
parameters:
    # What a is.
    a :
        type:    string
        default: yes


        constraints:
        - range: { min: 1, max: 10 }···
        # The ones that we have.
        -   allowed_values: [ a, b,   # b is new
                c ]
        # Nothing else.
    # No more parameters.
resources:
      server:
            type: "OS::Nova::Server"
            properties:
                  user_data: |
                        #!/bin/sh
                          echo hello··
························
                        exit
                  name: 'one
                     text'
                  number: 017
                  ? key
                  : value
""".replace("·", " ")
TIDY = """\
# About the template.
heat_template_version: 2013-05-23   # the oldest
parameters:
  # What a is.
  a:
    type: string
    default: yes

    constraints:
      - range: { min: 1, max: 10 }
      # The ones that we have.
      - allowed_values: [ a, b,   # b is new
            c ]
      # Nothing else.
  # No more parameters.
resources:
  server:
    type: "OS::Nova::Server"
    properties:
      user_data: |
        #!/bin/sh
          echo hello··

        exit
      name: 'one
         text'
      number: 017
      ? key
      : value
""".replace("·", " ")


def words(text: str) -> str:
    return "".join(text.split())


def test_an_untidy_text_gets_the_one_layout() -> None:
    assert format_text(UNTIDY) == TIDY
    assert format_text(TIDY) == TIDY


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(untidy_texts())
def test_meaning_and_comments_stay_and_twice_is_once(text: str) -> None:
    try:
        before = read(text)
    except StackdError:
        assume(False)
    laid = format_text(text)
    assert same(read(laid), before)
    assert words(laid) == words(text)
    assert format_text(laid) == laid


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_templates_keep_their_meaning(path: Path) -> None:
    text = path.read_text()
    try:
        before = read(text)
    except TemplateError:
        return
    laid = format_text(text)
    assert same(read(laid), before)
    assert words(laid) == words(text)
    assert format_text(laid) == laid


@pytest.mark.parametrize(
    "scalar", ["yes", "2013-05-23", "017", "0o17", "1e3", "12:30:45", "1_000", "~", "", "'yes'", '"1"']
)
def test_no_scalar_changes_its_type(scalar: str) -> None:
    assert format_text(f"a:\n      b:   {scalar}") == f"a:\n  b: {scalar}".rstrip() + "\n"


def test_json_keeps_its_lines() -> None:
    text = json.dumps({"heat_template_version": "2013-05-23", "resources": {"a": [1, {"b": None}]}}, indent=4)
    assert format_text(text) == text + "\n"


def test_windows_line_ends_stay() -> None:
    tidy = "a:\r\n  b: |\r\n    c\r\n"
    assert format_text("a:\r\n    b: |\r\n        c\r\n") == tidy
    assert format_text(tidy) == tidy


def test_line_ends_are_those_of_most_lines() -> None:
    assert format_text("a: 1\r\nb: 2\nc: 3\n") == "a: 1\nb: 2\nc: 3\n"
    assert format_text("a: 1\r\nb: 2\r\nc: 3\n") == "a: 1\r\nb: 2\r\nc: 3\r\n"


def test_a_block_text_without_a_final_line_end_keeps_having_none() -> None:
    assert format_text("a: |\n    text") == "a: |\n  text"


def test_lines_that_a_block_text_keeps_are_not_removed() -> None:
    assert format_text("a: |+\n    text\n\n\n\nb: |\n   x\n\n\n") == "a: |+\n  text\n\n\n\nb: |\n  x\n"


def test_a_repeated_key_is_laid_out_too() -> None:
    assert format_text("a:\n    b: 1\n    b: 2\n") == "a:\n  b: 1\n  b: 2\n"


def test_what_is_not_yaml_is_refused_with_its_place() -> None:
    with pytest.raises(TemplateError) as caught:
        format_text("a: [1,\nb: 2\n", "x.yaml")
    assert caught.value.place.file == "x.yaml"
