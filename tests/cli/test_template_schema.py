"""`stackd template schema`: it takes good templates, and points at what is wrong with bad ones."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from stackd.cli.main import cli
from stackd.resources.json_schema import property_schema
from stackd.resources.property_schema import PropertySchema, convert
from stackd.resources.registry import Registry, load_registry
from stackd.template.parse import parse_text
from stackd.template.versions import VERSIONS

ROOT = Path(__file__).parents[2]
EDITOR = ROOT / "tests/template/editor"
GOOD = sorted([*EDITOR.glob("good/**/*.yaml"), *ROOT.glob("examples/**/*.yaml")])
BAD = sorted(EDITOR.glob("bad/*.yaml"))
ENVIRONMENTS = sorted(EDITOR.glob("environments/*.yaml"))
BAD_ENVIRONMENTS = {
    "$.parameters": {"parameters": None},
    "$": {"parameter": {"a": "b"}},
    "$.resource_registry['My::Type']": {"resource_registry": {"My::Type": ["a.yaml"]}},
    "$.resource_registry.resources.web.hooks": {
        "resource_registry": {"resources": {"web": {"hooks": "pre-creation"}}}
    },
    "$.resource_registry.resources.web.restricted_actions[1]": {
        "resource_registry": {"resources": {"web": {"restricted_actions": ["update", "delete"]}}}
    },
    "$.encrypted_param_names": {"encrypted_param_names": "password"},
    "$.parameter_merge_strategies.a": {"parameter_merge_strategies": {"a": "append"}},
}


@cache
def validator(*options: str) -> Draft7Validator:
    result = CliRunner().invoke(cli, ["template", "schema", *options])
    assert result.exit_code == 0, result.output
    return Draft7Validator(json.loads(result.stdout))


@cache
def registry() -> Registry:
    return load_registry()


def fault(text: str) -> str | None:
    """The JSON path of what the schema says is wrong with a template."""
    options = ("--cfn",) if "FormatVersion" in text else ()
    found = best_match(validator(*options).iter_errors(parse_text(text).data))
    return None if found is None else str(found.json_path)


def validated(file: Path) -> Any:
    environment = EDITOR / "environments" / file.name
    options = ["-e", str(environment)] if environment.exists() else []
    return CliRunner().invoke(cli, ["template", "validate", str(file), *options])


@pytest.mark.parametrize("options", [(), ("--cfn",), ("--environment",)])
def test_schema_is_one(options: tuple[str, ...]) -> None:
    schema = validator(*options).schema
    Draft7Validator.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("options", [(), ("--cfn",), ("--environment",)])
def test_no_definition_is_the_list_of_itself(options: tuple[str, ...]) -> None:
    # Language servers follow items and references without end when they look for defaults.
    definitions = validator(*options).schema["definitions"]
    for name in definitions:
        seen: set[str] = set()
        schema = definitions[name]
        while isinstance(schema, dict) and ("$ref" in schema or "items" in schema):
            schema = schema.get("items", schema)
            if isinstance(schema, dict) and (reference := schema.get("$ref")) is not None:
                target = reference.removeprefix("#/definitions/")
                assert target not in seen, (name, target)
                seen.add(target)
                schema = definitions[target]


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.stem)
def test_good_template_is_good_for_editor_and_engine(file: Path) -> None:
    assert fault(file.read_text()) is None
    result = validated(file)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_fault_is_found_where_it_is_and_engine_refuses_it(file: Path) -> None:
    text = file.read_text()
    assert fault(text) == text.splitlines()[0].removeprefix("# fault: ")
    assert validated(file).exit_code == 1


def test_good_templates_have_every_version_and_every_type() -> None:
    documents = [parse_text(file.read_text()).data for file in GOOD]
    keys = ("heat_template_version", "AWSTemplateFormatVersion", "HeatTemplateFormatVersion")
    spelt = {(key, str(data[key])) for data in documents for key in keys if key in data}
    missing = [
        version.name
        for version in VERSIONS.values()
        if not any((version.key, name) in spelt for name in (version.date, *version.aliases))
    ]
    assert missing == []
    resources = [
        body for data in documents for body in (data.get("resources") or data.get("Resources") or {}).values()
    ]
    used = {body.get("type") or body.get("Type") for body in resources}
    wanted = {f"{family}::{name}" for family, names in FIRST_WAVE.items() for name in names}
    assert sorted(wanted - used) == []


FIRST_WAVE = {
    "OS::Cinder": (
        "Volume",
        "VolumeAttachment",
    ),
    "OS::Glance": ("WebImage",),
    "OS::Heat": (
        "None",
        "RandomString",
        "ResourceGroup",
        "TestResource",
        "Value",
        "WaitCondition",
        "WaitConditionHandle",
    ),
    "OS::Keystone": (
        "Domain",
        "Group",
        "GroupRoleAssignment",
        "Project",
        "Role",
        "User",
        "UserRoleAssignment",
    ),
    "OS::Neutron": (
        "FloatingIP",
        "FloatingIPAssociation",
        "Net",
        "Port",
        "Router",
        "RouterInterface",
        "SecurityGroup",
        "SecurityGroupRule",
        "Subnet",
    ),
    "OS::Nova": (
        "Flavor",
        "KeyPair",
        "Server",
        "ServerGroup",
    ),
    "OS::Swift": ("Container",),
}


def test_every_listed_type_has_its_properties_in_the_schema() -> None:
    definitions = validator().schema["definitions"]
    for name in registry().matching():
        kind = registry().types[name]
        if not kind.any_properties:
            assert set(definitions[name]["properties"]) == set(kind.properties.schema)


@pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.stem)
def test_good_environment(file: Path) -> None:
    assert best_match(validator("--environment").iter_errors(parse_text(file.read_text()).data)) is None


@pytest.mark.parametrize("path", BAD_ENVIRONMENTS)
def test_fault_in_environment_is_found_where_it_is(path: str) -> None:
    found = best_match(validator("--environment").iter_errors(BAD_ENVIRONMENTS[path]))
    assert found is not None
    assert found.json_path == path


def test_old_name_satisfies_what_is_required_of_the_new_one() -> None:
    text = "heat_template_version: 2018-08-31\nresources: {p: {type: OS::Neutron::Port, properties: {%s: n}}}"
    assert [fault(text % name) for name in ("network", "network_id", "name")] == [
        None,
        None,
        "$.resources.p.properties",
    ]


SAMPLES: tuple[Any, ...] = (
    "", "a", "1", "true", "False", "IPv4", "tcp", "6", 0, 1, 4, 6, 80, 70000, -1, True, False, None,
    [], ["a"], [1], [{}], {}, {"a": "b"}, {"get_param": "x"},
)  # fmt: skip


@pytest.mark.parametrize("name", list(load_registry().matching()))
def test_schema_takes_whatever_the_engine_takes(name: str) -> None:
    definitions = validator().schema["definitions"]
    for schema in registry().get(name).properties.schema.values():
        taken = Draft7Validator({**property_schema(schema), "definitions": definitions})
        for value in SAMPLES:
            is_odd = isinstance(value, bool) and schema.type in ("integer", "number")  # yes: 1 is meant
            if _accepted(schema, value) and not is_odd:
                assert taken.is_valid(value), (schema.name, value)


def _accepted(schema: PropertySchema, value: Any) -> bool:
    errors: list[Any] = []
    convert(schema, value, schema.name, errors)
    return not errors and (schema.implemented or value is None)


def test_environment_and_dialect_exclude_each_other() -> None:
    assert CliRunner().invoke(cli, ["template", "schema", "--environment", "--cfn"]).exit_code == 2
