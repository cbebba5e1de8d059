"""Templates in the contents of files."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init.mustache import rendered

VALUES: dict[str, Any] = {
    "name": "web",
    "html": '<&">',
    "zero": 0,
    "on": True,
    "off": False,
    "list": [{"n": 1}, {"n": 2}],
    "words": ["a", "b"],
    "deep": {"er": {"est": "x"}},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{name}} {{ name }} {{nothing}}!", "web web !"),
        ("{{html}} {{{html}}} {{&html}}", '&lt;&amp;&quot;&gt; <&"> <&">'),
        ("{{zero}}", "0"),
        ("a{{! a comment }}b", "ab"),
        ("{{deep.er.est}}{{deep.no.such}}", "x"),
        ("{{#on}}yes {{name}}{{/on}}{{#off}}no{{/off}}", "yes web"),
        ("{{^on}}yes{{/on}}{{^off}}no{{/off}}{{^nothing}}none{{/nothing}}", "nonone"),
        ("{{#list}}[{{n}} {{name}}]{{/list}}", "[1 web][2 web]"),
        ("{{#words}}{{.}},{{/words}}", "a,b,"),
        ("{{#deep}}{{#er}}{{est}}{{/er}}{{/deep}}", "x"),
        ("{{#on}}{{#on}}inner{{/on}}{{/on}}", "inner"),
    ],
)
def test_tags_are_replaced(text: str, expected: str) -> None:
    assert rendered(text, VALUES) == expected


@pytest.mark.parametrize(("text", "message"), [("{{#on}}x", "has no end"), ("x{{/on}}", "has no beginning")])
def test_half_a_section_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        rendered(text, VALUES)


@given(st.text())
def test_text_without_tags_stays(text: str) -> None:
    plain = text.replace("{{", "")
    assert rendered(plain, VALUES) == plain


@given(st.text(st.sampled_from("{}#/^!&.an "), max_size=40))
def test_any_text_is_rendered_or_refused(text: str) -> None:
    with contextlib.suppress(ToolError):
        assert isinstance(rendered(text, {"a": [{"n": 1}], "n": "x"}), str)
