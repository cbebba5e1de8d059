"""The example of three tiers on the dev cloud: it grows, its servers are resized, and nothing of it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stackd.cli.packing import pack
from stackd.db import resources
from stackd.engine.planning.verbs import Verb
from stackd.engine.usecases import stacks
from stackd.records import Action, Stack, Status
from tests.engine.planning.observed import Verbs, planned, preview, update
from tests.support.engine import Process, World, world

EXAMPLE = Path(__file__).parents[2] / "examples" / "three-tier.yaml"
GIVEN = {"certificate": "a certificate", "private_key": "a private key"}
AT_REST = {"security_groups", "security_group_rules"}
"""What a project keeps of its default group."""


def request(**parameters: Any) -> dict[str, Any]:
    """The example with its file, as the command line sends it."""
    return {**pack(str(EXAMPLE)).body(), "parameters": {**GIVEN, **parameters}}


async def changed(process: Process, stack: Stack, **parameters: Any) -> Verbs:
    """What an update did, which is what was planned; the same again changes nothing."""
    plan = await preview(process, stack, **request(**parameters))
    executed = await update(process, stack, **request(**parameters))
    assert executed == planned(plan)
    assert (await preview(process, stack, **request(**parameters))).is_empty
    return executed


def has_tiers(made: World, size: int, flavor: str) -> None:
    """Assert that as many servers are where they belong: in the group, the pool, the network and the zone."""
    count = made.counts()
    assert {kind: count[kind] for kind in ("networks", "routers", "trunks", "zones", "loadbalancers")} == {
        **{"networks": 2, "routers": 1, "trunks": 1, "zones": 1, "loadbalancers": 1}
    }
    servers = [each for each in made.objects("servers") if each["metadata"]["tier"] == "application"]
    ids = {each["id"] for each in servers}
    assert len(ids) == size
    flavors = made.cloud.store.tables["compute.flavors"].rows
    assert {flavors[each["flavor"]].data["name"] for each in servers} == {flavor}
    assert {each["attachments"][0]["server_id"] for each in made.objects("volumes")} == ids
    [policy] = made.objects("qos_policies")
    limited = [each for each in made.objects("ports") if each.get("qos_policy_id") == policy["id"]]
    assert sorted(each["device_id"] for each in limited) == sorted([*ids, *ids])
    [names] = [each for each in made.objects("recordsets") if each["name"].startswith("data.")]
    assert len(names["records"]) == size
    assert len(made.objects("pool_members")) == size


async def test_three_tiers_grow_are_resized_checked_and_gone(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process(user="admin") as process:
        stack = await process.done(await process.create("tiers", **request()))
        assert stack.status is Status.COMPLETE, stack.reason
        has_tiers(made, 6, "m1.tiny")
        [router] = made.objects("routers")
        [trunk] = made.objects("trunks")
        ports = {each["id"]: each for each in made.objects("ports")}
        hop = ports[trunk["port_id"]]["fixed_ips"][0]["ip_address"]
        assert router["routes"] == [{"destination": "10.99.0.0/16", "nexthop": hop}]

        grown = await changed(process, stack, servers=9)
        assert {path for path, verb in grown.items() if verb is not Verb.CREATE} == {
            ("application",),
            ("data_names",),
        }
        assert {path[:2] for path, verb in grown.items() if verb is Verb.CREATE} == {
            ("application", str(index)) for index in (6, 7, 8)
        }
        has_tiers(made, 9, "m1.tiny")

        resized = await changed(process, stack, servers=9, flavor="m1.small")
        assert set(resized.values()) == {Verb.UPDATE}
        assert {path for path in resized if path[-1] == "server"} == {
            ("application", str(index), "server") for index in range(9)
        }
        has_tiers(made, 9, "m1.small")

        asked = await stacks.accept_action(
            process.engine, process.caller, await process.stack(stack), Action.CHECK
        )
        checked = await process.done(asked)
        assert (checked.action, checked.status) == (Action.CHECK, Status.COMPLETE), checked.reason
        rows = await resources.of_tree(process.db, stack.id, brief=True)
        assert {(each.action, each.status) for each in rows} == {(Action.CHECK, Status.COMPLETE)}

        await process.done(await process.delete(stack))
        assert made.counts().keys() <= AT_REST
