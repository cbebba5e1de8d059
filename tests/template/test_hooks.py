"""Hooks in a registry: found by pattern, handed down, joined from beside environment files."""

from __future__ import annotations

import pytest

from stackd.engine.usecases.requests import StackRequest, environment_of
from stackd.errors import InvalidHook
from stackd.template.environment import load_environment, with_hooks
from stackd.template.registry import has_hooks, joined_hooks, only_hooks


def test_only_hooks_are_taken_with_the_maps_around_them() -> None:
    resources = {
        "a": {"OS::X": "OS::Y", "hooks": "pre-create"},
        "b": {"restricted_actions": "update"},
        "c": {"d": {"hooks": ["pre-delete"]}},
    }
    assert only_hooks(resources) == {"a": {"hooks": "pre-create"}, "c": {"d": {"hooks": ["pre-delete"]}}}


def test_hooks_are_joined_and_nothing_is_lost() -> None:
    own = {"a": {"OS::X": "OS::Y", "hooks": "pre-create"}}
    more = {"a": {"hooks": ["post-create", "pre-create"]}, "b": {"c": {"hooks": "pre-update"}}}
    assert joined_hooks(own, more) == {
        "a": {"OS::X": "OS::Y", "hooks": ["pre-create", "post-create"]},
        "b": {"c": {"hooks": ["pre-update"]}},
    }


def test_hooks_beside_environment_files_count_and_nothing_else() -> None:
    request = StackRequest(
        environment={
            "parameters": {"p": "ignored"},
            "resource_registry": {"resources": {"a": {"hooks": "pre-create", "OS::X": "OS::Z"}}},
        },
        environment_files=["e.yaml"],
        files={"e.yaml": "{resource_registry: {resources: {a: {'OS::X': 'OS::Y'}}}}"},
    )
    environment = environment_of(request, {})
    assert environment.parameters == {}
    assert environment.resource_registry["resources"] == {"a": {"OS::X": "OS::Y", "hooks": ["pre-create"]}}
    assert environment.hooks("a") == {"pre-create"}


def test_an_unknown_hook_beside_environment_files_is_refused() -> None:
    beside = {"resource_registry": {"resources": {"a": {"hooks": "at-noon"}}}}
    with pytest.raises(InvalidHook):
        with_hooks(load_environment(None), beside)


@pytest.mark.parametrize("beside", [None, "text", {}, {"resource_registry": None}, {"parameters": {"x": 1}}])
def test_an_environment_without_hooks_beside_the_files_changes_nothing(beside: object) -> None:
    environment = load_environment({"parameters": {"p": 1}})
    assert with_hooks(environment, beside) is environment


def test_a_stack_has_hooks_only_for_its_own_resources() -> None:
    inner = {"resources": {"group": {"0": {"hooks": "pre-create"}}}}
    assert not has_hooks(inner)
    assert has_hooks({"resources": {"*": {"hooks": "pre-create"}}})
    child = load_environment({"resource_registry": inner}).child("group", "OS::Heat::ResourceGroup")
    assert has_hooks(child.resource_registry)
    assert child.hooks("0") == {"pre-create"}
