"""A small template is validated on the event loop; whatever is in a request, that takes few steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from stackd.engine.definition.desired import Desired
from stackd.engine.definition.scope import StackScope
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.validate import _read
from stackd.offload import Exhausted, budgeted, trial_budget
from stackd.resources.registry import load_registry
from stackd.settings import Limits
from tests.support.counting import counted

REGISTRY = load_registry()
VERSION = {"heat_template_version": "2018-08-31"}
VALUE = {"type": "OS::Heat::Value"}
FEW = 60_000
"""Lines of Python that run within some milliseconds."""


def request(resources: Mapping[str, Any], parameters: Mapping[str, Any] | None = None) -> StackRequest:
    return StackRequest(template={**VERSION, "resources": dict(resources)}, parameters=parameters or {})


def group(members: int) -> dict[str, Any]:
    return {"type": "OS::Heat::ResourceGroup", "properties": {"count": members, "resource_def": VALUE}}


def deep(levels: int) -> Any:
    return [deep(levels - 1)] if levels else "x"


LARGE = {
    "many resources": request({f"r{number}": VALUE for number in range(2000)}),
    "many values": request({"r": {**VALUE, "properties": {"value": ["x"] * 20_000}}}),
    "many keys": request({"r": {**VALUE, "properties": {"value": {f"k{n}": n for n in range(20_000)}}}}),
    "many members": request({"g": group(500)}),
    "a long text": StackRequest(template="heat_template_version: rocky\nresources: {}\n" + "# x\n" * 20_000),
    "a long text on one line": StackRequest(template="a: [" + "x, " * 20_000 + "]"),
    "many mistakes": request({}, {f"p{number}": "x" for number in range(2000)}),
    "many names to compare": request(
        {
            "long-name": VALUE,
            **{f"r{n}": {**VALUE, "depends_on": ["long-mane", "lang-name"]} for n in range(12)},
        }
    ),
    "a pattern": request(
        {"r": {**VALUE, "properties": {"value": {"yaql": {"expression": "$.a", "data": {"a": 1}}}}}}
    ),
    "a long environment": StackRequest(
        template={**VERSION, "resources": {}},
        environment={"parameters": {f"p{number}": deep(3) for number in range(2000)}},
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_request_leaves_the_event_loop_after_few_steps(name: str) -> None:
    with budgeted(trial_budget()), counted() as steps, pytest.raises(Exhausted):
        _read(LARGE[name], REGISTRY, Limits())
    assert steps.count < FEW


def test_small_request_of_types_in_use_stays_on_the_event_loop() -> None:
    small = request({f"r{number}": VALUE for number in range(10)})
    assert REGISTRY.get("OS::Heat::Value")
    with budgeted(trial_budget()):
        _, found = _read(small, REGISTRY, Limits())
    assert not found.refusals
    assert found.answer["Parameters"] == {}


def test_template_of_a_hundred_small_resources_stays_on_the_event_loop() -> None:
    equal = request({f"r{number}": {"type": "OS::Heat::RandomString"} for number in range(100)})
    assert REGISTRY.get("OS::Heat::RandomString")
    with budgeted(trial_budget()), counted() as steps:
        _, found = _read(equal, REGISTRY, Limits())
    assert not found.refusals
    assert steps.count < FEW / 2


def test_properties_that_are_written_the_same_are_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[Any] = []
    kind = REGISTRY.get("OS::Heat::RandomString")
    monkeypatch.setattr(type(kind), "validate", lambda self, props: judged.append(props.length))
    lengths = [8, 8, 9, 8.0, "8", 9]
    _read(
        request(
            {f"r{n}": {"type": kind.type_name, "properties": {"length": x}} for n, x in enumerate(lengths)}
        ),
        REGISTRY,
        Limits(),
    )
    assert judged == [8, 9, 8, 8]


def test_properties_that_decide_the_order_are_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluated: list[str] = []
    properties = Desired.properties

    def noted(self: Desired, name: str, scope: StackScope) -> dict[str, Any]:
        evaluated.append(name)
        return properties(self, name, scope)

    monkeypatch.setattr(Desired, "properties", noted)
    network = {"get_resource": "net"}
    resources = {
        "net": {"type": "OS::Neutron::Net"},
        "subnet": {"type": "OS::Neutron::Subnet", "properties": {"network": network, "cidr": "10.0.0.0/24"}},
        "port": {"type": "OS::Neutron::Port", "properties": {"network": network}},
        "wrong": {"type": "OS::Neutron::Port", "properties": {"network": network, "fixed_ips": 1}},
        "described": {
            "type": "OS::Neutron::Port",
            "description": "its description, if it has none of its own",
            "properties": {"network": network},
        },
    }
    _, found = _read(request(resources), REGISTRY, Limits())
    assert not found.refusals
    assert [each.path for each in found.warnings] == ["resources.wrong.properties.fixed_ips"]
    assert Counter(evaluated)["subnet"] == Counter(evaluated)["port"] == 1


def test_each_of_several_equal_mistakes_is_found() -> None:
    wrong = {"type": "OS::Heat::RandomString", "properties": {"length": 0}}
    _, found = _read(request({"a": wrong, "b": wrong}), REGISTRY, Limits())
    assert [each.path for each in found.warnings] == [
        "resources.a.properties.length",
        "resources.b.properties.length",
    ]


def test_properties_with_functions_are_judged_for_each_resource() -> None:
    both = {"type": "OS::Heat::RandomString", "properties": {"length": {"get_param": "OS::project_id"}}}
    _, found = _read(request({"a": both, "b": both}), REGISTRY, Limits())
    assert len(found.warnings) == 2


def test_what_is_beside_properties_that_are_written_the_same_is_judged_for_each() -> None:
    same = {"type": "OS::Heat::RandomString"}
    lost = {"get_param": "nobody"}
    beside = {"deletion_policy": "Snapshot", "metadata": {"x": lost}, "update_policy": {"x": lost}}
    resources = {"right": same, **{name: {**same, name: value} for name, value in beside.items()}}
    _, found = _read(request(resources), REGISTRY, Limits())
    paths = {str(error.path).split(".")[1] for error in [*found.refusals, *found.warnings]}
    assert paths == set(beside)


@pytest.mark.parametrize(("count", "most"), [(1, 1_150), (100, 10_300)])
def test_validation_of_a_known_template_takes_few_steps(count: int, most: int) -> None:
    known = request({f"r{number}": {"type": "OS::Heat::RandomString"} for number in range(count)})
    _read(known, REGISTRY, Limits())
    with budgeted(trial_budget()), counted() as steps:
        _read(known, REGISTRY, Limits())
    assert steps.count < most
