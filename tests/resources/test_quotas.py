from typing import Any

import pytest

from stackd.errors import CloudError, PropertyError, ResourceFailure
from tests.support.context import FakeContext

CINDER, NOVA = "OS::Cinder::Quota", "OS::Nova::Quota"
PATH = "/os-quota-sets/p"
USED = {"quota_set": {"volumes": {"limit": 10, "in_use": 3, "reserved": 0}, "backups": {"in_use": 0}}}


def quota(kind: str, physical: str | None = "p", **limits: int) -> FakeContext:
    return FakeContext(kind, physical=physical, properties={"project": "p", **limits})


async def test_quotas_are_set_with_the_version_that_knows_them_all() -> None:
    ctx = quota(NOVA, None, cores=3, floating_ips=0, injected_files=-1)
    ctx.cloud.on("PUT", PATH, {})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [{"quota_set": {"cores": 3, "floating_ips": 0, "injected_files": -1}}]
    assert (ctx.cloud.calls[0].microversion, ctx.physical_id) == ("2.35", "p")


async def test_update_sets_what_differs_and_leaves_what_is_left_out() -> None:
    ctx = quota(NOVA, cores=3, ram=512)
    ctx.cloud.on("PUT", PATH, {}).on("DELETE", PATH)
    await ctx.type.update(ctx, ctx.props, ctx.load({"project": "p", "cores": 4}))
    await ctx.type.update(ctx, ctx.props, ctx.load({"project": "p", "cores": 3}))
    await ctx.type.delete(ctx, ctx.props)
    assert [call.body for call in ctx.cloud.calls] == [{"quota_set": {"cores": 4}}, None]


@pytest.mark.parametrize("limits", [{"volumes": 3}, {"volumes": -1}, {"volumes": 9, "backups": 0}])
async def test_limits_of_storage_that_suffice(limits: Any) -> None:
    ctx = quota(CINDER, None, **limits)
    ctx.cloud.on("GET", PATH, USED).on("PUT", PATH, {})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.calls[0].params == {"usage": True}
    assert ctx.cloud.sent("PUT") == [{"quota_set": limits}]


async def test_limit_below_what_is_in_use_is_refused_and_nothing_is_set() -> None:
    ctx = quota(CINDER, None, volumes=2, backups=1)
    ctx.cloud.on("GET", PATH, USED)
    with pytest.raises(ResourceFailure, match="volumes is 2, but 3 are in use"):
        await ctx.type.create(ctx, ctx.props)
    assert ctx.resource.physical_id is None


async def test_refusal_of_the_service_leaves_no_quotas_to_reset() -> None:
    ctx = quota(NOVA, None, cores=1)
    ctx.cloud.on("PUT", PATH, CloudError("already used", status=400))
    with pytest.raises(CloudError, match="already used"):
        await ctx.type.create(ctx, ctx.props)
    assert ctx.resource.physical_id is None


@pytest.mark.parametrize("kind", [CINDER, NOVA])
def test_there_is_something_to_set(kind: str) -> None:
    ctx = quota(kind)
    with pytest.raises(PropertyError, match="At least one of the following properties"):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize(("cores", "found"), [(3, [{"id": "p"}]), (4, [])])
async def test_quotas_whose_answer_was_lost_are_found_by_their_values(cores: int, found: Any) -> None:
    ctx = quota(NOVA, None, cores=3)
    ctx.cloud.on("GET", PATH, {"quota_set": {"id": "p", "cores": cores, "ram": 1}})
    assert await ctx.type.find(ctx, ctx.props) == found


def test_quotas_are_seen_to_drift_and_kept_when_their_resource_failed() -> None:
    ctx = quota(NOVA, cores=3, floating_ips=2)
    assert ctx.type.observed(ctx.props, {"id": "p", "cores": 5}) == {"cores": (3, 5)}
    assert not ctx.type.broken({"id": "p"})
