"""Answers about broken templates: all mistakes at once, whatever is asked of the template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.routers.conftest import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = {
    path.name: path.read_text() for path in (Path(__file__).parents[1] / "template" / "broken").glob("*.yaml")
}

# The first of the mistakes: its type in a validation and else, place, path, and the end of its message.
FIRST: dict[str, tuple[str, str, tuple[str, int, int], str, str]] = {
    "misspelt-property.yaml": (
        "HTTPBadRequest",
        "StackValidationFailed",
        ("template", 6, 7),
        "resources.password.properties.lenght",
        "Property error: resources.password.properties: Unknown Property lenght",
    ),
    "wrong-type.yaml": (
        "HTTPBadRequest",
        "StackValidationFailed",
        ("template", 8, 11),
        "resources.network.type",
        "The Resource Type (OS::Neutron::Network) could not be found.",
    ),
    "circle.yaml": (
        "CircularDependencyException",
        "CircularDependencyException",
        ("template", 3, 3),
        "resources.first",
        "Circular Dependency Found: {first -> second -> third -> first}",
    ),
    "bad-condition.yaml": (
        "HTTPBadRequest",
        "StackValidationFailed",
        ("template", 5, 13),
        "conditions.is_large",
        'Condition validation error: The definition of condition "is_large" is invalid: '
        "{'equal': [{'get_param': 'size'}, 'large']}",
    ),
    "bad-constraint.yaml": (
        "InvalidSchemaError",
        "InvalidSchemaError",
        ("template", 6, 9),
        "parameters.name.constraints[0]",
        "Range constraint invalid for string",
    ),
    "unknown-attribute.yaml": (
        "HTTPBadRequest",
        "StackValidationFailed",
        ("template", 8, 32),
        "resources.shown.properties.value.get_attr",
        "resources.shown.properties.value.get_attr: The Referenced Attribute (word valeu) is incorrect.",
    ),
    "many.yaml": (
        "HTTPBadRequest",
        "StackValidationFailed",
        ("template", 2, 1),
        "paramters",
        "The template section is invalid: paramters",
    ),
}


# Those whose message names a place or a kind of error.
WITH_PLACE = {"misspelt-property.yaml", "bad-condition.yaml", "unknown-attribute.yaml"}


async def refusal(api: Api, path: str, name: str) -> dict[str, Any]:
    body = {"stack_name": "broken", "template": FILES[name], "files": FILES}
    answer = await api.call("POST", path, body)
    assert answer.status_code == 400, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return error


@pytest.mark.parametrize("name", FIRST)
async def test_first_mistake_is_the_answer_and_the_others_are_listed(api: Api, name: str) -> None:
    validated, else_, place, where, message = FIRST[name]
    for path, kind in (("/validate", validated), ("/stacks", else_), ("/stacks/preview", else_)):
        error = await refusal(api, path, name)
        first = error["errors"][0]
        assert (error["type"], error["path"]) == (kind, where)
        # Heat's messages have doubled colons around places, but for those of a validation.
        places = error["message"].replace(": : ", ": ")
        assert places.endswith(message)
        doubled = name in WITH_PLACE and path != "/validate"
        assert (places != error["message"]) == doubled
        assert (first["file"], first["line"], first["column"]) == place
        assert tuple(error["place"].values()) == place
        assert (first["type"], first["message"], first["path"]) == (else_, places, where)
        assert all(each["remedy"] and each["line"] for each in error["errors"])


async def test_update_tells_all_mistakes_too(api: Api) -> None:
    path = await api.create("fine", {"heat_template_version": "2021-04-16"})
    answer = await api.call("PUT", path, {"template": FILES["many.yaml"]})
    assert answer.status_code == 400
    assert len(answer.json()["error"]["errors"]) == 9


async def test_mistakes_in_nested_templates_name_their_files(api: Api) -> None:
    for path in ("/stacks", "/stacks/preview"):
        error = await refusal(api, path, "nested.yaml")
        told = [(each["file"], each["line"], each["column"]) for each in error["errors"]]
        assert told == [("nested-inner.yaml", 6, 15), ("nested-inner.yaml", 9, 31)]
    shown = await api.call("POST", "/validate", {"template": FILES["nested.yaml"], "files": FILES})
    assert shown.status_code == 200
    assert [each["line"] for each in shown.json()["errors"]] == [6, 9]


async def test_mistakes_in_values_and_repeated_keys_stand_beside_a_good_answer(api: Api) -> None:
    body = {"template": FILES["repeated-key.yaml"].replace("9", "9000")}
    shown = (await api.call("POST", "/validate", body)).json()
    assert shown["Description"] == "No description"
    [error], [warning] = shown["errors"], shown["warnings"]
    assert (error["path"], error["value"]) == ("resources.word.properties.length", 9000)
    assert warning == {
        "message": "The key 'length' is repeated; the last one counts.",
        "path": "resources.word.properties.length",
        "file": "template",
        "line": 7,
        "column": 7,
        "value": "length",
        "remedy": "Keep one of them.",
    }


@pytest.mark.parametrize("path", ["/validate", "/stacks"])
@pytest.mark.parametrize(
    ("body", "message", "place"),
    [
        (
            {"template": "a: [b"},
            "Template not in valid format: Error parsing template [root stack] ",
            ("template", 1, 4),
        ),
        (
            {"template": "- a"},
            "Template not in valid format: The template is not a JSON object or YAML mapping.",
            ("template", 1, 1),
        ),
        (
            {"template": "a: 1"},
            "Template not in valid format: Template format version not found.",
            ("template", 1, 1),
        ),
        (
            {"template": "heat_template_version: rocky", "environment": "a: 1\nnope: 1"},
            'Environment not in valid format: environment has wrong section "a"',
            ("environment", 1, 1),
        ),
    ],
)
async def test_texts_that_cannot_be_read_are_shown_where_they_go_wrong(
    api: Api, path: str, body: dict[str, Any], message: str, place: tuple[str, int, int]
) -> None:
    answer = await api.call("POST", path, {"stack_name": "unreadable", **body})
    error = answer.json()["error"]
    assert (answer.status_code, error["type"]) == (400, "HTTPBadRequest")
    assert error["message"].startswith(message)
    assert tuple(error["place"].values()) == place


async def test_errors_beyond_a_hundred_are_counted(api: Api) -> None:
    resources = {f"r{number}": {"type": "OS::Heat::Value", "wrong": 1} for number in range(130)}
    template = {"heat_template_version": "2021-04-16", "resources": resources}
    answer = await api.call("POST", "/stacks", {"stack_name": "wrong", "template": template})
    error = answer.json()["error"]
    assert (len(error["errors"]), error["omitted_errors"]) == (100, 160)


async def test_nested_parameters_are_shown_for_every_level(api: Api) -> None:
    inner = "heat_template_version: rocky\ndescription: inner\nparameters:\n  a: {type: number, default: 1}\n"
    middle = (
        "heat_template_version: rocky\nparameters:\n  p: {type: string}\nresources:\n"
        "  g: {type: OS::Heat::ResourceGroup, properties: {count: 2, resource_def: {type: inner.yaml}}}\n"
    )
    resources = {"m": {"type": "middle.yaml", "properties": {"p": "x"}}}
    body = {
        "template": {"heat_template_version": "rocky", "resources": resources},
        "files": {"middle.yaml": middle, "inner.yaml": inner},
    }
    shown = (await api.call("POST", "/validate?show_nested=true", body)).json()["NestedParameters"]
    assert set(shown) == {"m"}
    assert (shown["m"]["Type"], list(shown["m"]["Parameters"])) == ("middle.yaml", ["p"])
    group = shown["m"]["NestedParameters"]["g"]
    assert (group["Type"], group["Description"]) == ("OS::Heat::ResourceGroup", "No description")
    assert group["Parameters"] == {}
    assert set(group["NestedParameters"]) == {"0", "1"}
    assert group["NestedParameters"]["0"]["Description"] == "inner"
    assert group["NestedParameters"]["0"]["Parameters"]["a"]["Default"] == 1
    plain = (await api.call("POST", "/validate", body)).json()
    assert "NestedParameters" not in plain
