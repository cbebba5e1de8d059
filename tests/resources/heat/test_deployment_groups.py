"""Batches of deployments: what is deployed in each, also where a change goes on after a crash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stackd.resources.base import Members
from tests.support.context import FakeContext, make_resource

KIND = "OS::Heat::SoftwareDeploymentGroup"
POLICY = {"rolling_update": {"max_batch_size": 1, "pause_time": 1}}
NOBODY = Members({}, {}, {}, lambda name, path: None)


def group(config: str, *servers: str, policy: Any = POLICY) -> FakeContext:
    properties = {"config": config, "servers": {name: f"id-{name}" for name in servers}}
    return FakeContext(KIND, name="grp", properties=properties, stored={"update_policy": policy})


def members(config: str, *names: str) -> Members:
    resources = {name: make_resource(name, "OS::Heat::SoftwareDeployment") for name in names}
    definitions = group(config, *names).type._all(group(config, *names).props)
    return replace(NOBODY, resources=resources, definitions=definitions)


def configs(batches: Any) -> list[Mapping[str, str]]:
    """The configuration of each deployment, batch by batch."""
    return [
        {name: each["properties"]["config"] for name, each in batch.child.template["resources"].items()}
        for batch in batches
    ]


def test_deployments_change_one_after_another() -> None:
    old, new = group("x", "a", "b", "c"), group("y", "a", "b", "c")
    batches = new.type.batches(new.resource, old.props, new.props, members("x", "a", "b", "c"), {})
    assert configs(batches) == [
        {"a": "y", "b": "x", "c": "x"},
        {"a": "y", "b": "y", "c": "x"},
        {"a": "y", "b": "y", "c": "y"},
    ]


def test_change_that_was_interrupted_leaves_alone_what_it_had_deployed() -> None:
    old, new = group("x", "a", "b", "c"), group("y", "a", "b", "c", "d")
    current = replace(members("x", "a", "b", "c"), reached=frozenset("bd"))
    batches = new.type.batches(new.resource, old.props, new.props, current, {})
    assert configs(batches) == [
        {"a": "y", "b": "y", "c": "x", "d": "y"},
        {"a": "y", "b": "y", "c": "y", "d": "y"},
    ]


def test_creation_that_was_interrupted_goes_on_in_batches() -> None:
    new = group("y", "a", "b", "c", policy={"batch_create": {"max_batch_size": 1}})
    current = replace(members("y", "a", "b"), reached=frozenset("a"))
    batches = new.type.batches(new.resource, None, new.props, current, {})
    assert configs(batches) == [{"a": "y", "b": "y"}, {"a": "y", "b": "y", "c": "y"}]


def test_change_whose_deployments_are_all_there_has_one_step() -> None:
    old, new = group("x", "a", "b"), group("y", "a", "b")
    current = replace(members("y", "a", "b"), reached=frozenset("ab"))
    batches = new.type.batches(new.resource, old.props, new.props, current, {})
    assert configs(batches) == [{"a": "y", "b": "y"}]
