"""Nested stacks before anything exists: depth, size, and errors with their whole path."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stackd.engine.definition.desired import build, load_source
from stackd.engine.validation.resource_rules import validate
from stackd.engine.validation.tree import Expanded, expand
from stackd.errors import RequestLimitExceeded, TemplateError
from stackd.resources.registry import load_registry
from stackd.template.parameters import StackIdentity

REGISTRY = load_registry()
IDENTITY = StackIdentity(project_id="p", stack_name="top", stack_id="id")


def expanded(
    resources: dict[str, Any], files: dict[str, str] | None = None, depth: int = 5, most: int = 1000
) -> Expanded:
    template = {"heat_template_version": "2018-08-31", "resources": resources}
    desired = build(load_source(template, None, files or {}), IDENTITY, REGISTRY)
    return expand(desired, REGISTRY, name="top", max_depth=depth, max_resources=most)


def group(count: Any, member: dict[str, Any]) -> dict[str, Any]:
    return {"type": "OS::Heat::ResourceGroup", "properties": {"count": count, "resource_def": member}}


WORD = {"type": "OS::Heat::RandomString"}


def types_in(made: Expanded) -> set[str]:
    kinds = (kind for each in made.walk() for kind in each.desired.types.values())
    return {kind.name for kind in kinds if not kind.is_template}


def file_of(resources: str, parameters: str = "{}") -> str:
    return f"heat_template_version: 2018-08-31\nparameters: {parameters}\nresources: {resources}\n"


def test_members_of_groups_are_children_by_name() -> None:
    made = expanded({"g": group(2, WORD), "w": WORD})
    assert set(made.children) == {"g"}
    assert set(made.children["g"].desired.resources) == {"0", "1"}
    assert made.children["g"].name == "top-g"
    assert made.count() == 4
    assert types_in(made) == {"OS::Heat::ResourceGroup", "OS::Heat::RandomString"}


def test_template_types_are_not_types_of_the_cloud() -> None:
    made = expanded({"t": {"type": "t.yaml"}}, {"t.yaml": file_of("{w: {type: OS::Heat::RandomString}}")})
    assert types_in(made) == {"OS::Heat::RandomString"}
    assert [each.name for each in made.walk()] == ["top", "top-t"]


def test_depth_is_counted_from_the_outermost_stack() -> None:
    nest = group(1, group(1, WORD))
    assert expanded({"g": nest}, depth=2).count() == 3
    with pytest.raises(TemplateError, match="Recursion depth exceeds 1") as caught:
        expanded({"g": nest}, depth=1)
    assert caught.value.path == "resources.g<nested_stack>.resources[0]"


def test_template_that_contains_itself_is_refused() -> None:
    with pytest.raises(TemplateError, match="Recursion depth exceeds 5"):
        expanded({"t": {"type": "t.yaml"}}, {"t.yaml": file_of("{t: {type: t.yaml}}")})


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ({"type": "t.yaml"}, "t.yaml includes itself: "),
        (group(1, {"type": "t.yaml"}), "t.yaml includes itself: "),
        ({"type": "u.yaml"}, "t.yaml includes itself by way of u.yaml: "),
        (group(1, WORD), "Nest less deeply, "),
    ],
)
def test_template_that_contains_itself_is_named(inner: dict[str, Any], said: str) -> None:
    files = {"t.yaml": file_of(json.dumps({"t": inner})), "u.yaml": file_of("{t: {type: t.yaml}}")}
    depth = 1 if said.startswith("Nest") else 5
    with pytest.raises(TemplateError, match="Recursion depth") as caught:
        expanded({"t": {"type": "t.yaml"}}, files, depth)
    assert caught.value.remedy.startswith(said)


def test_path_grows_where_every_level_has_the_same_name() -> None:
    files = {"a.yaml": file_of("{r: {type: b.yaml}}"), "b.yaml": file_of("{r: {type: OS::No::Such}}")}
    with pytest.raises(TemplateError) as caught:
        expanded({"r": {"type": "a.yaml"}}, files)
    assert caught.value.path == "resources.r<a.yaml>.resources.r<b.yaml>.resources.r.type"


def test_error_in_the_properties_of_the_outer_resource_has_its_path_once() -> None:
    with pytest.raises(TemplateError) as caught:
        expanded({"g": group("many", WORD)})
    assert caught.value.path == "resources.g.properties.count"


def test_error_inside_carries_the_whole_path_in_its_words_too() -> None:
    member = {"type": "OS::Heat::RandomString", "properties": {"length": 0}}
    with pytest.raises(TemplateError) as caught:
        expanded({"g": group(1, member)})
    path = "resources.g<nested_stack>.resources[0].properties.length"
    assert caught.value.path == path
    assert path in caught.value.message


@pytest.mark.parametrize("most", [4, 6])
def test_all_stacks_together_keep_to_the_limit_that_is_named(most: int) -> None:
    resources = {"a": group(2, WORD), "b": group(3, WORD)}
    with pytest.raises(RequestLimitExceeded, match=rf"exceeded \({most}\)"):
        expanded(resources, most=most)
    assert expanded(resources, most=7).count() == 7
    assert expanded(resources, most=-1).count() == 7


def test_group_of_unknown_size_is_left_open() -> None:
    count = {"get_attr": ["v", "value"]}
    made = expanded({"v": {"type": "OS::Heat::Value", "properties": {"value": 3}}, "g": group(count, WORD)})
    assert made.count() <= 3


def test_every_wrong_resource_is_found_and_external_ones_are_not_looked_at() -> None:
    wrong = {"type": "OS::Heat::RandomString", "properties": {"length": 0}}
    template = {
        "heat_template_version": "2018-08-31",
        "resources": {
            "a": wrong,
            "b": wrong,
            "c": wrong | {"external_id": "x"},
            "d": WORD | {"deletion_policy": "Snapshot"},
        },
    }
    found = validate(build(load_source(template, None, {}), IDENTITY, REGISTRY))
    assert [error.path for error in found] == [
        "resources.a.properties.length",
        "resources.b.properties.length",
        "resources.d.deletion_policy",
    ]


def test_member_that_a_removal_policy_excludes_is_not_checked() -> None:
    policies = [{"resource_list": ["0", 2]}]
    excluding = group(2, WORD)
    excluding["properties"]["removal_policies"] = policies
    made = expanded({"g": excluding})
    assert set(made.children["g"].desired.resources) == {"1", "3"}
