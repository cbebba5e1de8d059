"""Zun of the dev cloud: containers with their ports and volumes, which take their time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.devcloud.conftest import Cloud, User

PATH = "/container/v1/containers"
PORTS, VOLUMES = "/network/v2.0/ports", "/volume/v3"


async def network(user: User, cidr: str = "10.0.0.0/24", name: str = "n") -> str:
    made: str = (await user.post("/network/v2.0/networks", {"network": {"name": name}}))["network"]["id"]
    subnet = {"network_id": made, "cidr": cidr, "ip_version": 4}
    await user.post("/network/v2.0/subnets", {"subnet": subnet})
    return made


async def run(user: User, **given: Any) -> str:
    """The path of a new container, which is started."""
    made = await user.post(f"{PATH}?run=true", {"image": "cirros", **given})
    assert made["status"] == "Creating"
    return f"{PATH}/{made['uuid']}"


async def refusal(user: User, method: str, path: str, body: Any = None) -> str:
    reply = await user.call(method, path, body)
    (error,) = reply.json()["errors"]
    assert error["status"] == reply.status_code
    return f"{reply.status_code} {error['detail']}"


async def test_container_runs_and_is_stopped_before_it_goes(cloud: Cloud, demo: User) -> None:
    net = await network(demo)
    path = await run(demo, name="c1", command=["sleep", "9"], memory=64)
    assert "Cannot delete_after_stop container" in await refusal(demo, "DELETE", f"{path}?stop=true")
    cloud.time.now += 0.1
    assert (await demo.get(path))["status"] == "Created"
    cloud.time.now += 0.2
    shown = await demo.get(path)
    assert (shown["status"], shown["memory"], shown["cpu"]) == ("Running", "64", 1.0)
    ((address,),) = shown["addresses"].values()
    assert list(shown["addresses"]) == [net]
    (port,) = (await demo.get(PORTS))["ports"]
    assert (port["id"], port["device_id"]) == (address["port"], shown["uuid"])
    assert "409 Cannot delete container" in await refusal(demo, "DELETE", path)
    assert await demo.status("DELETE", f"{path}?stop=true") == 204
    assert (await demo.get(path))["status"] == "Deleting"
    cloud.time.now += 1
    assert (await refusal(demo, "GET", path)).startswith("404 Container")
    assert (await demo.get(PORTS))["ports"] == []


async def test_container_that_is_not_to_run_stays_created(cloud: Cloud, demo: User) -> None:
    await network(demo)
    made = await demo.post(PATH, {"image": "cirros"})
    cloud.time.now += 1
    assert (await demo.get(f"{PATH}/{made['uuid']}"))["status"] == "Created"


async def test_states_lead_to_others(cloud: Cloud, demo: User) -> None:
    await network(demo)
    path = await run(demo)
    cloud.time.now += 1
    for action, status in [
        *(("pause", "Paused"), ("unpause", "Running"), ("stop", "Stopped"), ("start", "Running")),
        *(("kill", "Stopped"), ("reboot", "Running"), ("pause", "Paused")),
    ]:
        assert await demo.status("POST", f"{path}/{action}") == 202
        cloud.time.now += 1
        assert (await demo.get(path))["status"] == status
    assert "409 Cannot start container" in await refusal(demo, "POST", f"{path}/start")
    assert "409" in await refusal(demo, "DELETE", f"{path}?stop=true")
    assert await demo.status("DELETE", f"{path}?force=true") == 403


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"image": None}, "'image'"),
        ({"name": "x"}, "'name'"),
        ({"command": "sleep 9"}, "'command'"),
        ({"cpu": 99}, "'cpu'"),
        ({"memory": 1}, "'memory'"),
        ({"environment": {"A": 1}}, "'environment'"),
        ({"image_driver": "x"}, "'image_driver'"),
        ({"image_pull_policy": "x"}, "'image_pull_policy'"),
        ({"restart_policy": {"Name": "x"}}, "'restart_policy'"),
        ({"restart_policy": {"Name": "always", "MaximumRetryCount": "3"}}, "maximum retry count not valid"),
        ({"colour": "red"}, "('colour' was unexpected)"),
        ({"mounts": [{"source": "v"}]}, "'mounts'"),
        ({"mounts": [{"source": "v", "destination": "/a"}]}, "404 Volume v could not be found"),
        ({"nets": [{"network": "x"}]}, "404 Neutron network x could not be found"),
        ({"nets": [{"network": "n", "port": "p"}]}, "'nets'"),
        ({"nets": [{"port": "p"}]}, "Port id p could not be found"),
        ({"nets": [{"network": "n"}, {"network": "n"}]}, "is already connected"),
        ({"security_groups": ["x"]}, "Security group x not found"),
    ],
)
async def test_what_is_refused(demo: User, given: dict[str, Any], reason: str) -> None:
    await network(demo)
    assert reason in await refusal(demo, "POST", f"{PATH}?run=true", {"image": "cirros", **given})
    assert (await demo.get(PORTS))["ports"] == []


async def test_without_a_network_there_is_no_container(demo: User) -> None:
    assert (await refusal(demo, "POST", PATH, {"image": "cirros"})).startswith("404 There is no neutron")


async def test_lists_know_few_filters(demo: User) -> None:
    await network(demo)
    await run(demo, name="c1")
    await run(demo, name="c2")
    assert [each["name"] for each in (await demo.get(f"{PATH}?name=c2"))["containers"]] == ["c2"]
    assert await refusal(demo, "GET", f"{PATH}?colour=red") == "400 Unknown parameters: colour"


async def test_container_is_changed_while_it_lives(cloud: Cloud, demo: User) -> None:
    await network(demo)
    path = await run(demo)
    assert "409 Cannot update container" in await refusal(demo, "PATCH", path, {"name": "other"})
    cloud.time.now += 1
    changed = (await demo.call("PATCH", path, {"name": "other", "memory": 128, "cpu": 2})).json()
    assert (changed["name"], changed["memory"], changed["cpu"]) == ("other", "128", 2.0)
    assert "was unexpected" in await refusal(demo, "PATCH", path, {"image": "other"})


async def test_networks_come_and_go_after_the_answer(cloud: Cloud, demo: User) -> None:
    first, second = await network(demo), await network(demo, "10.0.1.0/24", "m")
    path = await run(demo, nets=[{"network": first, "v4-fixed-ip": "10.0.0.9"}])
    cloud.time.now += 1
    (before,) = (await demo.get(f"{path}/network_list"))["networks"]
    assert (before["net_id"], before["fixed_ips"][0]["ip_address"]) == (first, "10.0.0.9")
    assert "is already connected" in await refusal(demo, "POST", f"{path}/network_attach?network={first}")
    attach = f"{path}/network_attach?network={second}&fixed_ip=10.0.1.7"
    assert await demo.status("POST", attach) == 200
    assert len((await demo.get(f"{path}/network_list"))["networks"]) == 1
    assert await demo.status("POST", f"{path}/network_detach?port={before['port_id']}") == 202
    cloud.time.now += 1
    shown = await demo.get(path)
    assert {net: each[0]["addr"] for net, each in shown["addresses"].items()} == {second: "10.0.1.7"}
    assert shown["task_state"] is None
    assert "is not attached" in await refusal(demo, "POST", f"{path}/network_detach?network={first}")


async def test_port_that_was_there_stays(cloud: Cloud, demo: User) -> None:
    port = (await demo.post(PORTS, {"port": {"network_id": await network(demo)}}))["port"]["id"]
    path = await run(demo, nets=[{"port": port}])
    cloud.time.now += 1
    assert "is still in use" in await refusal(demo, "POST", PATH, {"image": "i1", "nets": [{"port": port}]})
    assert await demo.status("DELETE", f"{path}?stop=true") == 204
    cloud.time.now += 1
    assert [each["device_id"] for each in (await demo.get(PORTS))["ports"]] == [""]


async def test_volume_is_mounted_and_one_that_was_made_goes(cloud: Cloud, demo: User) -> None:
    await network(demo)
    volumes = f"{VOLUMES}/{demo.project_id}/volumes"
    mine = (await demo.post(volumes, {"volume": {"size": 1, "name": "mine"}}))["volume"]["id"]
    cloud.time.now += 1
    mounts = [{"source": "mine", "destination": "/a"}, {"size": "2", "destination": "/b"}]
    path = await run(demo, mounts=mounts)
    used = await refusal(demo, "POST", PATH, {"image": "cirros", "mounts": mounts[:1]})
    assert used == f"400 Volume {mine} is still in use."
    shown = (await demo.get(f"{volumes}/detail"))["volumes"]
    assert {(each["size"], each["status"]) for each in shown} == {(1, "in-use"), (2, "in-use")}
    cloud.time.now += 1
    await demo.status("DELETE", f"{path}?stop=true")
    cloud.time.now += 1
    assert [(v["id"], v["status"]) for v in (await demo.get(f"{volumes}/detail"))["volumes"]] == [
        (mine, "available")
    ]


async def test_image_that_is_not_there_is_an_error(cloud: Cloud, demo: User) -> None:
    await network(demo)
    path = await run(demo, image="nothing", image_driver="glance")
    cloud.time.now += 1
    shown = await demo.get(path)
    assert (shown["status"], shown["status_reason"]) == ("Error", "Image nothing could not be found.")
    assert await demo.status("DELETE", path) == 204


@pytest.mark.parametrize(
    ("quota", "limit", "told"),
    [("zun_containers", 1, "containers"), ("zun_cpu", 1, "cpu"), ("zun_memory", 600, "memory")],
)
async def test_project_has_quotas(build: Callable[..., Cloud], quota: str, limit: int, told: str) -> None:
    demo = await build(quotas={quota: limit}).login("demo", "demo")
    await network(demo)
    await run(demo)
    assert (
        await refusal(demo, "POST", PATH, {"image": "cirros"}) == f"403 Quota exceeded for resources: {told}"
    )
    assert len((await demo.get(PORTS))["ports"]) == 1


async def test_versions_are_chosen_by_a_header(demo: User) -> None:
    assert (await demo.get("/container/"))["versions"][0]["max_version"] == "1.40"
    assert await demo.status("GET", PATH, headers={"OpenStack-API-Version": "container 1.41"}) == 406
