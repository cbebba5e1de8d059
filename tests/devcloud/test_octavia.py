"""Load balancers of the dev cloud: what is refused while something changes, and what the service checks."""

from __future__ import annotations

from typing import Any

import pytest

from tests.devcloud.conftest import Cloud, User

BASE = "/load-balancer/v2/lbaas"
MEMBER = {"address": "10.0.0.7", "protocol_port": 80}
MONITOR = {"type": "TCP", "delay": 5, "timeout": 3, "max_retries": 3}
GROUND = {"protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}


class Balancer:
    """A load balancer of a user, and the time in which its changes end."""

    def __init__(self, cloud: Cloud, user: User) -> None:
        self.cloud, self.user, self.id, self.subnet = cloud, user, "", ""

    async def start(self) -> Balancer:
        net = (await self.user.post("/network/v2.0/networks", {"network": {}}))["network"]["id"]
        body = {"network_id": net, "cidr": "10.0.0.0/24", "ip_version": 4}
        made = await self.user.post("/network/v2.0/subnets", {"subnet": body})
        self.subnet = made["subnet"]["id"]
        self.id = (await self.make("loadbalancer", vip_subnet_id=self.subnet))["id"]
        return self

    async def make(self, key: str, path: str = "", **values: Any) -> Any:
        """An object, once it is active."""
        made = await self.user.post(f"{BASE}/{path or key + 's'}", {key: values})
        self.cloud.time.now += 1
        return made[key]

    async def pool(self, **values: Any) -> Any:
        return await self.make("pool", loadbalancer_id=self.id, **GROUND, **values)

    async def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        answer = await self.user.call(method, f"{BASE}/{path}", body)
        return answer.status_code, answer.json()["faultstring"]

    async def show(self, path: str) -> Any:
        (shown,) = (await self.user.get(f"{BASE}/{path}")).values()
        return shown


@pytest.fixture
async def balancer(cloud: Cloud, demo: User) -> Balancer:
    return await Balancer(cloud, demo).start()


async def test_nothing_of_a_load_balancer_changes_while_something_does(
    cloud: Cloud, balancer: Balancer
) -> None:
    pool = await balancer.pool()
    member = (await balancer.user.post(f"{BASE}/pools/{pool['id']}/members", {"member": MEMBER}))["member"]
    busy = (409, f"Load Balancer {balancer.id} is immutable and cannot be updated.")
    paths = f"pools/{pool['id']}/members", f"pools/{pool['id']}/members/{member['id']}"
    other = {"member": MEMBER | {"protocol_port": 81}}
    assert await balancer.refused("POST", paths[0], other) == busy
    assert await balancer.refused("PUT", paths[1], {"member": {"weight": 2}}) == busy
    assert await balancer.refused("DELETE", paths[1]) == busy
    whole = f"loadbalancers/{balancer.id}"
    wrong = (409, f"Invalid state PENDING_UPDATE of loadbalancer resource {balancer.id}")
    assert await balancer.refused("PUT", whole, {"loadbalancer": {"name": "x"}}) == wrong
    cloud.time.now += 1
    shown = await balancer.show(paths[1])
    assert (shown["provisioning_status"], shown["operating_status"]) == ("ACTIVE", "ONLINE")
    assert {"pool_id", "loadbalancer_id"}.isdisjoint(shown)
    assert (await balancer.show(f"pools/{pool['id']}"))["members"] == [{"id": member["id"]}]


async def test_a_load_balancer_with_parts_is_only_deleted_with_them(cloud: Cloud, balancer: Balancer) -> None:
    listener = await balancer.make("listener", loadbalancer_id=balancer.id, protocol="HTTP", protocol_port=80)
    pool = await balancer.make("pool", listener_id=listener["id"], **GROUND)
    await balancer.make("member", f"pools/{pool['id']}/members", **MEMBER)
    policy = await balancer.make("l7policy", "l7policies", listener_id=listener["id"], action="REJECT")
    rule = {"type": "PATH", "compare_type": "REGEX", "value": "x"}
    await balancer.make("rule", f"l7policies/{policy['id']}/rules", **rule)
    whole = f"loadbalancers/{balancer.id}"
    status, said = await balancer.refused("DELETE", whole)
    assert (status, said.endswith("it has children")) == (400, True)
    assert await balancer.user.status("DELETE", f"{BASE}/{whole}?cascade=true") == 204
    cloud.time.now += 1
    assert await balancer.refused("GET", whole) == (404, f"Load Balancer {balancer.id} not found.")
    tables = cloud.dev.store.tables
    assert [name for name in tables if name.startswith("load-balancer.") and tables[name].rows] == []
    assert (await balancer.user.get("/network/v2.0/ports"))["ports"] == []


async def test_what_goes_with_a_listener_and_with_a_pool(cloud: Cloud, balancer: Balancer) -> None:
    listener = await balancer.make("listener", loadbalancer_id=balancer.id, protocol="HTTP", protocol_port=80)
    pool = await balancer.make("pool", listener_id=listener["id"], **GROUND)
    monitor = await balancer.make("healthmonitor", pool_id=pool["id"], **MONITOR)
    shown = await balancer.show(f"listeners/{listener['id']}")
    assert (shown["default_pool_id"], shown["loadbalancers"]) == (pool["id"], [{"id": balancer.id}])
    assert (await balancer.show(f"pools/{pool['id']}"))["healthmonitor_id"] == monitor["id"]
    for path in (f"pools/{pool['id']}", f"healthmonitors/{monitor['id']}"):
        await balancer.user.call("DELETE", f"{BASE}/{path}")
        cloud.time.now += 1
        assert (await balancer.refused("GET", path))[0] == 404
    assert (await balancer.show(f"listeners/{listener['id']}"))["default_pool_id"] is None


REFUSALS: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "a subnet that is not there": ("loadbalancers", "loadbalancer", {"vip_subnet_id": "x"}, 400, "not found"),
    "no subnet": ("loadbalancers", "loadbalancer", {}, 400, "VIP must contain one of"),
    "an unknown provider": ("loadbalancers", "loadbalancer", {"provider": "x"}, 400, "is not enabled"),
    "an unknown flavor": ("loadbalancers", "loadbalancer", {"flavor_id": "x"}, 400, "does not exist"),
    "an unknown field": ("loadbalancers", "loadbalancer", {"bogus": 1}, 400, "bogus"),
    "the same port": ("listeners", "listener", {"protocol_port": 80}, 409, "already using protocol HTTP"),
    "no certificate": ("listeners", "listener", {"protocol": "TERMINATED_HTTPS"}, 400, "certificate"),
    "a certificate that nobody keeps": (
        "listeners", "listener", {"protocol": "TERMINATED_HTTPS", "default_tls_container_ref": "http://x/y"},
        400, "Could not retrieve certificate: ['http://x/y']",
    ),
    "a second default pool": ("pools", "pool", {}, 409, "already has a default pool"),
    "a pool of nothing": ("pools", "pool", {"listener_id": None}, 400, "Must provide at least one of"),
    "a pool of another protocol": ("pools", "pool", {"protocol": "TCP"}, 400, "'TCP' is invalid"),
    "a nameless cookie": (
        "pools", "pool", {"session_persistence": {"type": "APP_COOKIE"}}, 400, "cookie_name",
    ),
    "the same member": ("pools/{pool}/members", "member", {}, 409, "already using ip 10.0.0.7"),
    "a member without an address": ("pools/{pool}/members", "member", {"address": "x"}, 400, "address"),
    "a member that is too heavy": ("pools/{pool}/members", "member", {"weight": 257}, 400, "weight"),
    "a second monitor": ("healthmonitors", "healthmonitor", {}, 409, "already has a health monitor"),
    "a path for TCP": ("healthmonitors", "healthmonitor", {"url_path": "/"}, 400, "is not a valid option"),
    "no target": ("l7policies", "l7policy", {"action": "REDIRECT_TO_URL"}, 400, "must not be None"),
    "a nameless header": ("l7policies/{policy}/rules", "rule", {"type": "HEADER"}, 400, "requires a key"),
}  # fmt: skip


async def test_what_is_refused(balancer: Balancer) -> None:
    listen = {"loadbalancer_id": balancer.id, "protocol": "HTTP", "protocol_port": 80}
    listener = await balancer.make("listener", **listen)
    behind = {"listener_id": listener["id"], **GROUND}
    pool = (await balancer.make("pool", **behind))["id"]
    await balancer.make("member", f"pools/{pool}/members", **MEMBER)
    await balancer.make("healthmonitor", pool_id=pool, **MONITOR)
    policy = (await balancer.make("l7policy", "l7policies", listener_id=listener["id"], action="REJECT"))[
        "id"
    ]
    usual = {
        "loadbalancer": {"vip_subnet_id": balancer.subnet}, "listener": listen | {"protocol_port": 443},
        "pool": behind, "member": MEMBER, "healthmonitor": {"pool_id": pool, **MONITOR},
        "l7policy": {"listener_id": listener["id"]},
        "rule": {"compare_type": "REGEX", "value": "x"},
    }  # fmt: skip
    for what, (path, key, given, status, said) in REFUSALS.items():
        values = ({} if what == "no subnet" else usual[key]) | given
        answer = await balancer.refused("POST", path.format(pool=pool, policy=policy), {key: values})
        assert (answer[0], said in answer[1]) == (status, True), (what, answer)


async def members(balancer: Balancer, pool: str) -> dict[int, Any]:
    """The members of a pool by their ports."""
    listed = (await balancer.user.get(f"{BASE}/pools/{pool}/members"))["members"]
    return {each["protocol_port"]: each for each in listed}


def named(*ports: int, **values: Any) -> dict[str, Any]:
    return {"members": [MEMBER | {"protocol_port": port} | values for port in ports]}


async def test_members_are_added_changed_and_left_out_by_one_call(cloud: Cloud, balancer: Balancer) -> None:
    pool = (await balancer.pool())["id"]
    path = f"{BASE}/pools/{pool}/members"
    added = await balancer.user.call("PUT", path, named(1, 2, 3, weight=5, name="n", tags=["blue"]))
    assert (added.status_code, added.content) == (202, b"")
    assert (await balancer.show(f"loadbalancers/{balancer.id}"))["provisioning_status"] == "PENDING_UPDATE"
    first = await members(balancer, pool)
    assert {port: each["provisioning_status"] for port, each in first.items()} == dict.fromkeys(
        (1, 2, 3), "PENDING_CREATE"
    )
    busy = (409, f"Load Balancer {balancer.id} is immutable and cannot be updated.")
    assert await balancer.refused("PUT", f"pools/{pool}/members", named(4)) == busy
    cloud.time.now += 1

    assert await balancer.user.status("PUT", f"{path}?additive_only=true", named(3, 4)) == 202
    second = await members(balancer, pool)
    assert {port: each["provisioning_status"] for port, each in second.items()} == {
        1: "ACTIVE", 2: "ACTIVE", 3: "PENDING_UPDATE", 4: "PENDING_CREATE",
    }  # fmt: skip
    assert {port: second[port]["id"] for port in first} == {port: each["id"] for port, each in first.items()}
    assert (second[3]["weight"], second[3]["name"], second[3]["tags"]) == (1, "n", ["blue"])
    cloud.time.now += 1

    assert await balancer.user.status("PUT", f"{path}?additive_only=no", named(4, 5)) == 202
    assert (await members(balancer, pool))[1]["provisioning_status"] == "PENDING_DELETE"
    cloud.time.now += 1
    assert sorted(await members(balancer, pool)) == [4, 5]


BATCHES: dict[str, tuple[dict[str, Any], int, str]] = {
    "no list": ({"members": None}, 400, "members"),
    "one without an address": ({"members": [MEMBER | {"address": "x"}]}, 400, "address"),
    "one that is too heavy": (named(1, 2, weight=257), 400, "weight"),
    "an unknown field": (named(1, bogus=1), 400, "bogus"),
    "one in a subnet that is not there": (named(1, subnet_id="x"), 404, "Subnet x not found."),
    "the same one twice": (named(1, 1), 409, "already using ip 10.0.0.7 on protocol_port 1"),
    "one that is there twice": (named(80, 80), 400, "only once"),
    "more than the quota": (named(1, 2, 3), 403, "Quota has been met for resources: pool_members"),
}


async def test_a_batch_is_refused_as_a_whole(cloud: Cloud, admin: User, balancer: Balancer) -> None:
    pool = (await balancer.pool())["id"]
    await balancer.make("member", f"pools/{pool}/members", **MEMBER)
    quota = f"{BASE}/quotas/{balancer.user.project_id}"
    assert await admin.status("PUT", quota, {"quota": {"member": 3}}) == 202
    for what, (body, status, said) in BATCHES.items():
        answer = await balancer.refused("PUT", f"pools/{pool}/members?additive_only=true", body)
        assert (answer[0], said in answer[1]) == (status, True), (what, answer)
        assert [*(await members(balancer, pool))] == [80], what
        assert (await balancer.show(f"loadbalancers/{balancer.id}"))["provisioning_status"] == "ACTIVE"
    assert (await balancer.refused("PUT", "pools/x/members", named(1)))[0] == 404
    assert await balancer.user.status("PUT", f"{BASE}/pools/{pool}/members", named(1, 2, 3)) == 202


async def test_pools_that_policies_name_stay(balancer: Balancer) -> None:
    listener = await balancer.make("listener", loadbalancer_id=balancer.id, protocol="HTTP", protocol_port=80)
    pool = await balancer.pool()
    target = {"action": "REDIRECT_TO_POOL", "redirect_pool_id": pool["id"]}
    await balancer.make("l7policy", "l7policies", listener_id=listener["id"], **target)
    status, said = await balancer.refused("DELETE", f"pools/{pool['id']}")
    assert (status, "is in use by L7 policy" in said) == (409, True)


async def test_quotas_are_set_met_and_reset(cloud: Cloud, admin: User, balancer: Balancer) -> None:
    path = f"{BASE}/quotas/{balancer.user.project_id}"
    assert await balancer.user.status("PUT", path, {"quota": {"pool": 1}}) == 403
    assert await admin.status("PUT", path, {"quota": {"pool": 1, "loadbalancer": 1}}) == 202
    await balancer.pool()
    body = {"pool": {"loadbalancer_id": balancer.id, **GROUND}}
    assert await balancer.refused("POST", "pools", body) == (403, "Quota has been met for resources: pools")
    more = {"loadbalancer": {"vip_subnet_id": balancer.subnet}}
    assert (await balancer.refused("POST", "loadbalancers", more))[0] == 403
    assert len((await balancer.user.get("/network/v2.0/ports"))["ports"]) == 1
    assert await admin.status("PUT", path, {"quota": {"pool": None}}) == 202
    assert (await admin.get(path))["quota"]["pool"] == -1
    assert await admin.status("DELETE", path) == 202
    assert (await admin.get(path))["quota"]["loadbalancer"] == -1


PROFILES = [
    ("flavorprofiles", "flavorprofile", "flavor_data", "flavors", "flavor", "flavor_profile_id", "flavor_id"),
    (
        *("availabilityzoneprofiles", "availability_zone_profile", "availability_zone_data"),
        *("availabilityzones", "availability_zone", "availability_zone_profile_id", "availability_zone"),
    ),
]


@pytest.mark.parametrize(("profiles", "profile", "data", "path", "key", "of", "field"), PROFILES)
async def test_what_the_operator_offers(
    admin: User,
    balancer: Balancer,
    *,
    profiles: str,
    profile: str,
    data: str,
    path: str,
    key: str,
    of: str,
    field: str,
) -> None:
    values = {"name": "p", "provider_name": "amphora", data: "{}"}
    assert await balancer.user.status("POST", f"{BASE}/{profiles}", {profile: values}) == 403
    assert await admin.status("POST", f"{BASE}/{profiles}", {profile: values | {"provider_name": "x"}}) == 400
    assert await admin.status("POST", f"{BASE}/{profiles}", {profile: values | {data: "{"}}) == 400
    made = (await admin.post(f"{BASE}/{profiles}", {profile: values}))[profile]["id"]
    offer = (await admin.post(f"{BASE}/{path}", {key: {"name": "large", of: made}}))[key]
    assert await admin.status("POST", f"{BASE}/{path}", {key: {"name": "large", of: made}}) == 409
    for method, body in (("DELETE", None), ("PUT", {profile: {data: "[]"}})):
        assert await admin.status(method, f"{BASE}/{profiles}/{made}", body) == 409
    identity = offer.get("id", "large")
    used = await balancer.make("loadbalancer", vip_subnet_id=balancer.subnet, **{field: identity})
    assert used[field] == identity
    assert await admin.status("DELETE", f"{BASE}/{path}/{identity}") == 409
    assert await admin.status("PUT", f"{BASE}/{path}/{identity}", {key: {"enabled": False}}) == 200
    more = {"loadbalancer": {"vip_subnet_id": balancer.subnet, field: identity}}
    assert (await balancer.refused("POST", "loadbalancers", more))[0] == 400
