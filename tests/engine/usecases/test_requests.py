"""The environment of a request: from the request itself, or merged from its files."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.engine.usecases import requests
from stackd.engine.usecases.requests import ParsedTemplates, StackRequest, definition_of, template_of
from stackd.errors import BadRequest, RequestLimitExceeded, TemplateError
from stackd.offload import OWNER
from stackd.settings import Limits
from stackd.template.environment import Environment

NESTED = "heat_template_version: 2021-04-16\nparameters: {below: {type: string}}\n"


def merged(environments: dict[str, str], others: dict[str, str] | None = None, **request: Any) -> Environment:
    """The environment of a request with these environment files, in this order, and other files."""
    declared = {name: {"type": "string"} for name in ("a", "b")} | {"j": {"type": "json"}}
    template = {"heat_template_version": "2021-04-16", "parameters": declared}
    files = {**(others or {}), **environments}
    made = StackRequest(template=template, environment_files=tuple(environments), files=files, **request)
    return definition_of(made, Limits())[1]


def test_parameters_of_the_request_beat_those_of_its_environment() -> None:
    request = StackRequest(
        template="heat_template_version: 2021-04-16",
        environment={"parameters": {"a": "environment", "b": "environment"}},
        parameters={"a": "request"},
    )
    assert definition_of(request, Limits())[1].parameters == {"a": "request", "b": "environment"}


def test_files_beat_parameters_of_the_request() -> None:
    files = {"one": "parameters: {a: file}"}
    assert merged(files, parameters={"a": "request", "b": "request"}).parameters == {
        "a": "file",
        "b": "request",
    }


def test_later_files_beat_earlier_ones_in_every_section() -> None:
    files = {
        "one": "{parameters: {a: 1, b: 1}, parameter_defaults: {d: 1}, resource_registry: {T: U, V: W}}",
        "two": "{parameters: {b: 2}, parameter_defaults: {a: 2}, resource_registry: {T: X, V: null}}",
    }
    environment = merged(files)
    assert environment.parameters == {"a": 1, "b": 2}
    assert environment.parameter_defaults == {"d": 1, "a": 2}
    assert environment.resource_registry == {"T": "X", "V": "W"}


def test_registry_of_resources_is_replaced_as_a_whole() -> None:
    files = {
        "one": "resource_registry: {resources: {x: {hooks: pre-create}}}",
        "two": "resource_registry: {resources: {y: {hooks: pre-create}}}",
    }
    assert merged(files).resource_registry == {"resources": {"y": {"hooks": "pre-create"}}}


def test_environment_of_the_request_is_ignored_beside_files() -> None:
    environment = merged({"one": ""}, environment={"parameters": {"a": "inline"}, "no": "section"})
    assert environment.parameters == {}


def test_file_that_is_not_there_is_named() -> None:
    request = StackRequest(template="heat_template_version: 2021-04-16", environment_files=("gone",))
    with pytest.raises(BadRequest, match='The environment file "gone" is not among the files'):
        definition_of(request, Limits())


def test_mistake_in_a_file_names_the_file_and_line() -> None:
    with pytest.raises(TemplateError) as caught:
        merged({"one": "parameters: {}\nno_section: {}\n"})
    assert (caught.value.place.file, caught.value.place.line) == ("one", 2)


def test_parameters_that_no_template_declares_are_dropped_once_there_are_others() -> None:
    files = {"one": "parameters: {a: 1}", "two": "parameters: {unknown: 2, below: 2}"}
    assert merged(files).parameters == {"a": 1}
    assert merged(files, {"nested.yaml": NESTED}).parameters == {"a": 1, "below": 2}


def test_files_that_are_no_templates_declare_nothing() -> None:
    files = {"one": "parameters: {a: 1}", "two": "parameters: {below: 2}"}
    broken = {"x.yaml": "heat_template_version: [", "y.txt": NESTED.replace("heat_", "")}
    assert merged(files, broken).parameters == {"a": 1}


def test_first_parameters_are_taken_whole() -> None:
    assert merged({"one": "parameters: {unknown: 1}"}).parameters == {"unknown": 1}


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("overwrite", {"y": [2]}),
        ("merge", {"x": 1, "y": [2]}),
        ("deep_merge", {"x": 1, "y": [1, 2]}),
        ("unheard-of", {"y": [2]}),
    ],
)
def test_strategy_decides_how_values_are_merged(strategy: str, expected: Any) -> None:
    strategies = f"parameter_merge_strategies: {{default: {strategy}}}"
    files = {
        "one": f"parameters: {{j: {{x: 1, y: [1]}}}}\n{strategies}",
        "two": f"parameters: {{j: {{y: [2]}}}}\n{strategies}",
    }
    assert merged(files).parameters == {"j": expected}


def test_strategy_of_an_earlier_file_holds_for_later_ones_that_name_none() -> None:
    files = {
        "one": "{parameters: {a: x}, parameter_merge_strategies: {a: merge}}",
        "two": "parameters: {a: y}",
    }
    assert merged(files).parameters == {"a": "xy"}


def test_strategy_that_contradicts_an_earlier_one_is_refused() -> None:
    files = {
        "one": "{parameters: {a: x}, parameter_merge_strategies: {a: merge}}",
        "two": "{parameters: {a: y}, parameter_merge_strategies: {a: overwrite}}",
    }
    with pytest.raises(TemplateError, match="Conflicting merge strategy"):
        merged(files)


def test_explicit_parameters_are_merged_with_those_of_files() -> None:
    files = {"one": "{parameters: {a: y}, parameter_merge_strategies: {a: merge}}"}
    assert merged(files, parameters={"a": "x"}).parameters == {"a": "xy"}


# --- parsed templates -----------------------------------------------------------------------------

PLAIN = {"heat_template_version": "2021-04-16", "description": "x"}


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> ParsedTemplates:
    made = ParsedTemplates()
    monkeypatch.setattr(requests, "_PARSED", made)
    return made


def parsed(template: Any, owner: str = "p", limits: Limits | None = None, **more: Any) -> Any:
    token = OWNER.set(owner)
    try:
        return template_of(StackRequest(template=template, **more), limits or Limits())
    finally:
        OWNER.reset(token)


@pytest.mark.parametrize("template", [PLAIN, "heat_template_version: 2021-04-16\ndescription: x"])
def test_same_template_of_a_project_is_parsed_once(kept: ParsedTemplates, template: Any) -> None:
    again = template if isinstance(template, str) else dict(template)
    assert parsed(template) is parsed(again)


def test_template_is_parsed_for_each_project_and_for_each_way_of_parsing(kept: ParsedTemplates) -> None:
    variants = [
        parsed(PLAIN),
        parsed(PLAIN, "q"),
        parsed(PLAIN, default_version=True),
        parsed(PLAIN, limits=Limits(max_template_size=1000)),
        parsed({**PLAIN, "description": "y"}),
        parsed(dict(reversed(PLAIN.items()))),
    ]
    assert len(set(map(id, variants))) == len(variants)


def test_limits_count_for_a_template_that_is_known_under_others(kept: ParsedTemplates) -> None:
    parsed(PLAIN)
    with pytest.raises(RequestLimitExceeded):
        parsed(PLAIN, limits=Limits(max_template_size=10))


def test_template_that_cannot_be_parsed_is_refused_each_time(kept: ParsedTemplates) -> None:
    for _ in range(2):
        with pytest.raises(TemplateError):
            parsed({"heat_template_version": "never"})


def test_mistakes_are_found_in_a_known_template_too(kept: ParsedTemplates) -> None:
    wrong = {**PLAIN, "resources": {"a": {"type": "T", "nonsense": 1}}}
    first, second = (parsed(wrong).mistakes.ordered() for _ in range(2))
    assert [str(each) for each in first] == [str(each) for each in second] != []


def test_text_with_anchors_and_large_data_are_not_kept(kept: ParsedTemplates) -> None:
    anchored = "heat_template_version: 2021-04-16\ndescription: &a x"
    large = {**PLAIN, "description": "x" * 100_000}
    assert parsed(anchored) is not parsed(anchored)
    assert parsed(large) is not parsed(large)
