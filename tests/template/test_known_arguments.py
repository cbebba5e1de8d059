"""What is known of a function's arguments is judged at once, whatever else is not known yet."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import TemplateError
from stackd.template import Unknown, evaluate
from tests.template.helpers import DataScope, cfn, run

LATER: Any = {"get_attr": ["a", "later"]}
LATER_CFN: Any = {"Fn::GetAtt": ["a", "later"]}
RESOURCES = {"a": {"type": "T"}}


def in_hot(value: Any, version: str = "2021-04-16") -> Any:
    return run(value, version, resources=RESOURCES)


def in_cfn(value: Any) -> Any:
    mappings = {"M": {"k": {"v": "found"}}}
    template = cfn({"a": {"Type": "T"}}, Mappings=mappings, Outputs={"o": {"Value": value}})
    return evaluate(template.outputs["o"].value, DataScope(), template=template)


WRONG: list[tuple[str, Any]] = [
    ('"str_replace" template must be', {"str_replace": {"template": 5, "params": {"x": LATER}}}),
    ("keys must not be empty", {"str_replace": {"template": "x", "params": {"": LATER}}}),
    ("not found in the template: z", {"str_replace_strict": {"template": "x", "params": {"z": LATER}}}),
    ("empty value for param x", {"str_replace_vstrict": {"template": "xy", "params": {"x": "", "y": LATER}}}),
    ("Items to join", {"list_join": [",", [5, LATER]]}),
    ("must operate on a list", {"list_join": [",", LATER, "text"]}),
    ("delimiter must be a string", {"list_join": [5, [LATER]]}),
    ("Incorrect index", {"str_split": [",", LATER, "first"]}),
    ("text to split", {"str_split": [LATER, ["l"]]}),
    ("The delimiter", {"str_split": ["", LATER]}),
    ("Algorithm must be one of", {"digest": ["md55", LATER]}),
    ("must be a list of strings", {"digest": [LATER, 5]}),
    ("Invalid URL port", {"make_url": {"host": LATER, "port": "http"}}),
    ('The "path" argument', {"make_url": {"host": LATER, "path": ["l"]}}),
    ("should not contain ':'", {"make_url": {"host": LATER, "scheme": "http:"}}),
    ("must be lists or maps", {"repeat": {"template": "x y", "for_each": {"x": LATER, "y": "text"}}}),
    ("values must be strings", {"repeat": {"template": "x y", "for_each": {"x": LATER, "y": [5]}}}),
    (
        "length of for_each values",
        {"repeat": {"template": LATER, "for_each": {"x": ["a"], "y": ["b", "c"]}, "permutations": False}},
    ),
    ("Items to concat must be lists", {"list_concat": [LATER, "text"]}),
    ("Items to concat must be lists", {"list_concat_unique": [LATER, {"k": 1}]}),
    ("Items to merge must be maps", {"map_merge": [LATER, ["l"]]}),
    ("arguments must be a list of maps", {"map_replace": [LATER, {"keys": ["l"]}]}),
    ("collides with a key", {"map_replace": [{"a": 1, "b": LATER}, {"keys": {"a": "b"}, "values": LATER}]}),
    ("must be a string, not {", {"map_replace": [{"a": LATER}, {"keys": {"a": {}}}]}),
    ('"filter" only works with lists', {"filter": [LATER, "text"]}),
    ('"filter" filters a list', {"filter": ["text", LATER]}),
    ("should be a sequence", {"contains": [LATER, 5]}),
    ("must contain a string", {"yaql": {"expression": 5, "data": LATER}}),
    ("must be string", {"get_param": [5, LATER]}),
    ("The Parameter (nothing)", {"get_param": ["nothing", LATER]}),
    ("Attribute name", {"get_attr": ["a", 5, LATER]}),
    ('"get_file" must be a string', {"get_file": [LATER]}),
    ('"get_resource" must be a string', {"get_resource": [LATER]}),
]

WRONG_CFN: list[tuple[str, Any]] = [
    ("is not JSON", {"Fn::Select": [LATER_CFN, "text"]}),
    ("must be a number", {"Fn::Select": ["first", [LATER_CFN]]}),
    ("must be a string for a map", {"Fn::Select": [1, {"k": LATER_CFN}]}),
    ("text to split", {"Fn::Split": [LATER_CFN, 5]}),
    ('no mapping "N"', {"Fn::FindInMap": ["N", LATER_CFN, "v"]}),
    ("has no value for", {"Fn::FindInMap": ["M", "other", LATER_CFN]}),
    ("must be a list of strings", {"Fn::MemberListToMap": ["Name", "Value", [LATER_CFN, 5]]}),
    ("is not a text but a list", {"Fn::Sub": ["${x}${a.later}", {"x": ["l"]}]}),
    ("must be from 1 to 256", {"Fn::Cidr": [LATER_CFN, 1000, 8]}),
    ("does not appear to be", {"Fn::Cidr": ["10.0.0", LATER_CFN, 8]}),
    ("must be a whole number", {"Fn::Cidr": [LATER_CFN, LATER_CFN, ["l"]]}),
    ("Items to join must be strings", {"Fn::Join": [",", [LATER_CFN, {"k": 1}]]}),
    ("params must be", {"Fn::Replace": [{"x": {"k": 1}, "y": LATER_CFN}, "x y"]}),
    ("argument must be a string", {"Fn::Base64": [LATER_CFN]}),
]


@pytest.mark.parametrize(("words", "value"), WRONG)
def test_wrong_argument_beside_an_unknown_one_is_refused(words: str, value: Any) -> None:
    with pytest.raises(TemplateError) as caught:
        in_hot(value)
    assert words in caught.value.message


def test_list_beside_an_unknown_value_is_refused_where_a_version_takes_only_texts() -> None:
    value = {"str_replace": {"template": "x y", "params": {"x": ["l"], "y": LATER}}}
    with pytest.raises(TemplateError, match="param x is not valid"):
        in_hot(value, "2013-05-23")
    assert isinstance(in_hot(value), Unknown)


@pytest.mark.parametrize(("words", "value"), WRONG_CFN)
def test_wrong_argument_beside_an_unknown_one_is_refused_in_cfn(words: str, value: Any) -> None:
    with pytest.raises(TemplateError) as caught:
        in_cfn(value)
    assert words in caught.value.message


@pytest.mark.parametrize(
    "value",
    [
        {"str_replace": {"template": "x", "params": {"x": LATER}}},
        {"str_replace": {"template": "x", "params": {"x": {"k": LATER}, "y": ["l"]}}},
        {"str_replace_strict": {"template": "xy", "params": {"x": LATER, "y": "x"}}},
        {"str_replace_vstrict": {"template": "x", "params": {"x": LATER}}},
        {"list_join": [LATER, [LATER, None, {"k": LATER}], LATER]},
        {"str_split": [LATER, LATER, LATER]},
        {"digest": ["md5", LATER]},
        {"make_url": {"host": LATER, "port": LATER, "query": {"k": LATER}}},
        {"repeat": {"template": {"k": LATER}, "for_each": {"x": LATER, "y": ["a"]}, "permutations": True}},
        {"map_replace": [{"a": LATER}, {"keys": {"a": LATER}, "values": LATER}]},
        {"map_replace": [LATER, LATER]},
        {"filter": [LATER, [LATER]]},
        {"contains": [LATER, "text"]},
        {"yaql": {"expression": "$.data", "data": LATER}},
        {"get_attr": ["a", LATER]},
    ],
)
def test_unknown_arguments_pass(value: Any) -> None:
    assert isinstance(in_hot(value), Unknown)


def test_item_that_is_known_is_selected_beside_unknown_ones() -> None:
    assert in_cfn({"Fn::Select": [1, [LATER_CFN, "known"]]}) == "known"
    assert in_cfn({"Fn::FindInMap": ["M", "k", "v", {"DefaultValue": LATER_CFN}]}) == "found"
    assert in_cfn({"Fn::Length": [LATER_CFN, LATER_CFN]}) == 2
