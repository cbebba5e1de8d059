import pytest

from stackd.resources.heat.access import may_read
from tests.support.context import make_resource

POLICY, USER = "OS::Heat::AccessPolicy", "AWS::IAM::User"
ROWS = [
    make_resource("server", "OS::Nova::Server", data={"stack_user": {"user_id": "s"}}),
    make_resource("older", "OS::Nova::Server", data={"user_id": "o"}),
    make_resource("anything", USER, data={"stack_user": {"user_id": "any"}}),
    make_resource("some", USER, data={"stack_user": {"user_id": "u"}}, properties={"Policies": ["one"]}),
    make_resource(
        "both", USER, data={"stack_user": {"user_id": "b"}}, properties={"Policies": ["one", "two"]}
    ),
    make_resource("lost", USER, data={"stack_user": {"user_id": "l"}}, properties={"Policies": ["gone"]}),
    make_resource("one", POLICY, properties={"AllowedResources": ["server", "older"]}),
    make_resource("two", POLICY, properties={"AllowedResources": ["older"]}),
    make_resource("keys", "AWS::IAM::AccessKey"),
]


@pytest.mark.parametrize(
    ("user", "readable"),
    [
        ("s", {"server"}),
        ("o", {"older"}),
        ("any", {row.name for row in ROWS}),
        ("u", {"server", "older"}),
        ("b", {"older"}),
        ("l", set()),
        ("stranger", set()),
    ],
)
def test_users_read_what_they_may(user: str, readable: set[str]) -> None:
    assert {row.name for row in ROWS if may_read(ROWS, user, row.name)} == readable
