"""No input, however mad, does anything but succeed or be refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.engine.definition.desired import Source, load_source
from stackd.engine.planning.ordering import order
from stackd.engine.usecases.requests import check
from stackd.engine.usecases.validate import check as find_all
from stackd.errors import StackdError
from stackd.resources.registry import load_registry
from stackd.settings import Limits
from stackd.template import (
    Template,
    bind_parameters,
    dependencies,
    enabled_resources,
    evaluate,
    load_environment,
    load_template,
    referenced_attributes,
    resolve_conditions,
    validate_static,
)
from stackd.template.template import read_template
from tests.support.templates import hot_text as hot
from tests.template.grammar import DATA, PARAMETERS, templates, values
from tests.template.helpers import IDENTITY, DataScope, template_with

REGISTRY = load_registry()
LIMITS = Limits()
SLOWLY = settings(max_examples=60)
DECLARING = {"heat_template_version": "2021-04-16", "parameters": PARAMETERS}
GOOD = yaml.safe_dump(
    {
        "heat_template_version": "2021-04-16",
        "parameters": PARAMETERS,
        "conditions": {"live": {"equals": [{"get_param": "s"}, "x"]}},
        "resources": {
            "r": {"type": "OS::Heat::Value", "properties": {"value": {"get_param": ["j", "a"]}}},
            "t": {
                "type": "OS::Heat::Value",
                "properties": {"value": {"if": ["live", {"get_attr": ["r", "value"]}, 1]}},
            },
        },
        "outputs": {
            "o": {"value": {"list_join": [",", [{"get_resource": "r"}, {"get_attr": ["t", "value"]}]]}}
        },
    }
)


def go_through(source: Any) -> None:
    """Everything that is done with a template before anything exists."""
    template = load_template(source)
    environment = load_environment(None)
    parameters = bind_parameters(template, environment, IDENTITY)
    assert isinstance(validate_static(template, parameters), list)
    _evaluate_all(template, parameters)
    checked = check(Source(template, environment, {}), IDENTITY, REGISTRY, LIMITS, name="s")
    assert order(checked.desired.requires, [], "now").graph.number_of_nodes() == len(checked.desired.requires)


def _evaluate_all(template: Template, parameters: Any) -> None:
    conditions = resolve_conditions(template, parameters)
    enabled = enabled_resources(template, conditions)
    dependencies(template, conditions)
    referenced_attributes(template, conditions)
    known = {name: name for name in enabled}
    for scope in (
        DataScope(parameters),
        DataScope(parameters, ids=known, attributes={name: {} for name in known}),
    ):
        for definition in enabled.values():
            for part in (definition.properties, definition.metadata, definition.update_policy):
                evaluate(part, scope, template=template)
        for output in template.outputs.values():
            evaluate(output.value, scope, template=template)


def go_through_whole(source: Any) -> None:
    """What finds all mistakes at once, in templates that cannot even be loaded."""
    template = read_template(source)
    found = find_all(Source(template, load_environment(None), {}), REGISTRY)
    told = [*found.refusals, *found.warnings]
    assert all(str(error) for error in told)
    assert told or not template.mistakes.ordered()


def outcome(function: Callable[..., Any], *args: Any) -> str:
    """Why the call was refused, or that it was not; any other exception is a mistake of ours."""
    try:
        function(*args)
    except StackdError as error:
        return str(error)
    return "done"


@SLOWLY
@given(st.text(max_size=60) | st.text("{}[]:,-&*!|>'\"# \nab0~<", max_size=40).map(hot))
def test_text_is_read_or_refused(text: str) -> None:
    assert outcome(go_through, text)
    assert outcome(go_through_whole, text)


@SLOWLY
@given(st.binary(max_size=60))
def test_bytes_are_read_or_refused(raw: bytes) -> None:
    assert outcome(go_through, raw)


@SLOWLY
@given(
    st.dictionaries(st.text(max_size=5), DATA, max_size=4),
    st.dictionaries(
        st.sampled_from(
            ["parameters", "resources", "outputs", "conditions", "parameter_groups", "description"]
        ),
        DATA,
        max_size=3,
    ),
)
def test_data_is_read_or_refused(sections: dict[str, Any], known: dict[str, Any]) -> None:
    data = {"heat_template_version": "2021-04-16", **sections, **known}
    assert outcome(go_through, data)
    assert outcome(go_through_whole, data)


@SLOWLY
@given(st.data())
def test_good_template_that_was_damaged_is_read_or_refused(data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        gone = data.draw(st.integers(0, 6))
        put = data.draw(
            st.sampled_from(["", " ", "\n", ":", "- ", "{", "[", "x", "*a", "&a ", "~", "1", "get_attr"])
        )
        text = text[:at] + put + text[at + gone :]
    assert outcome(go_through, text)
    assert outcome(go_through_whole, text)


@settings(SLOWLY, max_examples=150)
@given(templates())
def test_template_of_random_functions_is_read_or_refused(data: dict[str, Any]) -> None:
    assert outcome(go_through, data)
    assert outcome(go_through_whole, data)


@settings(SLOWLY, max_examples=150)
@given(values(), st.sampled_from(["2021-04-16", "2015-10-15", "2013-05-23"]))
def test_value_of_random_functions_is_evaluated_or_refused(value: Any, version: str) -> None:
    resources = {name: {"type": "OS::Heat::Value"} for name in "rt"}
    conditions = {"conditions": {"yes": True, "no": False}} if version > "2016" else {}
    sections = {"parameters": PARAMETERS, "resources": resources, **conditions}

    def evaluated() -> None:
        template = template_with(value, version, **sections)
        _evaluate_all(template, bind_parameters(template, load_environment(None), IDENTITY))

    assert outcome(evaluated)


@SLOWLY
@given(DATA)
def test_environment_is_read_or_refused(data: Any) -> None:
    for source in (data, {"parameters": data}, {"resource_registry": data}, json.dumps(data)):
        assert outcome(load_source, DECLARING, source, {})


@SLOWLY
@given(st.dictionaries(st.sampled_from([*PARAMETERS]), DATA))
def test_parameters_are_bound_or_refused(chosen: dict[str, Any]) -> None:
    template = load_template(DECLARING)

    def bound() -> None:
        environment = load_environment({"parameters": chosen})
        assert bind_parameters(template, environment, IDENTITY).shown()

    assert outcome(bound)


def test_good_template_is_good() -> None:
    go_through(GOOD)


@pytest.mark.parametrize(
    "text", [GOOD.replace("2021-04-16", version) for version in ("2016-10-14", "2018-08-31")]
)
def test_good_template_is_good_in_other_versions(text: str) -> None:
    go_through(text)
