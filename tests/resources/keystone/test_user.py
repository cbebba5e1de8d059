from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, gone

KIND = "OS::Keystone::User"
MEMBER = {"role": "member", "project": "p1"}


async def updated(ctx: FakeContext, old: Any, new: Any) -> Any:
    await ctx.type.update(ctx, ctx.load(old), ctx.load(new))
    return ctx.cloud


async def test_user_is_made_before_groups_and_roles() -> None:
    properties = {"password": "pa55", "default_project": "p1", "groups": ["g1"], "roles": [MEMBER]}
    ctx = FakeContext(KIND, properties=properties)
    ctx.cloud.on("POST", "/users", {"user": {"id": "u1"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.physical_id == "u1"
    assert ctx.cloud.sent("POST")[0]["user"] == {
        "name": ctx.physical_name,
        "stackd_resource": "thing-uuid",
        "domain_id": "default",
        "enabled": True,
        "password": "pa55",
        "default_project_id": "p1",
    }


async def test_user_joins_groups_and_receives_roles() -> None:
    roles = [MEMBER, {"role": "admin", "domain": "d1"}, MEMBER]
    ctx = FakeContext(KIND, physical="u1", properties={"groups": ["g1", "g1"], "roles": roles})
    wanted = [
        "/groups/g1/users/u1",
        "/projects/p1/users/u1/roles/member",
        "/domains/d1/users/u1/roles/admin",
    ]
    for path in wanted:
        ctx.cloud.on("PUT", path)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.asked() == [("PUT", path) for path in wanted]


async def test_update_exchanges_groups_and_roles() -> None:
    ctx = FakeContext(KIND, physical="u1")
    ctx.cloud.on("DELETE", "/groups/g1/users/u1").on("PUT", "/groups/g2/users/u1")
    ctx.cloud.on("DELETE", "/projects/p1/users/u1/roles/member", gone())
    cloud = await updated(ctx, {"groups": ["g1"], "roles": [MEMBER]}, {"groups": ["g2"]})
    assert cloud.asked() == [
        ("DELETE", "/groups/g1/users/u1"),
        ("DELETE", "/projects/p1/users/u1/roles/member"),
        ("PUT", "/groups/g2/users/u1"),
    ]


async def test_removed_password_stays_and_removed_project_is_cleared() -> None:
    ctx = FakeContext(KIND, physical="u1")
    ctx.cloud.on("PATCH", "/users/u1", {})
    old = {"password": "pa55", "default_project": "p1", "email": "a@b.test"}
    cloud = await updated(ctx, old, {})
    assert cloud.sent("PATCH") == [{"user": {"default_project_id": None, "email": None}}]


async def test_changed_password_is_sent() -> None:
    ctx = FakeContext(KIND, physical="u1")
    ctx.cloud.on("PATCH", "/users/u1", {})
    cloud = await updated(ctx, {"password": "old"}, {"password": "new"})
    assert cloud.sent("PATCH") == [{"user": {"password": "new"}}]


@pytest.mark.parametrize(
    ("grant", "complaint"),
    [
        ({"role": "r"}, "Either project or domain must be specified for role r"),
        ({"role": "r", "project": "p", "domain": Unknown("d")}, "at the same time: project, domain"),
    ],
)
@pytest.mark.parametrize(
    "kind",
    [
        "OS::Keystone::User",
        "OS::Keystone::Group",
        "OS::Keystone::UserRoleAssignment",
        "OS::Keystone::GroupRoleAssignment",
    ],
)
def test_role_needs_project_or_domain(kind: Any, grant: Any, complaint: Any) -> None:
    holder = {"user": "u"} if "UserRole" in kind else {"group": "g"} if "GroupRole" in kind else {}
    ctx = FakeContext(kind, properties={**holder, "roles": [Unknown("value"), grant]})
    with pytest.raises(PropertyError, match=complaint):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize("roles", [Unknown("list"), None, [{"role": "r", "project": Unknown("p")}]])
def test_roles_that_may_fit_are_accepted(roles: Any) -> None:
    ctx = FakeContext(KIND, properties={"roles": roles})
    assert ctx.type.validate(ctx.props) is None
