import subprocess
from typing import Any

import pytest
import yaml

from stackd.errors import InvalidTemplateAttribute, PropertyError
from stackd.resources.base import Members
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

KIND = "AWS::RDS::DBInstance"
NEEDED = {
    "AllocatedStorage": "5",
    "DBInstanceClass": "db.m1.small",
    "DBName": "blog",
    "Engine": "MySQL",
    "MasterUsername": "writer",
    "MasterUserPassword": "pw",
}
NOBODY = Members({}, {}, {"Endpoint.Port": "3306"}, lambda name, path: None)


def database(**properties: Any) -> FakeContext:
    return FakeContext(KIND, properties=NEEDED | properties)


def child_of(ctx: FakeContext) -> Any:
    return ctx.type.child(ctx.resource, ctx.props, NOBODY, {})


def test_stack_inside_gets_its_parameters() -> None:
    assert child_of(database()).parameters == {
        "DBName": "blog",
        "MasterUsername": "writer",
        "MasterUserPassword": "pw",
        "Flavor": "m1.small",
    }
    more = {"DBSecurityGroups": ["a", "b"], "Port": "3307", "KeyName": "key", "DBInstanceClass": "my.flavor"}
    given = child_of(database(**more)).parameters
    assert (given["DBSecurityGroups"], given["Port"], given["KeyName"], given["Flavor"]) == (
        "a,b",
        "3307",
        "key",
        "my.flavor",
    )


@pytest.mark.parametrize(
    ("password", "quoted"), [("a'b", "a''b"), ("a\\b", "a\\\\b"), ("a'\\'b", "a''\\\\''b")]
)
def test_password_cannot_end_the_statement_that_it_stands_in(password: str, quoted: str) -> None:
    assert child_of(database(MasterUserPassword=password)).parameters["MasterUserPassword"] == quoted


def test_guest_runs_a_script_that_a_shell_can_read() -> None:
    template = yaml.safe_load(child_of(database()).template)
    data = template["resources"]["instance"]["properties"]["UserData"]["str_replace"]
    text = data["template"]
    for name in data["params"]:
        assert name in text
        text = text.replace(name, "x")
    subprocess.run(["bash", "-n"], input=text, text=True, check=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DBName", "a`; DROP DATABASE b"),
        ("DBName", "1st"),
        ("MasterUsername", "o'neill"),
        ("MasterUserPassword", "two\nlines"),
        ("Port", "http"),
        ("Port", "70000"),
    ],
)
def test_what_no_statement_can_have_is_refused_and_not_shown(name: str, value: str) -> None:
    ctx = database(**{name: value})
    with pytest.raises(PropertyError) as caught:
        ctx.type.validate(ctx.props)
    assert caught.value.path == f"properties.{name}"
    assert name == "Port" or value not in str(caught.value)


def test_what_is_not_known_is_not_judged() -> None:
    ctx = database()
    props = ctx.type.properties.wrap({**NEEDED, "DBName": Unknown("x"), "DBInstanceClass": Unknown("y")})
    ctx.type.validate(props)
    assert ctx.type.child(ctx.resource, props, NOBODY, {}).parameters["Flavor"] == Unknown("y")


def test_only_where_it_is_can_be_read() -> None:
    ctx = database()
    assert ctx.type.read(ctx.resource, "Endpoint.Port", (), NOBODY) == "3306"
    with pytest.raises(InvalidTemplateAttribute):
        ctx.type.read(ctx.resource, "Other", (), NOBODY)
