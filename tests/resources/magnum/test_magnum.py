"""Cluster templates and clusters: what they send, wait for and refuse."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import CloudNotFound, PropertyError, ResourceFailure, ResourceInError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, gone

TEMPLATE, CLUSTER = "OS::Magnum::ClusterTemplate", "OS::Magnum::Cluster"
NAME = "app-thing-abcdefghijkl"
NEEDED = {"image": "i", "coe": "kubernetes", "external_network": "n"}
DEFAULTS = {
    "docker_storage_driver": "devicemapper", "tls_disabled": False, "public": False, "server_type": "vm",
    "registry_enabled": False, "master_lb_enabled": True, "floating_ip_enabled": True,
}  # fmt: skip
OF = {"cluster_template": "t"}
DONE = {"uuid": "c1", "status": "CREATE_COMPLETE", "node_count": 1, "create_timeout": 60, "updated_at": "1"}


# --- templates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [TEMPLATE, "OS::Magnum::BayModel"])
async def test_template_lives(kind: str) -> None:
    given = NEEDED | {"flavor": "f", "master_flavor": "g", "keypair": "k", "labels": {"a": "b"}}
    ctx = FakeContext(kind, properties=given)
    ctx.type.validate(ctx.props)
    ctx.cloud.on("POST", "/clustertemplates", {"uuid": "t1", "name": NAME})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        DEFAULTS
        | {"name": NAME, "image_id": "i", "coe": "kubernetes", "external_network_id": "n", "flavor_id": "f"}
        | {"master_flavor_id": "g", "keypair_id": "k", "labels": {"a": "b"}}
    ]
    assert ctx.physical_id == ctx.type.reference(ctx.resource) == "t1"
    path = "/clustertemplates/t1"
    ctx.cloud.on("PATCH", path).on("DELETE", path)
    await ctx.type.update(ctx, ctx.props, ctx.load(given | {"public": True}))
    assert ctx.cloud.sent("PATCH") == [[{"op": "replace", "path": "/public", "value": True}]]
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked("DELETE") == [("DELETE", path)]


async def test_template_is_found_in_a_list_without_a_filter() -> None:
    ctx = FakeContext(TEMPLATE, properties=NEEDED)
    ours = {"uuid": "t1", "name": NAME}
    ctx.cloud.on("GET", "/clustertemplates", {"clustertemplates": [ours, {"uuid": "t2", "name": "n"}]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]
    assert ctx.cloud.calls[0].params == {}


def test_template_is_compared_by_what_it_shows() -> None:
    ctx = FakeContext(TEMPLATE, properties=NEEDED)
    seen = ctx.type.observed(ctx.props, {"image_id": "i", "coe": "kubernetes", "public": True})
    assert seen == {
        "image": ("i", "i"),
        "coe": ("kubernetes", "kubernetes"),
        "public": (False, True),
    }


def test_template_of_which_a_change_was_refused_stays() -> None:
    assert not FakeContext(TEMPLATE).type.broken({"uuid": "t1"})


@pytest.mark.parametrize(
    ("engine", "driver", "remedy"),
    [("kubernetes", "rexray", "cinder"), ("swarm", "cinder", "rexray"), ("mesos", "cinder", "rexray")],
)
def test_engine_works_with_one_driver_of_volumes(engine: str, driver: str, remedy: str) -> None:
    ctx = FakeContext(TEMPLATE, properties=NEEDED | {"coe": engine, "volume_driver": driver})
    with pytest.raises(PropertyError, match=f"{driver} does not work with {engine}") as refused:
        ctx.type.validate(ctx.props)
    assert remedy in str(refused.value.remedy)


@pytest.mark.parametrize(
    "given",
    [
        {"volume_driver": "cinder"},
        {"coe": "swarm", "volume_driver": "rexray"},
        {"coe": Unknown("c"), "volume_driver": "rexray"},
        {"volume_driver": Unknown("v")},
    ],
)
def test_what_goes_together(given: dict[str, Any]) -> None:
    ctx = FakeContext(TEMPLATE, properties=NEEDED | given)
    assert ctx.type.validate(ctx.props) is None


def test_former_name_is_taken_over_but_not_taken_back() -> None:
    assert FakeContext(TEMPLATE).type.former_names == ("OS::Magnum::BayModel",)
    assert FakeContext("OS::Magnum::BayModel").type.former_names == ()


async def test_bay_takes_anything_and_does_nothing() -> None:
    ctx = FakeContext("OS::Magnum::Bay", properties={})
    await ctx.type.create(ctx, ctx.props)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.type.any_properties
    assert ctx.type.reference(ctx.resource) == ctx.physical_id
    assert ctx.cloud.calls == []


# --- clusters -------------------------------------------------------------------------------------------


async def test_cluster_is_asked_for_and_waited_for_until_it_is_shown() -> None:
    ctx = FakeContext(CLUSTER, properties=OF | {"keypair": "k", "node_count": 2})
    ctx.cloud.on("POST", "/clusters", {"uuid": "c1"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {"name": NAME, "cluster_template_id": "t", "keypair": "k", "node_count": 2, "master_count": 1}
        | {"create_timeout": 60}
    ]
    ctx.cloud.on("GET", "/clusters/c1", gone(), gone(), {"status": "CREATE_IN_PROGRESS"}, DONE)
    await ctx.type.configure(ctx, ctx.props)
    assert (ctx.slept, ctx.data) == ([0.1, 0.2], {"shown": True})
    assert not ctx.type.ready(await ctx.live())
    assert ctx.type.ready(await ctx.live(fresh=True))


async def test_cluster_that_never_comes_is_a_failure() -> None:
    ctx = FakeContext(CLUSTER, properties=OF, physical="c1")
    ctx.cloud.on("GET", "/clusters/c1", gone())
    with pytest.raises(ResourceFailure, match="took a request for the cluster c1, but has none"):
        await ctx.type.configure(ctx, ctx.props)
    assert 60 < sum(ctx.slept) < 70


async def test_cluster_whose_answer_was_lost_is_looked_for_twice() -> None:
    ctx = FakeContext(CLUSTER, properties=OF)
    ours = {"uuid": "c1", "name": NAME}
    ctx.cloud.on("GET", "/clusters/detail", {"clusters": []}, {"clusters": [ours, {"name": "x"}]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]
    assert (ctx.slept, ctx.cloud.calls[0].params) == ([3.0], {})
    assert await ctx.type.find(ctx, ctx.props) == [ours]
    assert ctx.slept == [3.0]


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("CREATE_FAILED", 'Went to status CREATE_FAILED due to "no room"'),
        ("UPDATE_FAILED", "UPDATE_FAILED"),
        ("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS"),
    ],
)
def test_cluster_that_failed_or_goes_is_not_waited_for(status: str, message: str) -> None:
    kind = FakeContext(CLUSTER).type
    with pytest.raises(ResourceInError, match=message):
        kind.ready({"status": status, "status_reason": "no room"})


def test_cluster_is_replaced_only_when_the_service_changes_it_no_more() -> None:
    kind = FakeContext(CLUSTER).type
    assert kind.broken({"status": "UPDATE_FAILED"})
    assert not kind.broken({"status": "UPDATE_COMPLETE"})


async def test_update_waits_its_turn_and_sends_what_the_cluster_lacks() -> None:
    ctx = FakeContext(CLUSTER, properties=OF, physical="c1")
    busy, changed = DONE | {"status": "UPDATE_IN_PROGRESS"}, DONE | {"updated_at": "2"}
    ctx.cloud.on("GET", "/clusters/c1", busy, DONE, DONE, changed).on("PATCH", "/clusters/c1")
    new = ctx.load(OF | {"node_count": 3, "create_timeout": 60, "discovery_url": "u"})
    await ctx.type.update(ctx, ctx.props, new)
    assert ctx.cloud.sent("PATCH") == [
        [
            {"op": "replace", "path": "/node_count", "value": 3},
            {"op": "replace", "path": "/discovery_url", "value": "u"},
        ]
    ]
    assert ctx.slept == [0.1]


async def test_update_that_was_done_before_an_interruption_is_not_asked_for_again() -> None:
    ctx = FakeContext(CLUSTER, properties=OF, physical="c1")
    ctx.cloud.on("GET", "/clusters/c1", DONE | {"node_count": 3})
    await ctx.type.update(ctx, ctx.props, ctx.load(OF | {"node_count": 3}))
    assert ctx.cloud.asked() == []


async def test_value_that_is_taken_away_is_removed() -> None:
    ctx = FakeContext(CLUSTER, properties=OF | {"discovery_url": "u"}, physical="c1")
    live = DONE | {"discovery_url": "u"}
    ctx.cloud.on("GET", "/clusters/c1", live, live | {"status": "UPDATE_IN_PROGRESS"})
    ctx.cloud.on("PATCH", "/clusters/c1")
    await ctx.type.update(ctx, ctx.props, ctx.load(OF))
    assert ctx.cloud.sent("PATCH") == [[{"op": "remove", "path": "/discovery_url"}]]


async def test_update_of_a_broken_cluster_fails() -> None:
    ctx = FakeContext(CLUSTER, properties=OF, physical="c1")
    ctx.cloud.on("GET", "/clusters/c1", DONE | {"status": "UPDATE_FAILED"})
    with pytest.raises(ResourceInError):
        await ctx.type.update(ctx, ctx.props, ctx.load(OF | {"node_count": 3}))


async def test_cluster_that_was_only_asked_for_is_deleted_once_it_is_shown() -> None:
    ctx = FakeContext(CLUSTER, properties=OF, physical="c1")
    ctx.cloud.on("GET", "/clusters/c1", gone(), DONE).on("DELETE", "/clusters/c1")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/clusters/c1")]


async def test_cluster_that_was_asked_for_in_vain_is_gone() -> None:
    ctx = FakeContext(CLUSTER, properties=OF, physical="c1")
    ctx.cloud.on("GET", "/clusters/c1", gone())
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == []


async def test_cluster_that_was_seen_and_is_missing_is_gone_at_once() -> None:
    ctx = FakeContext(CLUSTER, properties=OF, physical="c1", stored={"shown": True})
    ctx.cloud.on("GET", "/clusters/c1", gone())
    with pytest.raises(CloudNotFound):
        await ctx.type.delete(ctx, ctx.props)
    assert ctx.slept == []


async def test_failed_deletion_is_tried_again() -> None:
    ctx = FakeContext(CLUSTER, properties=OF, physical="c1", stored={"shown": True})
    failed = DONE | {"status": "DELETE_FAILED", "status_reason": "in use"}
    leaving = DONE | {"status": "DELETE_IN_PROGRESS"}
    ctx.cloud.on("GET", "/clusters/c1", failed, failed, leaving, failed).on("DELETE", "/clusters/c1")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.slept == [0.1]
    with pytest.raises(ResourceInError, match="in use"):
        await ctx.type.is_gone(ctx)


async def test_deletion_that_ends_while_it_is_noticed() -> None:
    ctx = FakeContext(CLUSTER, properties=OF, physical="c1", stored={"shown": True})
    failed = DONE | {"status": "DELETE_FAILED"}
    ctx.cloud.on("GET", "/clusters/c1", failed, gone()).on("DELETE", "/clusters/c1")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.slept == []


@pytest.mark.parametrize(("status", "is_gone"), [("DELETE_COMPLETE", True), ("DELETE_IN_PROGRESS", False)])
def test_cluster_is_gone_when_the_service_says_so(status: str, is_gone: bool) -> None:
    assert FakeContext(CLUSTER).type.gone({"status": status}) is is_gone


async def test_change_that_is_never_noticed_does_not_block() -> None:
    ctx = FakeContext(CLUSTER, properties=OF, physical="c1")
    ctx.cloud.on("GET", "/clusters/c1", DONE).on("PATCH", "/clusters/c1")
    await ctx.type.update(ctx, ctx.props, ctx.load(OF | {"node_count": 3}))
    assert 60 < sum(ctx.slept) < 70


def test_attributes_are_fields() -> None:
    ctx = FakeContext(CLUSTER, physical="c1")
    names = set(ctx.type.attributes)
    live = {name: name for name in names}
    assert ctx.shown(live) == live


async def test_patch_may_be_sent_again_when_its_answer_is_lost() -> None:
    asked: list[Any] = []

    class Service:
        async def request(self, *place: Any, **options: Any) -> None:
            asked.append((place, options["idempotent"]))

    ctx = FakeContext(TEMPLATE, physical="t1")
    ctx.cloud.service = lambda kind: Service()
    await ctx.type.write(ctx, {"public": True})
    await ctx.type.write(ctx, {})
    assert asked == [(("PATCH", "/clustertemplates/t1"), True)]
