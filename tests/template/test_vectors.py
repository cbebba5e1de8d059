"""Inputs and results that the reference implementation gives."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import TemplateError
from tests.template.helpers import cause, run

URL = {
    "scheme": "http",
    "host": "::1",
    "port": 80,
    "path": "/a b",
    "query": {"q": "a/b c"},
    "fragment": "f g",
    "username": "u@",
    "password": "p:",
}
GRID = {"template": {"%x%": "%y%"}, "for_each": {"%x%": ["a", "b"], "%y%": ["c", "d"]}}
MEMBERS = [".member.0.Name=a", ".member.0.Value=b"]

RESULTS: list[tuple[Any, Any, str]] = [
    ({"str_replace": {"template": "ab abc", "params": {"ab": "1", "abc": "2"}}}, "1 2", "2021-04-16"),
    ({"str_replace": {"template": "a b", "params": {"a": "b", "b": "c"}}}, "b c", "2021-04-16"),
    (
        {"str_replace": {"template": "v=$x", "params": {"$x": {"k": [1, None, True]}}}},
        'v={"k": [1, null, true]}',
        "2021-04-16",
    ),
    ({"str_replace": {"template": "v=$x", "params": {"$x": True}}}, "v=True", "2021-04-16"),
    ({"str_replace": {"template": "v=$x", "params": {"$x": None}}}, "v=", "2021-04-16"),
    ({"str_replace_vstrict": {"template": "a", "params": {"a": 0}}}, "0", "2021-04-16"),
    ({"list_join": ["-", ["a", None, {"k": 1}], None, ["b"]]}, 'a--{"k": 1}-b', "2021-04-16"),
    ({"list_join": ["-", None]}, "", "2014-10-16"),
    ({"repeat": {"template": "%x%", "for_each": {"%x%": {"k1": 1, "k2": 2}}}}, ["k1", "k2"], "2021-04-16"),
    ({"repeat": GRID}, [{"a": "c"}, {"a": "d"}, {"b": "c"}, {"b": "d"}], "2021-04-16"),
    ({"repeat": {**GRID, "permutations": False}}, [{"a": "c"}, {"b": "d"}], "2021-04-16"),
    ({"repeat": {"template": "%x%", "for_each": {"%x%": ["a"], "%y%": None}}}, [], "2021-04-16"),
    ({"digest": ["sha1", "abc"]}, "a9993e364706816aba3e25717850c26c9cd0d89d", "2021-04-16"),
    ({"digest": ["MD5", ""]}, "d41d8cd98f00b204e9800998ecf8427e", "2021-04-16"),
    ({"str_split": [",", "a,b,c", -1]}, "c", "2021-04-16"),
    ({"str_split": [",", "a,b,c", "1"]}, "b", "2021-04-16"),
    ({"str_split": [",", None]}, None, "2021-04-16"),
    ({"str_split": [",", ""]}, [""], "2021-04-16"),
    ({"map_merge": [{"a": 1, "b": {"x": 1}}, None, {"b": {"y": 2}}]}, {"a": 1, "b": {"y": 2}}, "2021-04-16"),
    (
        {"map_replace": [{"a": "x", "b": "y"}, {"keys": {"a": "A"}, "values": {"y": "Y"}}]},
        {"A": "x", "b": "Y"},
        "2021-04-16",
    ),
    ({"yaql": {"expression": "$.data.where($ > 1)", "data": [1, 2, 3]}}, [2, 3], "2021-04-16"),
    ({"filter": [["a", None], ["a", "b", None]]}, ["b"], "2021-04-16"),
    ({"filter": [None, ["a"]]}, ["a"], "2021-04-16"),
    ({"filter": [["a"], None]}, None, "2021-04-16"),
    ({"make_url": URL}, "http://u%40:p%3A@[::1]:80/a%20b?q=a/b+c#f%20g", "2021-04-16"),
    ({"make_url": {"scheme": "http", "host": "h", "path": "a"}}, "http://h/a", "2021-04-16"),
    ({"make_url": {"path": "a", "query": {"x": 1}}}, "a?x=1", "2021-04-16"),
    ({"make_url": {"host": "h", "port": "80"}}, "//h:80", "2021-04-16"),
    ({"list_concat": [["a"], None, ["a", "b"]]}, ["a", "a", "b"], "2021-04-16"),
    ({"list_concat_unique": [["a"], ["a", {"x": 1}], [{"x": 1}]]}, ["a", {"x": 1}], "2021-04-16"),
    ({"contains": ["b", "abc"]}, True, "2021-04-16"),
    ({"contains": ["1", [1]]}, False, "2021-04-16"),
    ({"k": {"if": [False, 1]}, "l": [{"if": [False, 1]}, 2]}, {"l": [2]}, "2021-04-16"),
    ({"if": [{"not": {"equals": ["1", 1]}}, "y", "n"]}, "y", "2021-04-16"),
    ({"Fn::Select": ["1", ["a", "b"]]}, "b", "2013-05-23"),
    ({"Fn::Select": [5, ["a"]]}, "", "2013-05-23"),
    ({"Fn::Select": ["k", '{"k": 3}']}, 3, "2013-05-23"),
    ({"Fn::MemberListToMap": ["Name", "Value", MEMBERS]}, {"a": "b"}, "2013-05-23"),
]

REFUSALS: list[tuple[Any, type[Exception], str]] = [
    ({"str_replace": {"template": "v=$x", "params": {"$x": [1]}}}, TypeError, "2014-10-16"),
    ({"str_replace_vstrict": {"template": "a", "params": {"a": ""}}}, ValueError, "2021-04-16"),
    ({"list_join": ["-", ["a", 1]]}, TypeError, "2021-04-16"),
    ({"list_join": ["-", ["a", {"k": 1}]]}, TypeError, "2014-10-16"),
    ({"repeat": {"template": "%x%", "for_each": {"%x%": [1]}}}, TypeError, "2021-04-16"),
    ({"str_split": [",", "a", 5]}, ValueError, "2021-04-16"),
    ({"map_merge": [{"a": 1}, [1]]}, TypeError, "2021-04-16"),
    ({"map_replace": [{"a": "x", "b": "y"}, {"keys": {"a": "b"}}]}, ValueError, "2021-04-16"),
    ({"make_url": {"host": "h", "port": 0}}, ValueError, "2021-04-16"),
    ({"make_url": {"host": "h", "port": None}}, TypeError, "2021-04-16"),
    ({"if": [True, 1]}, ValueError, "2018-08-31"),
]

PARAMETERS: list[tuple[str, Any, Any]] = [
    ("number", "1.50", 1.5),
    ("boolean", "Yes", True),
    ("string", True, "True"),
    ("comma_delimited_list", [1, None, True], ["1", "None", "True"]),
    ("comma_delimited_list", " a, b,", [" a", " b", ""]),
    ("json", "[1, 2]", [1, 2]),
]


@pytest.mark.parametrize(("value", "expected", "version"), RESULTS)
def test_function_gives_the_reference_result(value: Any, expected: Any, version: str) -> None:
    result = run(value, version)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(("value", "kind", "version"), REFUSALS)
def test_function_refuses_what_the_reference_refuses(value: Any, kind: type[Exception], version: str) -> None:
    assert issubclass(cause(value, version) or int, kind)


def test_strict_replace_names_unused_placeholders_longest_first() -> None:
    value = {"str_replace_strict": {"template": "a", "params": {"a": "b", "zz": "c", "z": 1}}}
    with pytest.raises(TemplateError, match=r"not found in the template: zz,z$"):
        run(value)


@pytest.mark.parametrize(("path", "expected"), [(["a", "b", "0"], 7), (["a", "x"], ""), (["a", "b", -1], 7)])
def test_get_param_walks_into_structures(path: list[Any], expected: Any) -> None:
    declared = {"j": {"type": "json", "default": {"a": {"b": [7]}}}}
    assert run({"get_param": ["j", *path]}, parameters=declared) == expected


def test_get_param_takes_text_as_a_list_of_characters() -> None:
    assert run({"get_param": ["s", 0]}, parameters={"s": {"type": "string", "default": "abc"}}) == "a"


@pytest.mark.parametrize(("kind", "given", "expected"), PARAMETERS)
def test_parameter_is_converted_as_the_reference_does(kind: str, given: Any, expected: Any) -> None:
    value = run({"get_param": "p"}, parameters={"p": {"type": kind, "default": given}})
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    ("value", "version", "message"),
    [
        (
            {"str_replace": {"template": "v=$x", "params": {"$x": [1]}}},
            "2014-10-16",
            "params must be strings or numbers",
        ),
        ({"make_url": {"host": "h", "port": 0}}, "2021-04-16", "1.*65535"),
        ({"list_join": ["-", ["a", 1]]}, "2021-04-16", "Items to join must be string, map or list not 1"),
    ],
)
def test_refusal_says_what_the_reference_says(value: Any, version: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        run(value, version)
