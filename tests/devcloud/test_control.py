from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from stackd.devcloud import DevCloud, DevCloudSettings, serve
from stackd.devcloud.cloud import ConnectionDropped

N = "/network/v2.0/networks"


async def rules(cloud: Any, *wanted: dict[str, Any], seed: int | None = None) -> None:
    reply = await cloud.http.put("/_dev/faults", json={"rules": list(wanted), "seed": seed})
    assert reply.status_code == 200, reply.text


async def test_status_fault_hits_the_nth_call_in_the_words_of_the_service(cloud: Any, demo: Any) -> None:
    await rules(
        cloud, {"service": "network", "method": "POST", "path": "/networks$", "nth": 2, "status": 503}
    )
    body = {"network": {"name": "n"}}
    assert [await demo.status("POST", N, body) for _ in range(3)] == [201, 503, 201]
    assert len((await demo.get(N + "?name=n"))["networks"]) == 2
    report = (await cloud.http.get("/_dev/faults")).json()["rules"][0]
    assert (report["seen"], report["fired"]) == (3, 1)


async def test_answer_is_lost_after_the_work_was_done(cloud: Any, demo: Any) -> None:
    await rules(cloud, {"method": "POST", "effect": "drop_after", "times": 1})
    with pytest.raises(ConnectionDropped):
        await demo.call("POST", N, {"network": {"name": "n"}})
    assert len((await demo.get(N + "?name=n"))["networks"]) == 1


async def test_connection_is_dropped_before_any_work(cloud: Any, demo: Any) -> None:
    await rules(cloud, {"method": "POST", "effect": "drop", "times": 1})
    with pytest.raises(ConnectionDropped):
        await demo.call("POST", N, {"network": {"name": "n"}})
    assert (await demo.get(N + "?name=n"))["networks"] == []


async def test_injected_error_status_replaces_readiness(cloud: Any, demo: Any) -> None:
    await rules(cloud, {"service": "volume", "method": "POST", "effect": "error_status", "nth": [1]})
    path = f"/volume/v3/{demo.project_id}/volumes"
    bad, good = [(await demo.post(path, {"volume": {"size": 1}}))["volume"]["id"] for _ in range(2)]
    cloud.time.now += 1
    states = {volume["id"]: volume["status"] for volume in (await demo.get(f"{path}/detail"))["volumes"]}
    assert states == {bad: "error", good: "available"}


async def test_only_what_was_asked_for_goes_to_error(cloud: Any, admin: Any) -> None:
    network = (await admin.post(N, {"network": {"name": "n"}}))["network"]["id"]
    subnet = {"network_id": network, "cidr": "10.0.0.0/24", "ip_version": 4}
    await admin.post("/network/v2.0/subnets", {"subnet": subnet})
    image = (await admin.get("/image/v2/images"))["images"][0]["id"]
    flavor = (await admin.get("/compute/v2.1/flavors"))["flavors"][0]["id"]
    await rules(cloud, {"service": "compute", "method": "POST", "effect": "error_status"})
    body = {"name": "s", "imageRef": image, "flavorRef": flavor, "networks": [{"uuid": network}]}
    server = (await admin.post("/compute/v2.1/servers", {"server": body}))["server"]["id"]
    cloud.time.now += 1
    shown = (await admin.get(f"/compute/v2.1/servers/{server}"))["server"]
    assert (shown["status"], shown["fault"]["code"]) == ("ERROR", 500)
    assert [port["status"] for port in (await admin.get("/network/v2.0/ports"))["ports"]] == ["ACTIVE"]


async def test_nonsense_is_a_bad_request_not_a_crash(demo: Any) -> None:
    body = {"subnet": {"network_id": 7, "ip_version": "x", "cidr": {}}}
    assert await demo.status("POST", "/network/v2.0/subnets", body) in (400, 404)
    assert await demo.status("POST", "/compute/v2.1/servers", [1]) == 400
    assert (
        await demo.status("POST", f"/volume/v3/{demo.project_id}/volumes", {"volume": {"size": "x"}}) == 400
    )


async def test_probability_is_repeatable_with_a_seed(cloud: Any, demo: Any) -> None:
    async def run() -> list[int]:
        await rules(cloud, {"service": "network", "probability": 0.5, "status": 429}, seed=3)
        return [await demo.status("GET", N) for _ in range(20)]

    first = await run()
    assert set(first) == {200, 429}
    assert await run() == first


async def test_unknown_rules_and_settings_are_refused(cloud: Any) -> None:
    assert (await cloud.http.put("/_dev/faults", json={"rules": [{"effect": "x"}]})).status_code == 400
    assert (await cloud.http.patch("/_dev/settings", json={"x": 1})).status_code == 400
    assert (await cloud.http.get("/_dev/nothing")).status_code == 404


async def test_state_shows_objects_and_counts_calls(cloud: Any, demo: Any) -> None:
    await cloud.http.delete("/_dev/state")
    network = (await demo.post(N, {"network": {"name": "n"}}))["network"]["id"]
    await demo.get(f"{N}/{network}")
    state = (await cloud.http.get("/_dev/state")).json()
    assert network in [item["id"] for item in state["objects"]["network.networks"]]
    assert {"extra_specs": {}, "projects": []} in state["hidden"]["compute.flavors"]
    assert [len(rows) for rows in state["hidden"].values()] == [len(r) for r in state["objects"].values()]
    assert state["quotas"] == []
    assert state["calls"] == {"network GET /networks/{id}": 1, "network POST /networks": 1}
    assert (state["total"], state["max_in_flight"], state["in_flight"]) == (2, 1, 0)


async def test_latency_and_readiness_can_be_changed_while_it_runs(cloud: Any, demo: Any) -> None:
    await cloud.http.patch("/_dev/settings", json={"latency": 2, "service_latency": {"network": 5}})
    before = cloud.time.now
    await demo.get(N)
    assert cloud.time.now - before == 5
    await demo.get("/compute/v2.1/servers")
    assert cloud.time.now - before == 7


async def test_same_seed_gives_same_ids() -> None:
    first, second = (DevCloud(DevCloudSettings(seed=1)) for _ in range(2))
    assert [e.id for e in first.store.all("compute.flavors")] == [
        e.id for e in second.store.all("compute.flavors")
    ]


async def test_initial_objects_have_the_same_ids_at_every_start_and_new_ones_do_not() -> None:
    first, second = DevCloud(), DevCloud()
    for kind in (
        *("identity.projects", "identity.users", "identity.domains", "identity.roles"),
        *("compute.flavors", "image.images", "network.networks", "volume.types"),
    ):
        ids = [entity.id for entity in first.store.all(kind)]
        assert ids, kind
        assert ids == [entity.id for entity in second.store.all(kind)]
    assert first.world.uuid() != second.world.uuid()


async def test_trusts_are_kept_over_a_restart(build: Callable[..., Any], tmp_path: Path) -> None:
    file = str(tmp_path / "trusts.json")
    before = build(trusts_file=file)
    demo, heat = await before.login("demo", "demo"), await before.login("heat", "service")
    body = {
        "trustor_user_id": demo.user_id,
        "trustee_user_id": heat.user_id,
        "project_id": demo.project_id,
        "impersonation": True,
        "roles": [{"name": "member"}],
    }
    trusts = "/identity/v3/OS-TRUST/trusts"
    kept = (await demo.post(trusts, {"trust": body}))["trust"]["id"]
    after = build(trusts_file=file)
    again = await after.login("demo", "demo")
    shown = (await again.get(f"{trusts}/{kept}"))["trust"]
    assert [role["name"] for role in shown["roles"]] == ["member"]


async def test_real_server_answers_and_drops_connections() -> None:
    ready: asyncio.Future[DevCloud] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(DevCloudSettings(), ready=ready.set_result))
    try:
        cloud = await asyncio.wait_for(ready, 60)
        async with httpx.AsyncClient(base_url=cloud.world.base_url) as http:
            assert (await http.get("/")).json() == {"url": cloud.world.base_url, "auth_url": cloud.auth_url}
            await http.put("/_dev/faults", json=[{"effect": "drop", "times": 1}])
            with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                await http.get("/identity/v3")
            assert (await http.get("/identity/v3")).status_code == 200
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_quotas_can_be_set_by_project(build: Callable[..., Any]) -> None:
    cloud = build()
    admin, demo = await cloud.login("admin", "admin"), await cloud.login("demo", "demo")
    path = f"/network/v2.0/quotas/{demo.project_id}"
    assert await admin.status("PUT", path, {"quota": {"network": 0}}) == 200
    assert (await demo.get(path))["quota"]["network"] == 0
    assert await demo.status("POST", N, {"network": {}}) == 409
    assert await admin.status("POST", N, {"network": {}}) == 201
