from typing import Any

import pytest

from stackd.errors import PropertyError, ResourceFailure
from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, among, followed, make_resource

USER, KEY = "AWS::IAM::User", "AWS::IAM::AccessKey"


@pytest.mark.parametrize(("login", "password"), [({}, "pa55"), ({"LoginProfile": {"Password": "pw"}}, "pw")])
async def test_user_is_one_of_the_stack_domain(login: Any, password: str) -> None:
    ctx = FakeContext(USER, properties={"Path": "/", "Groups": ["g"], **login})
    assert ctx.type.reference(ctx.resource) == "thing"
    await ctx.type.create(ctx, ctx.props)
    assert ctx.users.own is not None
    assert (ctx.physical_id, ctx.users.own.password) == ("user-id", password)
    assert ctx.type.reference(ctx.resource) == ctx.physical_name
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.users.own is None


POLICIES = among(Sibling("policy", "OS::Heat::AccessPolicy", {}), Sibling("other", "OS::Heat::None", {}))


@pytest.mark.parametrize("policy", ["policy", Unknown("policy"), Unknown("")])
def test_policies_are_resources_of_the_stack(policy: Any) -> None:
    ctx = FakeContext(USER)
    ctx.type.validate_among(ctx.type.properties.wrap({"Policies": [policy]}), POLICIES)


@pytest.mark.parametrize("policy", ["missing", "other", Unknown("other"), {"PolicyName": "inline"}])
def test_other_policies_are_refused(policy: Any) -> None:
    ctx = FakeContext(USER)
    props = ctx.type.properties.wrap({"Policies": ["policy", policy]})
    with pytest.raises(PropertyError, match="no access policy") as caught:
        ctx.type.validate_among(props, POLICIES)
    assert caught.value.path == "properties.Policies[1]"


OWNER = make_resource("user", USER, physical_id="user-id", data={"stack_user_name": "app-user-x"})


async def test_key_pair_is_one_of_the_user() -> None:
    ctx = FakeContext(KEY, properties={"UserName": "app-user-x"}, siblings=[OWNER])
    assert await ctx.attribute("SecretAccessKey") == "000-000-000"
    await ctx.type.create(ctx, ctx.props)
    assert (ctx.physical_id, set(ctx.users.keypairs)) == ("access", {"user"})
    assert ctx.type.reference(ctx.resource) == "access"
    assert await ctx.attribute("SecretAccessKey") == "secret"
    assert await ctx.attribute("UserName") == "app-user-x"
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.users.keypairs == {}


@pytest.mark.parametrize("siblings", [[], [make_resource("user", "OS::Nova::Server")]])
async def test_user_of_a_key_pair_must_be_in_the_stack(siblings: Any) -> None:
    ctx = FakeContext(KEY, properties={"UserName": "user"}, siblings=siblings)
    with pytest.raises(ResourceFailure, match="'user' is no user of the stack"):
        await ctx.type.create(ctx, ctx.props)


def test_key_pair_comes_after_a_user_that_is_given_by_its_name() -> None:
    ctx = FakeContext(KEY)
    siblings = among(Sibling("user", USER, {}), Sibling("other", "OS::Heat::None", {}))
    assert followed(ctx, ctx.type.properties.wrap({"UserName": "user"}), siblings) == {"user"}
