from typing import Any

import pytest

from stackd.errors import CloudConflict, ResourceFailure
from tests.support.context import FakeContext, gone

PATH = "/servers/s/os-interface"
OWN = {"subnet": "sub", "port_extra_properties": {"admin_state_up": True}}


def interface(port: Any, net: str = "n", address: str = "10.0.0.1") -> dict[str, Any]:
    return {"port_id": port, "net_id": net, "fixed_ips": [{"ip_address": address, "subnet_id": "sub"}]}


class Nova:
    """The interfaces of one server, changed by the requests that change them."""

    def __init__(self, ctx: FakeContext, *ports: Any) -> None:
        self.ports = list(ports)
        self.cloud = ctx.cloud
        self.cloud.on("GET", PATH, lambda call: {"interfaceAttachments": list(self.ports)})
        self.cloud.on("POST", PATH, self.attach)
        for port in ("a", "b", "own", "new"):
            self.cloud.on("DELETE", f"{PATH}/{port}", self.detach).on("DELETE", f"/ports/{port}")
        self.cloud.on("PUT", "/floatingips/f")

    def attach(self, call: Any) -> dict[str, Any]:
        wanted = call.body["interfaceAttachment"]
        self.ports.append(interface(wanted.get("port_id", "new"), wanted.get("net_id", "n")))
        return {"interfaceAttachment": {"port_id": wanted.get("port_id", "new")}}

    def detach(self, call: Any) -> Any:
        port = call.path.rpartition("/")[2]
        if port not in {each["port_id"] for each in self.ports}:
            return gone()
        self.ports = [each for each in self.ports if each["port_id"] != port]
        return None


def server(networks: Any, stored: Any = None) -> FakeContext:
    properties = {"flavor": "f", "image": "i", "networks": networks}
    return FakeContext("OS::Nova::Server", physical="s", properties=properties, stored=stored or {})


async def change(ctx: FakeContext, networks: Any) -> Any:
    new = {key: value for key, value in ctx.properties.items() if key != "networks"}
    old = ctx.props if ctx.properties["networks"] else ctx.load(new)
    await ctx.type.update(ctx, old, ctx.load(new | ({"networks": networks} if networks else {})))
    return ctx.cloud.asked()


@pytest.mark.parametrize(
    ("old", "new", "asked"),
    [
        ([{"port": "a"}], [{"port": "new"}], [("DELETE", f"{PATH}/a"), ("POST", PATH)]),
        ([{"port": "a"}], [{"port": "a"}, {"network": "n"}], [("POST", PATH)]),
        ([{"network": "n"}, {"network": "m"}], [{"network": "n"}], [("DELETE", f"{PATH}/b")]),
        (
            [{"network": "n"}],
            [{"network": "n", "fixed_ip": "10.0.0.7"}],
            [("DELETE", f"{PATH}/a"), ("POST", PATH)],
        ),
        ([{"fixed_ip": "10.0.0.2", "network": "m"}], [{"port": "a"}], [("DELETE", f"{PATH}/b")]),
        ([], [{"port": "new"}], [("DELETE", f"{PATH}/a"), ("DELETE", f"{PATH}/b"), ("POST", PATH)]),
        (
            [{"network": "n"}, {"network": "m"}],
            [],
            [("DELETE", f"{PATH}/a"), ("DELETE", f"{PATH}/b"), ("POST", PATH)],
        ),
        ([{"port": "a"}], [{"allocate_network": "none"}], [("DELETE", f"{PATH}/a")]),
    ],
)
async def test_only_what_differs_is_detached_and_attached(old: Any, new: Any, asked: Any) -> None:
    ctx = server(old)
    Nova(ctx, interface("a"), interface("b", "m", "10.0.0.2"))
    assert await change(ctx, new) == asked


def recorded(entry: Any) -> dict[str, Any]:
    return {"internal_ports": [{"id": "own", "name": "x", "entry": entry}]}


def entry_of(networks: Any) -> Any:
    return server(networks).props.networks[0].data


async def test_a_port_of_its_own_goes_with_its_entry() -> None:
    ctx = server([OWN], recorded(entry_of([OWN])))
    Nova(ctx, interface("own"))
    assert await change(ctx, [{"port": "a"}]) == [
        ("DELETE", f"{PATH}/own"),
        ("DELETE", "/ports/own"),
        ("POST", PATH),
    ]
    assert "internal_ports" not in ctx.data


async def test_what_only_concerns_the_port_is_changed_on_it() -> None:
    ctx = server([OWN], recorded(entry_of([OWN])))
    Nova(ctx, interface("own"))
    ctx.cloud.on("PUT", "/ports/own")
    new = {**OWN, "port_extra_properties": {"admin_state_up": False, "no_fixed_ips": False}}
    assert await change(ctx, [new]) == [("PUT", "/ports/own")]
    assert ctx.cloud.sent("PUT")[0]["port"]["admin_state_up"] is False
    assert ctx.data["internal_ports"][0]["entry"] == entry_of([new])


async def test_a_floating_ip_moves_with_its_entry() -> None:
    ctx = server([{"port": "a", "floating_ip": "f"}])
    Nova(ctx, interface("a"))
    assert await change(ctx, [{"port": "a"}]) == [("PUT", "/floatingips/f")]
    assert ctx.cloud.sent("PUT") == [{"floatingip": {"port_id": None}}]
    ctx = server([{"port": "a"}])
    Nova(ctx, interface("a"))
    assert await change(ctx, [{"port": "a", "floating_ip": "f"}]) == [("PUT", "/floatingips/f")]


async def test_a_replaced_server_gives_its_ports_away_and_takes_them_back() -> None:
    ctx = server([OWN, {"port": "a"}], recorded(entry_of([OWN])))
    nova = Nova(ctx, interface("own"), interface("a"), interface("b"))
    ctx.cloud.on("GET", "/servers/s", {"server": {"status": "ACTIVE"}}).on("PUT", "/ports/own")
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert [each["port_id"] for each in nova.ports] == ["b"]
    assert ctx.cloud.sent("PUT", "/ports/own")[0] == {"port": {"fixed_ips": []}}
    ctx.cloud.on("GET", "/ports/own", {"port": {"device_id": "other", "network_id": "n"}})
    heirs = [("heir", "app-thing-xyzxyzxyzxyz-port-0"), ("stranger", "db-thing-xyz"), ("own", "app-thing-a")]
    ctx.cloud.on("GET", "/ports", {"ports": [{"id": each, "name": name} for each, name in heirs]})
    ctx.cloud.on("PUT", "/ports/heir")
    ctx.cloud.on("GET", "/ports/a", {"port": {"device_id": "s"}})
    ctx.cloud.on("DELETE", "/servers/other/os-interface/own")
    ctx.cloud.on("GET", "/servers/other/os-interface", {"interfaceAttachments": []})
    await ctx.type.undo_replace(ctx, ctx.props)
    assert {each["port_id"] for each in nova.ports} == {"own", "a", "b"}
    addresses = [{"ip_address": "10.0.0.1", "subnet_id": "sub"}]
    assert ctx.cloud.sent("PUT", "/ports/own")[-1] == {"port": {"fixed_ips": addresses}}
    assert "detached_ports" not in ctx.data
    assert ctx.cloud.sent("PUT", "/ports/heir") == [{"port": {"fixed_ips": []}}]
    changed = [path for method, path in ctx.cloud.asked() if method == "PUT"]
    assert changed[-2:] == ["/ports/heir", "/ports/own"]


KEPT = [
    ([{"network": "n"}], [{"network": "n", "subnet": "sub"}]),
    ([{"network": "n"}], [{"subnet": "sub"}]),
    ([{"network": "n"}], [{"network": "n", "fixed_ip": "10.0.0.1"}]),
    ([{"network": "n", "subnet": "sub"}], [{"network": "n"}]),
    ([{"network": "n"}, {"network": "m"}], [{"network": "m"}, {"network": "n"}]),
    ([{"network": "n"}, {"network": "m"}], [{"network": "m", "fixed_ip": "10.0.0.2"}, {"subnet": "sub"}]),
    ([{"network": "n"}, {"port": "b"}], [{"port": "b"}, {"subnet": "sub"}]),
    ([{"network": "n", "tag": "t"}], [{"network": "n"}]),
]


@pytest.mark.parametrize(("old", "new"), KEPT)
async def test_an_interface_that_has_what_an_entry_asks_for_stays(old: Any, new: Any) -> None:
    ctx = server(old)
    second = [interface("b", "m", "10.0.0.2")] if len(old) > 1 else []
    if second:
        second[0]["fixed_ips"][0]["subnet_id"] = "other"
    Nova(ctx, interface("a"), *second)
    assert await change(ctx, new) == []


@pytest.mark.parametrize(
    ("old", "new", "gone"),
    [
        ([{"network": "n"}], [{"network": "n", "subnet": "elsewhere"}], "a"),
        ([{"network": "n"}], [{"network": "n", "tag": "t"}], "a"),
        ([{"network": "n"}], [{"port": "new"}], "a"),
        ([{"port": "a"}], [{"network": "n"}], "a"),
        (
            [{"network": "n"}],
            [{"network": "n", "port_extra_properties": {"mac_address": "fa:16:3e:00:00:01"}}],
            "a",
        ),
    ],
)
async def test_an_interface_that_lacks_something_goes(old: Any, new: Any, gone: Any) -> None:
    ctx = server(old)
    Nova(ctx, interface("a") | {"tag": None, "mac_addr": "fa:16:3e:00:00:00"})
    ctx.cloud.on("GET", "/subnets/elsewhere", {"subnet": {"network_id": "n"}})
    ctx.cloud.on("GET", "/ports", {"ports": []}).on("POST", "/ports", {"port": {"id": "new"}})
    asked = await change(ctx, new)
    assert asked[0] == ("DELETE", f"{PATH}/{gone}")
    assert asked[-1] == ("POST", PATH)


async def test_a_demanding_entry_chooses_before_a_modest_one() -> None:
    ctx = server([{"network": "n"}])
    nova = Nova(ctx, interface("a"))
    await change(ctx, [{"network": "n"}, {"network": "n", "fixed_ip": "10.0.0.1"}])
    assert [each["port_id"] for each in nova.ports] == ["a", "new"]
    assert ctx.cloud.sent("POST", PATH) == [{"interfaceAttachment": {"net_id": "n"}}]


async def test_an_added_interface_has_the_security_groups_of_the_server() -> None:
    ctx = server([{"network": "m"}])
    ctx.properties = {**ctx.properties, "security_groups": ["web"]}
    Nova(ctx, interface("b", "m", "10.0.0.2"))
    ctx.cloud.on("GET", "/ports", {"ports": []}).on("POST", "/ports", {"port": {"id": "new"}})
    await change(ctx, [{"network": "m"}, {"network": "n"}])
    [made] = ctx.cloud.sent("POST", "/ports")
    assert (made["port"]["network_id"], made["port"]["security_groups"]) == ("n", ["web"])
    assert ctx.cloud.sent("POST", PATH) == [{"interfaceAttachment": {"port_id": "new"}}]
    assert [each["id"] for each in ctx.data["internal_ports"]] == ["new"]


async def test_two_entries_that_ask_for_the_same_get_a_port_each() -> None:
    ctx = FakeContext("OS::Nova::Server", properties={"flavor": "f", "image": "i", "networks": [OWN, OWN]})
    ctx.cloud.on("GET", "/subnets/sub", {"subnet": {"network_id": "n"}}).on("GET", "/ports", {"ports": []})
    ctx.cloud.on("POST", "/ports", {"port": {"id": "p0"}}, {"port": {"id": "p1"}})
    ctx.cloud.on("POST", "/servers", {"server": {"id": "s"}})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST", "/servers")[0]["server"]["networks"] == [{"port": "p0"}, {"port": "p1"}]


async def test_a_server_that_is_gone_has_nothing_to_give() -> None:
    ctx = server([OWN, {"port": "a"}], recorded(entry_of([OWN])))
    ctx.cloud.on("GET", "/servers/s", gone()).on("DELETE", "/ports/own")
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/ports/own")]
    assert ctx.data == {}


async def test_a_suspended_server_loses_and_gets_its_port_by_the_network_service() -> None:
    ctx = server([{"port": "a"}])
    nova = Nova(ctx, interface("a"))
    ctx.cloud.on("GET", "/servers/s", {"server": {"status": "SUSPENDED"}}).on("PUT", "/ports/a")
    refusal = CloudConflict("vm_state suspended", status=409)
    ctx.cloud.on("DELETE", f"{PATH}/a", refusal).on("POST", PATH, refusal)
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    nova.ports = []
    ctx.cloud.on("GET", "/ports/a", {"port": {"device_id": ""}})
    await ctx.type.undo_replace(ctx, ctx.props)
    assert [each["port"]["device_id"] for each in ctx.cloud.sent("PUT", "/ports/a")] == ["", "s"]


async def test_a_port_that_is_never_detached_is_not_waited_for_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stackd.resources.nova.ports.LONGEST_DETACH", -1.0)
    ctx = server([{"port": "a"}])
    Nova(ctx, interface("a"))
    ctx.cloud.on("DELETE", f"{PATH}/a")
    with pytest.raises(ResourceFailure, match="does not detach port a"):
        await change(ctx, [{"port": "new"}])


async def test_the_ports_of_a_broken_server_are_removed() -> None:
    ctx = server([OWN], recorded(entry_of([OWN])))
    Nova(ctx)
    ctx.cloud.on("GET", "/servers/s", {"server": {"status": "ERROR"}})
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", "/ports/own")]
