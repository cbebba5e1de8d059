from __future__ import annotations

from collections.abc import Callable
from typing import Any

NEW = {"OpenStack-API-Version": "compute 2.93"}
SERVERS = "/compute/v2.1/servers"
N = "/network/v2.0"


async def network(user: Any, cidr: str = "10.0.0.0/24") -> dict[str, Any]:
    net: dict[str, Any] = (await user.post(f"{N}/networks", {"network": {"name": "n"}}))["network"]
    subnet = {"network_id": net["id"], "cidr": cidr, "ip_version": 4}
    await user.post(f"{N}/subnets", {"subnet": subnet})
    return net


async def request(user: Any, **more: Any) -> dict[str, Any]:
    image = (await user.get("/image/v2/images?name=cirros"))["images"][0]["id"]
    flavors = (await user.get("/compute/v2.1/flavors"))["flavors"]
    flavor = next(item["id"] for item in flavors if item["name"] == "m1.nano")
    return {"server": {"name": "s", "imageRef": image, "flavorRef": flavor, "networks": "none"} | more}


async def boot(user: Any, **more: Any) -> str:
    return str((await user.post(SERVERS, await request(user, **more), headers=NEW))["server"]["id"])


async def show(user: Any, server_id: str) -> dict[str, Any]:
    server: dict[str, Any] = (await user.get(f"{SERVERS}/{server_id}", headers=NEW))["server"]
    return server


async def test_server_is_built_when_its_time_has_passed(cloud: Any, demo: Any) -> None:
    server_id = await boot(demo)
    assert (await show(demo, server_id))["status"] == "BUILD"
    cloud.time.now += 0.3
    server = await show(demo, server_id)
    assert (server["status"], server["OS-EXT-STS:vm_state"]) == ("ACTIVE", "active")
    assert "OS-EXT-SRV-ATTR:host" not in server


async def test_deleted_server_stays_for_its_time_and_takes_its_own_port_only(cloud: Any, demo: Any) -> None:
    net = await network(demo)
    kept = (await demo.post(f"{N}/ports", {"port": {"network_id": net["id"]}}))["port"]["id"]
    server_id = await boot(demo, networks=[{"uuid": net["id"]}, {"port": kept}])
    cloud.time.now += 1
    addresses = (await show(demo, server_id))["addresses"]["n"]
    assert len({item["addr"] for item in addresses}) == 2
    assert len((await demo.get(f"{SERVERS}/{server_id}/os-interface"))["interfaceAttachments"]) == 2
    assert await demo.status("DELETE", f"{SERVERS}/{server_id}") == 204
    assert (await show(demo, server_id))["OS-EXT-STS:task_state"] == "deleting"
    cloud.time.now += 1
    reply = await demo.call("GET", f"{SERVERS}/{server_id}")
    assert reply.json() == {
        "itemNotFound": {"code": 404, "message": f"Instance {server_id} could not be found."}
    }
    ports = (await demo.get(f"{N}/ports"))["ports"]
    assert [(port["id"], port["device_id"], port["status"]) for port in ports] == [(kept, "", "DOWN")]


async def test_names_may_be_used_twice(demo: Any) -> None:
    assert await boot(demo) != await boot(demo)
    assert len((await demo.get(f"{SERVERS}?name=s"))["servers"]) == 2


async def test_wrong_references_are_refused_in_words_of_nova(demo: Any) -> None:
    reply = await demo.call("POST", SERVERS, await request(demo, flavorRef="nope"))
    assert reply.json() == {"badRequest": {"code": 400, "message": "Flavor nope could not be found."}}
    reply = await demo.call("POST", SERVERS, await request(demo, key_name="nope"))
    assert reply.json()["badRequest"]["message"] == "Invalid key_name provided."
    reply = await demo.call("GET", SERVERS, headers={"OpenStack-API-Version": "compute 9.9"})
    assert reply.status_code == 406


async def test_several_networks_need_a_choice(demo: Any) -> None:
    await network(demo)
    await network(demo)
    body = await request(demo)
    del body["server"]["networks"]
    reply = await demo.call("POST", SERVERS, body)
    assert reply.status_code == 409
    assert "Multiple possible networks found" in reply.text


async def test_volume_goes_with_the_server_only_if_asked(cloud: Any, demo: Any) -> None:
    volumes = f"/volume/v3/{demo.project_id}/volumes"
    kept = (await demo.post(volumes, {"volume": {"size": 1}}))["volume"]["id"]
    cloud.time.now += 1
    image = (await demo.get("/image/v2/images"))["images"][0]["id"]
    mappings = [
        {"source_type": "image", "uuid": image, "destination_type": "volume", "volume_size": 1,
         "boot_index": 0, "delete_on_termination": True},
        {"source_type": "volume", "uuid": kept, "destination_type": "volume"},
    ]  # fmt: skip
    server_id = await boot(demo, imageRef="", block_device_mapping_v2=mappings)
    cloud.time.now += 1
    assert {v["status"] for v in (await demo.get(f"{volumes}/detail"))["volumes"]} == {"in-use"}
    assert await demo.status("DELETE", f"{volumes}/{kept}") == 400
    await demo.call("DELETE", f"{SERVERS}/{server_id}")
    cloud.time.now += 1
    await demo.get(volumes)
    cloud.time.now += 1
    left = (await demo.get(f"{volumes}/detail"))["volumes"]
    assert [(volume["id"], volume["status"]) for volume in left] == [(kept, "available")]


async def test_volume_is_attached_and_detached_through_nova(cloud: Any, demo: Any) -> None:
    volumes = f"/volume/v3/{demo.project_id}/volumes"
    volume_id = (await demo.post(volumes, {"volume": {"size": 1}}))["volume"]["id"]
    server_id = await boot(demo)
    cloud.time.now += 1
    path = f"{SERVERS}/{server_id}/os-volume_attachments"
    body = {"volumeAttachment": {"volumeId": volume_id}}
    made = await demo.post(path, body)
    assert made["volumeAttachment"]["device"] == "/dev/vdb"
    cloud.time.now += 1
    volume = (await demo.get(f"{volumes}/{volume_id}"))["volume"]
    assert (volume["status"], volume["attachments"][0]["server_id"]) == ("in-use", server_id)
    assert await demo.status("POST", path, body) == 400
    assert await demo.status("DELETE", f"{path}/{volume_id}") == 202
    cloud.time.now += 1
    assert (await demo.get(f"{volumes}/{volume_id}"))["volume"]["status"] == "available"


async def test_resize_waits_for_its_confirmation(cloud: Any, demo: Any) -> None:
    server_id = await boot(demo)
    cloud.time.now += 1
    flavors = (await demo.get("/compute/v2.1/flavors"))["flavors"]
    flavor = next(item["id"] for item in flavors if item["name"] == "m1.small")
    action = f"{SERVERS}/{server_id}/action"
    reply = await demo.call("POST", action, {"confirmResize": None})
    assert reply.json()["conflictingRequest"]["message"] == (
        f"Cannot 'confirmResize' instance {server_id} while it is in vm_state active"
    )
    await demo.post(action, {"resize": {"flavorRef": flavor}})
    assert (await show(demo, server_id))["status"] == "RESIZE"
    cloud.time.now += 1
    assert (await show(demo, server_id))["status"] == "VERIFY_RESIZE"
    assert await demo.status("POST", action, {"confirmResize": None}) == 204
    cloud.time.now += 1
    server = await show(demo, server_id)
    assert (server["status"], server["flavor"]["original_name"]) == ("ACTIVE", "m1.small")


async def test_instance_quota_is_a_403(build: Callable[..., Any]) -> None:
    cloud = build(quotas={"servers": 1})
    demo = await cloud.login("demo", "demo")
    await boot(demo)
    reply = await demo.call("POST", SERVERS, await request(demo))
    assert reply.status_code == 403
    assert reply.json()["forbidden"]["message"].startswith("Quota exceeded for instances: Requested 1")


async def test_resize_beyond_the_quota_is_a_403_and_changes_nothing(build: Callable[..., Any]) -> None:
    cloud = build(quotas={"ram": 600})
    demo = await cloud.login("demo", "demo")
    server_id = await boot(demo)
    cloud.time.now += 1
    flavors = (await demo.get("/compute/v2.1/flavors/detail"))["flavors"]
    large = max(flavors, key=lambda each: int(each["ram"]))["id"]
    reply = await demo.call("POST", f"{SERVERS}/{server_id}/action", {"resize": {"flavorRef": large}})
    assert reply.status_code == 403
    assert reply.json()["forbidden"]["message"].startswith("Quota exceeded for ram: Requested ")
    assert (await show(demo, server_id))["status"] == "ACTIVE"


async def test_servers_are_seen_by_their_project_and_admins_that_ask(
    cloud: Any, demo: Any, admin: Any
) -> None:
    server_id = await boot(demo)
    assert (await admin.get(SERVERS))["servers"] == []
    assert len((await admin.get(f"{SERVERS}?all_tenants=1"))["servers"]) == 1
    other = await cloud.login("heat", "service")
    assert await other.status("GET", f"{SERVERS}/{server_id}") == 200
    assert await demo.status("POST", "/compute/v2.1/flavors", {"flavor": {"name": "x"}}) == 403


async def test_keypair_names_are_unique_per_user(demo: Any, admin: Any) -> None:
    path = "/compute/v2.1/os-keypairs"
    made = await demo.post(path, {"keypair": {"name": "k"}})
    assert made["keypair"]["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    reply = await demo.call("POST", path, {"keypair": {"name": "k"}})
    assert reply.json() == {"conflictingRequest": {"code": 409, "message": "Key pair 'k' already exists."}}
    assert await admin.status("POST", path, {"keypair": {"name": "k"}}) == 200
    assert await demo.status("DELETE", f"{path}/k") == 202
    assert await demo.status("GET", f"{path}/k") == 404


async def test_flavor_can_be_told_to_fail_servers(cloud: Any, admin: Any) -> None:
    flavor = (await admin.post("/compute/v2.1/flavors", {"flavor": {"name": "bad", "ram": 1, "vcpus": 1}}))[
        "flavor"
    ]
    specs = {"extra_specs": {"devcloud:fail": "No room."}}
    await admin.post(f"/compute/v2.1/flavors/{flavor['id']}/os-extra_specs", specs)
    server_id = await boot(admin, flavorRef=flavor["id"])
    cloud.time.now += 1
    server = await show(admin, server_id)
    assert (server["status"], server["fault"]["message"]) == ("ERROR", "No room.")


async def test_lists_are_paged_newest_first(demo: Any) -> None:
    ids = [await boot(demo, name=f"s{number}") for number in range(3)]
    page = await demo.get(f"{SERVERS}?limit=2")
    assert [server["id"] for server in page["servers"]] == [ids[2], ids[1]]
    following = page["servers_links"][0]["href"]
    assert [server["id"] for server in (await demo.get(following))["servers"]] == [ids[0]]


async def stopped(cloud: Any, user: Any, **more: Any) -> str:
    server_id = await boot(user, **more)
    cloud.time.now += 1
    await user.post(f"{SERVERS}/{server_id}/action", {"os-stop": None})
    cloud.time.now += 1
    return server_id


async def test_stopped_server_is_stopped_after_a_resize_too(cloud: Any, demo: Any) -> None:
    server_id = await stopped(cloud, demo)
    flavors = (await demo.get("/compute/v2.1/flavors"))["flavors"]
    flavor = next(item["id"] for item in flavors if item["name"] == "m1.small")
    action = f"{SERVERS}/{server_id}/action"
    await demo.post(action, {"resize": {"flavorRef": flavor}})
    cloud.time.now += 1
    await demo.call("POST", action, {"confirmResize": None})
    cloud.time.now += 1
    server = await show(demo, server_id)
    assert (server["status"], server["flavor"]["original_name"]) == ("SHUTOFF", "m1.small")


async def test_interfaces_change_only_while_the_server_is_at_rest(cloud: Any, demo: Any) -> None:
    net = await network(demo)
    server_id = await boot(demo, networks=[{"uuid": net["id"], "tag": "first"}])
    path = f"{SERVERS}/{server_id}/os-interface"
    reply = await demo.call("GET", path, headers=NEW)
    [interface] = reply.json()["interfaceAttachments"]
    assert interface["tag"] == "first"
    assert "tag" not in (await demo.get(path))["interfaceAttachments"][0]
    one = f"{path}/{interface['port_id']}"
    reply = await demo.call("DELETE", one)
    assert reply.json()["conflictingRequest"]["message"] == (
        f"Cannot 'detach_interface' instance {server_id} while it is in vm_state building"
    )
    assert await demo.status("POST", path, {"interfaceAttachment": {"net_id": net["id"]}}) == 409
    cloud.time.now += 1
    await demo.post(f"{SERVERS}/{server_id}/action", {"suspend": None})
    assert await demo.status("DELETE", one) == 409
    cloud.time.now += 1
    assert await demo.status("DELETE", one) == 409
    await demo.post(f"{SERVERS}/{server_id}/action", {"resume": None})
    cloud.time.now += 1
    assert await demo.status("DELETE", one) == 202


async def test_aggregate_has_hosts_metadata_and_one_zone(admin: Any, demo: Any) -> None:
    path = "/compute/v2.1/os-aggregates"
    body = {"aggregate": {"name": "a", "availability_zone": "z1"}}
    made = (await admin.post(path, body))["aggregate"]
    assert (made["hosts"], made["metadata"]) == ([], {"availability_zone": "z1"})
    one = f"{path}/{made['id']}"
    assert [await admin.status("POST", path, body), await demo.status("GET", path)] == [409, 403]
    for action, status in (
        ({"add_host": {"host": "dev"}}, 200), ({"add_host": {"host": "dev"}}, 409),
        ({"add_host": {"host": "other"}}, 404), ({"set_metadata": {"metadata": {"a": 1}}}, 400),
        ({"set_metadata": {"metadata": {"a": "1", "b": None}}}, 200),
        ({"set_metadata": {"metadata": {"availability_zone": None}}}, 400), ({"dance": {}}, 400),
    ):  # fmt: skip
        assert await admin.status("POST", f"{one}/action", action) == status, action
    assert (await admin.get("/compute/v2.1/os-services"))["services"][0]["zone"] == "z1"
    other = (await admin.post(path, {"aggregate": {"name": "b", "availability_zone": "z2"}}))["aggregate"]
    assert await admin.status("POST", f"{path}/{other['id']}/action", {"add_host": {"host": "dev"}}) == 409
    assert await admin.status("PUT", one, {"aggregate": {"availability_zone": None}}) == 400
    assert await admin.status("PUT", one, {"aggregate": {"availability_zone": "z3"}}) == 200
    shown = (await admin.get(one))["aggregate"]
    assert (shown["hosts"], shown["metadata"]) == (["dev"], {"a": "1", "availability_zone": "z3"})
    assert await admin.status("DELETE", one) == 400
    remove = {"remove_host": {"host": "dev"}}
    assert [await admin.status("POST", f"{one}/action", remove) for _ in range(2)] == [200, 404]
    assert [await admin.status("DELETE", one) for _ in range(2)] == [200, 404]


async def test_later_versions_know_fewer_quotas(admin: Any) -> None:
    path = f"/compute/v2.1/os-quota-sets/{admin.project_id}"
    for version, unknown in (("2.35", "servers"), ("2.56", "floating_ips"), ("2.57", "injected_files")):
        headers = {"OpenStack-API-Version": f"compute {version}"}
        shown = (await admin.get(path, headers=headers))["quota_set"]
        assert unknown not in shown
        body = {"quota_set": {unknown: 1}}
        assert await admin.status("PUT", path, body, headers=headers) == 400
        assert await admin.status("PUT", path, {"quota_set": {"cores": -2}}, headers=headers) == 400


async def test_quota_is_no_less_than_what_is_in_use(admin: Any) -> None:
    path = f"/compute/v2.1/os-quota-sets/{admin.project_id}"
    await boot(admin)
    for quota, status in (
        ({"instances": 0}, 400),
        ({"instances": 0, "force": True}, 200),
        ({"instances": 1}, 200),
    ):
        assert await admin.status("PUT", path, {"quota_set": quota}) == status
    assert await admin.status("PUT", f"{path}x", {"quota_set": {"instances": 1}}) == 400
    assert await admin.status("DELETE", path) == 202
    assert (await admin.get(path))["quota_set"]["instances"] == -1
