"""Objects that are found again by names which others may have chosen, too."""

from typing import Any

import pytest

from tests.support.context import FakeContext

KIND = "OS::Neutron::AddressScope"
PATH = "/address-scopes"


def scopes(*identities: str) -> dict[str, Any]:
    return {"address_scopes": [{"id": each, "name": "near"} for each in identities]}


async def test_older_object_of_the_name_is_not_taken_for_the_new_one() -> None:
    ctx = FakeContext(KIND, properties={"name": "near"})
    ctx.cloud.on("GET", PATH, scopes("old"), scopes("old", "new"))
    ctx.cloud.on("POST", PATH, {"address_scope": {"id": "new"}})
    await ctx.type.create(ctx, ctx.props)
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == ["new"]


async def test_what_was_stored_before_a_lost_answer_is_kept() -> None:
    ctx = FakeContext(KIND, properties={"name": "near"}, stored={"older": ["old"]})
    ctx.cloud.on("POST", PATH, {"address_scope": {"id": "new"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.asked("GET") == []


async def test_nothing_is_searched_where_nothing_was_asked_for() -> None:
    ctx = FakeContext(KIND, properties={"name": "near"})
    assert await ctx.type.find(ctx, ctx.props) == ()
    assert ctx.cloud.calls == []


@pytest.mark.parametrize("kind", [KIND, "OS::Neutron::MeteringLabel"])
async def test_name_that_nobody_else_would_choose_costs_no_search(kind: str) -> None:
    ctx = FakeContext(kind)
    entity = ctx.type.entity
    ctx.cloud.on("POST", entity.path, {entity.key: {"id": "new"}})
    ctx.cloud.on("GET", entity.path, {entity.plural: [{"id": "new", "name": ctx.physical_name}]})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.asked("GET") == []
    assert [each["id"] for each in await ctx.type.find(ctx, ctx.props)] == ["new"]
