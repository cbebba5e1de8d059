"""A request in which nothing is wrong is recognised, and its answer given without looking into it again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackd.clients.egress import Egress
from stackd.engine.definition.types import ResolvedType
from stackd.engine.usecases import validate
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.valid_requests import ValidRequests
from stackd.engine.usecases.validate import validated_text
from stackd.errors import Forbidden, ResourceTypeUnavailable, TemplateError
from stackd.resources.base import ResourceType
from tests.support.engine import Process, World, world
from tests.support.templates import hot

VALUE = {"type": "OS::Heat::Value", "properties": {"value": {"get_param": "word"}}}
BODY: dict[str, Any] = {
    "template": hot({"a": VALUE}, parameters={"word": {"type": "string", "default": "x"}}),
    "environment": {"parameters": {"word": "y"}},
    "files": {"one": "1"},
    "parameters": {"word": "z"},
}
OTHERS: dict[str, dict[str, Any]] = {
    "template": {"template": BODY["template"] | {"description": "other"}},
    "template as text": {"template": json.dumps(BODY["template"])},
    "environment": {"environment": {"parameters": {"word": "x"}}},
    "environment as text": {"environment": "parameters: {word: y}"},
    "environment files": {"files": {"one": "{}"}, "environment_files": ["one"]},
    "name of a file": {"files": {"two": "1"}},
    "text of a file": {"files": {"one": "2"}},
    "value of a parameter": {"parameters": {"word": "x"}},
    "type of a value": {"parameters": {"word": 1}},
    "like it, but true": {"parameters": {"word": True}},
    "like it, but a number with a point": {"parameters": {"word": 1.0}},
    "no parameters": {"parameters": {}},
    "cleared parameters": {"clear_parameters": ["word"]},
    "tags": {"tags": ["x"]},
    "default version": {"default_version": True},
}


def key(body: dict[str, Any], project: str = "p", size: int | None = 100) -> bytes | None:
    return ValidRequests().key(project, StackRequest(**body), size)


def test_equal_requests_of_a_project_have_one_key() -> None:
    assert key(BODY) == key(json.loads(json.dumps(BODY))) is not None


def test_whatever_differs_makes_another_key() -> None:
    keys = [key(BODY), key(BODY, "q"), *(key(BODY | other) for other in OTHERS.values())]
    assert None not in keys
    assert len(set(keys)) == len(OTHERS) + 2


@pytest.mark.parametrize("size", [None, 64_001])
def test_large_requests_and_those_of_unknown_size_have_no_key(size: int | None) -> None:
    assert key(BODY, size=size) is None


def test_memory_is_bounded_and_large_answers_are_not_kept() -> None:
    kept = ValidRequests(most=11_500, largest=5_000)
    for number in range(100):
        kept.keep(bytes([number]), [], b"x" * 600)
    assert [number for number in range(100) if kept.find(bytes([number]))] == list(range(90, 100))
    kept.keep(b"large", [], b"x" * 5_001)
    assert kept.find(b"large") is None


def test_templates_that_are_used_as_types_are_not_kept() -> None:
    kept = ValidRequests()
    types = [ResolvedType(name, name, ResourceType()) for name in ("a.yaml", "OS::Neutron::Net")]
    kept.keep(b"key", types, b"{}")
    valid = kept.find(b"key")
    assert valid is not None
    assert [each.name for each in valid.types] == ["OS::Neutron::Net"]


# --- in the engine --------------------------------------------------------------------------------


@pytest.fixture
async def process(stackd_world: World) -> AsyncIterator[Process]:
    async with stackd_world.process() as started:
        yield started


async def answer(process: Process, body: dict[str, Any], **options: Any) -> Any:
    text = await validated_text(
        process.engine,
        options.pop("caller", process.caller),
        StackRequest(**body),
        lambda found: json.dumps(found).encode(),
        size=100,
        nested=options.pop("nested", False),
        **options,
    )
    return json.loads(text)


@contextmanager
def nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Any look into a template fails in the block."""
    with monkeypatch.context() as patch:
        patch.setattr(validate, "_read", None)
        yield


async def is_known(process: Process, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> bool:
    with nothing_is_checked(monkeypatch):
        try:
            await answer(process, body)
        except TypeError:
            return False
    return True


@pytest.mark.parametrize("other", [{}, *OTHERS.values()], ids=["nothing", *OTHERS])
async def test_answer_is_the_same_as_to_who_asks_first(
    process: Process, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    await answer(process, BODY)
    body = BODY | other
    assert await is_known(process, body, monkeypatch) is (not other)
    first = await answer(process, body)
    with nothing_is_checked(monkeypatch):
        assert await answer(process, body) == first
    assert (
        await validate.validate(process.engine, process.caller, StackRequest(**body), nested=False) == first
    )


async def test_other_projects_are_answered_anew(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    await answer(process, BODY)
    with nothing_is_checked(monkeypatch), pytest.raises(TypeError):
        await answer(process, BODY, caller=replace(process.caller, project_id="another"))


async def test_policy_is_asked_each_time(process: Process) -> None:
    await answer(process, BODY)
    with pytest.raises(Forbidden):
        await answer(process, BODY, caller=replace(process.caller, roles=()))


async def test_services_of_the_cloud_are_asked_each_time(tmp_path: Path) -> None:
    body = {"template": hot({"a": {"type": "OS::Neutron::Net"}})}
    async with world(tmp_path, services=["keystone"]) as bare, bare.process() as process:
        for _ in range(2):
            with pytest.raises(ResourceTypeUnavailable):
                await answer(process, body)
            await answer(process, body, ignored=["99001"])


async def test_refusals_and_mistakes_in_values_are_found_each_time(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {"template": hot({"a": {"type": "OS::Heat::Nothing"}})}
    for _ in range(2):
        with pytest.raises(TemplateError, match="OS::Heat::Nothing"):
            await answer(process, wrong)
    tolerated = {"template": hot({"a": {"type": "OS::Heat::RandomString", "properties": {"length": 0}}})}
    assert "errors" in await answer(process, tolerated)
    assert not await is_known(process, tolerated, monkeypatch)


async def test_parameters_of_nested_stacks_are_not_shown_to_who_asks_without(process: Process) -> None:
    inner = json.dumps(hot({}, parameters={"inside": {"type": "string", "default": "x"}}))
    body = {"template": hot({"a": {"type": "inner.yaml"}}), "files": {"inner.yaml": inner}}
    assert "NestedParameters" not in await answer(process, body)
    assert "NestedParameters" in await answer(process, body, nested=True)
    assert "NestedParameters" not in await answer(process, body)


EXPRESSION = {"yaql": {"expression": "now().year"}}
CHANGING: dict[str, dict[str, Any]] = {
    "an expression, which may ask for the time": hot(
        {"a": {"type": "OS::Heat::Value", "properties": {"value": EXPRESSION}}}
    ),
    "what other stacks export": {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {"a": {"Type": "OS::Heat::Value", "Properties": {"value": {"Fn::ImportValue": "x"}}}},
    },
}


@pytest.mark.parametrize("name", CHANGING)
async def test_what_may_be_otherwise_later_is_checked_each_time(
    process: Process, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    body = {"template": CHANGING[name]}
    await answer(process, body)
    assert not await is_known(process, body, monkeypatch)


async def test_validation_does_not_look_at_the_clock(process: Process) -> None:
    """A moment that has passed is refused only when a stack is made."""
    expired = {"type": "OS::Barbican::Secret", "properties": {"expiration": "2001-01-01T00:00:00"}}
    assert "errors" not in await answer(process, {"template": hot({"a": expired})})


async def test_templates_that_are_fetched_are_fetched_each_time(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [json.dumps(hot()), *[json.dumps(hot(description="changed"))] * 2]
    url = "http://templates.test/a"

    async def fetched(*_: Any, **__: Any) -> str:
        return texts.pop(0)

    monkeypatch.setattr(Egress, "fetch_text", fetched)
    answers = [await answer(process, {"template_url": url}) for _ in range(2)]
    assert [each["Description"] for each in answers] == ["No description", "changed"]
    assert not await is_known(process, {"template_url": url}, monkeypatch)


async def test_nested_templates_that_are_fetched_are_fetched_each_time(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"template": hot({"a": {"type": "http://templates.test/a.yaml"}})}
    texts = [json.dumps(hot()), "heat_template_version: never"]

    async def fetched(*_: Any, **__: Any) -> str:
        return texts.pop(0)

    monkeypatch.setattr(Egress, "fetch_text", fetched)
    assert "errors" not in await answer(process, body)
    assert "errors" in await answer(process, body)


async def test_hidden_values_are_not_kept(process: Process) -> None:
    parameters = {"word": {"type": "string", "hidden": True}}
    body: dict[str, Any] = {
        "template": hot({"a": VALUE}, parameters=parameters),
        "parameters": {"word": "hush!"},
    }
    await answer(process, body)
    known = process.engine.valid_requests
    found = known.key(process.caller.project_id, StackRequest(**body), 100)
    assert found is not None
    assert (valid := known.find(found)) is not None
    assert b"hush!" not in valid.answer
