import base64
import email
import json
from dataclasses import replace
from typing import Any

import pytest

from stackd.clients.failures import AnswerLost
from stackd.errors import (
    CloudConflict,
    CloudError,
    OverQuota,
    PropertyError,
    ResourceFailure,
    ResourceInError,
)
from stackd.records import SoftwareConfig
from stackd.resources.follows import Sibling
from stackd.template.unknown import Unknown
from tests.support.context import LONG_AGO, FakeContext, among, followed, gone

KIND = "OS::Nova::Server"
NAME = "app-thing-abcdefghijkl"
MADE = {"server": {"id": "s"}}


def server(
    physical: str | None = "s", stored: Any = None, siblings: Any = (), **properties: Any
) -> FakeContext:
    values = {"flavor": "small", "image": "cirros", "user_data_format": "RAW"} | properties
    return FakeContext(
        KIND,
        physical=physical,
        properties=values,
        stored=stored or {},
        siblings=list(siblings),
    )


def live(status: str = "ACTIVE", **values: Any) -> dict[str, Any]:
    return {"server": {"id": "s", "status": status, **values}}


async def sent_for(ctx: FakeContext) -> Any:
    ctx.cloud.on("POST", "/servers", MADE)
    await ctx.type.create(ctx, ctx.props)
    call = next(call for call in ctx.cloud.calls if call.path == "/servers")
    return call.body["server"], call


async def update(ctx: FakeContext, **changed: Any) -> Any:
    await ctx.type.update(ctx, ctx.props, ctx.load({**ctx.properties, **changed}))
    return ctx.cloud.sent("POST", "/servers/s/action")


async def test_a_plain_server_finds_its_networks_by_itself() -> None:
    ctx = server(None, key_name="key", metadata={"n": 1}, scheduler_hints={"group": "g"}, user_data="hi")
    body, call = await sent_for(ctx)
    assert body == {
        "name": NAME,
        "imageRef": "cirros",
        "flavorRef": "small",
        "key_name": "key",
        "user_data": base64.b64encode(b"hi").decode(),
        "metadata": {"n": "1"},
    }
    assert call.body["os:scheduler_hints"] == {"group": "g"}
    assert call.microversion == "2.36"
    assert ctx.physical_id == "s"


async def test_networks_files_and_groups() -> None:
    ctx = server(
        None,
        networks=[{"network": "n", "fixed_ip": "10.0.0.9", "tag": "t"}, {"port": "p"}],
        personality={"/a": "x"},
        admin_pass="pw",
        diskConfig="AUTO",
    )
    body, call = await sent_for(ctx)
    assert body["networks"] == [{"uuid": "n", "fixed_ip": "10.0.0.9", "tag": "t"}, {"port": "p"}]
    assert body["personality"] == [{"path": "/a", "contents": "eA=="}]
    assert (body["adminPass"], body["OS-DCF:diskConfig"]) == ("pw", "AUTO")
    assert call.microversion == "2.56"
    other, _ = await sent_for(server(None, networks=[{"allocate_network": "none"}], security_groups=["web"]))
    assert (other["networks"], other["security_groups"]) == ("none", [{"name": "web"}])


PORT = {"subnet": "sub", "fixed_ip": "10.0.0.9", "port_extra_properties": {"value_specs": {"x": 1}}}


def with_port(ctx: FakeContext) -> Any:
    ctx.cloud.on("GET", "/subnets/sub", {"subnet": {"network_id": "net"}})
    ctx.cloud.on("GET", "/ports", {"ports": []})
    ctx.cloud.on("POST", "/ports", {"port": {"id": "p0"}})
    return ctx


async def test_a_port_is_made_for_a_subnet_and_recorded() -> None:
    ctx = with_port(server(None, networks=[PORT], security_groups=["web"]))
    body, _ = await sent_for(ctx)
    assert body["networks"] == [{"port": "p0"}]
    assert ctx.cloud.sent("POST", "/ports") == [
        {
            "port": {
                "name": f"{NAME}-port-0",
                "network_id": "net",
                "fixed_ips": [{"subnet_id": "sub", "ip_address": "10.0.0.9"}],
                "security_groups": ["web"],
                "x": 1,
                "admin_state_up": True,
                "binding:vnic_type": "normal",
            }
        }
    ]
    assert [each["id"] for each in ctx.data["internal_ports"]] == ["p0"]


async def test_a_lost_answer_leaves_the_port_to_the_next_attempt() -> None:
    ctx = with_port(server(None, networks=[PORT]))
    ctx.cloud.on("POST", "/servers", AnswerLost("?"), MADE)
    with pytest.raises(AnswerLost):
        await ctx.type.create(ctx, ctx.props)
    await ctx.type.create(ctx, ctx.props)
    assert len(ctx.cloud.sent("POST", "/ports")) == 1


async def test_a_port_whose_answer_was_lost_is_found_by_its_name() -> None:
    ctx = with_port(server(None, networks=[PORT]))
    ctx.cloud.on("GET", "/ports", {"ports": [{"id": "lost"}]})
    body, _ = await sent_for(ctx)
    assert body["networks"] == [{"port": "lost"}]
    assert ctx.cloud.sent("POST", "/ports") == []


async def test_a_refused_server_leaves_no_ports() -> None:
    ctx = with_port(server(None, networks=[PORT]))
    ctx.cloud.on("POST", "/servers", OverQuota("cores")).on("DELETE", "/ports/p0", gone())
    with pytest.raises(OverQuota):
        await ctx.type.create(ctx, ctx.props)
    assert ("DELETE", "/ports/p0") in ctx.cloud.asked()
    assert "internal_ports" not in ctx.data


async def test_the_text_of_a_software_config_is_used() -> None:
    config = SoftwareConfig(
        id="6b3c9c2e-30a3-4b71-8d6f-111111111111",
        project_id="project-id",
        name="config",
        group=None,
        created_at=LONG_AGO,
        content={"config": "#!/bin/sh"},
    )
    ctx = server(None, user_data=config.id)
    ctx.software.configs[config.id] = config
    body, _ = await sent_for(ctx)
    assert base64.b64decode(body["user_data"]) == b"#!/bin/sh"


async def test_software_config_has_a_way_to_its_metadata() -> None:
    ctx = server(None, user_data_format="SOFTWARE_CONFIG")
    body, _ = await sent_for(ctx)
    section = ctx.resource.metadata["os-collect-config"]
    assert section["collectors"] == ["ec2", "cfn", "local"]
    assert section["cfn"] == {
        "metadata_url": "http://heat.test:8000/v1/",
        "access_key_id": "access",
        "secret_access_key": "secret",
        "stack_name": "app",
        "path": "thing.Metadata",
    }
    parts = {
        part.get_filename(): part.get_payload(decode=True)
        for part in email.message_from_bytes(base64.b64decode(body["user_data"])).walk()
    }
    init = parts["cfn-init-data"]
    assert isinstance(init, bytes)
    assert json.loads(init) == {"os-collect-config": section, "deployments": []}
    assert ctx.shown({})["os_collect_config"] == section


async def test_another_transport_blanks_the_first() -> None:
    ctx = server(user_data_format="SOFTWARE_CONFIG")
    await update(ctx, software_config_transport="POLL_SERVER_CFN", deployment_swift_data={"object": "o"})
    await update(ctx, software_config_transport="POLL_SERVER_HEAT")
    section = ctx.resource.metadata["os-collect-config"]
    assert section["collectors"] == ["ec2", "heat", "local"]
    assert section["heat"]["stack_id"] == "app/stack-id"
    assert set(section["cfn"].values()) == {None}


async def test_floating_ips_and_tags_follow() -> None:
    ctx = server(networks=[{"port": "p", "floating_ip": "f"}], tags=["a"])
    ctx.cloud.on("PUT", "/floatingips/f").on("PUT", "/servers/s/tags")
    tagged = live()
    tagged["server"]["tags"] = ["a"]
    ctx.cloud.on("GET", "/servers/s", live("BUILD"), live(), tagged)
    await ctx.type.configure(ctx, ctx.props)
    assert ctx.cloud.sent("PUT") == [{"floatingip": {"port_id": "p"}}, {"tags": ["a"]}]
    assert (await ctx.live())["tags"] == ["a"]


def test_states() -> None:
    kind = server().type
    assert kind.ready({"status": "ACTIVE"})
    assert not kind.ready({"status": "BUILD"})
    for somebodys in ("SHUTOFF", "SUSPENDED", "PAUSED", "RESCUE", "SHELVED_OFFLOADED"):
        assert kind.ready({"status": somebodys})
    with pytest.raises(ResourceFailure, match="Unknown status DELETED"):
        kind.ready({"status": "DELETED"})
    with pytest.raises(OverQuota, match="Maximum number of ports exceeded"):
        kind.ready({"status": "ERROR", "fault": {"message": "Maximum number of ports exceeded", "code": 403}})
    with pytest.raises(ResourceInError, match='ERROR due to "Message: No valid host, Code: 500"'):
        kind.ready({"status": "ERROR", "fault": {"message": "No valid host", "code": 500}})
    assert kind.broken({"status": "ERROR"})
    assert not kind.broken({"status": "SHUTOFF"})


@pytest.mark.parametrize(
    ("properties", "problem"),
    [
        ({"networks": [{}]}, "must be given"),
        ({"networks": [{"allocate_network": "auto"}, {"network": "n"}]}, "only thing"),
        ({"networks": [{"port": "p", "fixed_ip": "1.2.3.4"}]}, "cannot both"),
        ({"networks": [{"network": "n", "floating_ip": "f"}]}, "needs a port"),
        ({"networks": [{"port": "p"}], "security_groups": ["g"]}, "no effect"),
        ({"image": None}, "Neither image nor bootable"),
        ({"block_device_mapping_v2": [{"volume_id": "v", "boot_index": 0}]}, "Multiple bootable"),
        ({"block_device_mapping_v2": [{"volume_id": "v", "swap_size": 1}]}, "Exactly one of"),
        ({"block_device_mapping_v2": [{}]}, "Exactly one of"),
        ({"block_device_mapping": [{"device_name": "vda"}]}, "Exactly one of volume_id"),
        (
            {
                "block_device_mapping": [{"device_name": "a", "volume_id": "v"}],
                "block_device_mapping_v2": [{}],
            },
            "at the same time",
        ),
    ],
)
def test_what_does_not_go_together(properties: Any, problem: Any) -> None:
    values = {"flavor": "f", "image": "i"} | properties
    ctx = FakeContext(KIND, properties={key: value for key, value in values.items() if value is not None})
    with pytest.raises(PropertyError, match=problem):
        ctx.type.validate(ctx.props)


@pytest.mark.parametrize(
    "properties",
    [
        {"networks": Unknown("n")},
        {"networks": [{"port": Unknown("p")}, Unknown("x")]},
        {"block_device_mapping_v2": [{"volume_id": Unknown("v"), "boot_index": 1}]},
        {"block_device_mapping_v2": Unknown("b")},
    ],
)
def test_what_is_not_known_passes(properties: Any) -> None:
    ctx = server(**properties)
    assert ctx.type.validate(ctx.props) is None


async def test_disks_are_described_to_the_service() -> None:
    devices = [
        {"volume_id": "v", "delete_on_termination": True},
        {"swap_size": 64},
        {"ephemeral_size": 1, "ephemeral_format": "ext4"},
    ]
    body, _ = await sent_for(server(None, block_device_mapping_v2=devices))
    swap, empty = body["block_device_mapping_v2"][2:]
    assert [each["source_type"] for each in body["block_device_mapping_v2"]] == [
        *("image", "volume", "blank", "blank")
    ]
    assert swap == {
        "source_type": "blank",
        "destination_type": "local",
        "boot_index": -1,
        "guest_format": "swap",
        "volume_size": 64,
    }
    assert (empty["guest_format"], empty["volume_size"]) == ("ext4", 1)
    boots = FakeContext(KIND, properties={"flavor": "f", "block_device_mapping_v2": [{"volume_id": "v"}]})
    body, _ = await sent_for(boots)
    assert body["block_device_mapping_v2"][0]["boot_index"] == 0
    assert body["imageRef"] == ""


def test_subnets_of_its_networks_come_first() -> None:
    ctx = server(networks=[{"network": "a"}])
    subnets = among(
        Sibling("one", "OS::Neutron::Subnet", {"network": "a"}),
        Sibling("two", "OS::Neutron::Subnet", {"network": "b"}),
        Sibling("three", "OS::Neutron::Subnet", {}),
        Sibling("four", "OS::Heat::Value", {"network": "a"}),
    )
    assert followed(ctx, ctx.props, subnets) == {"one", "three"}
    anywhere = ctx.load({"flavor": "f", "networks": [{"port": "p"}]})
    assert followed(ctx, anywhere, subnets) == {"one", "two", "three"}
    assert followed(ctx, ctx.load({"flavor": "f", "networks": Unknown("v")}), subnets) == {
        "one",
        "two",
        "three",
    }
    assert followed(ctx, ctx.load({"flavor": "f"}), subnets) == set()


@pytest.mark.parametrize(
    ("changed", "replaced"),
    [
        ({"flavor": "big"}, False),
        ({"flavor": "big", "flavor_update_policy": "REPLACE"}, True),
        ({"image": "other"}, False),
        ({"image": "other", "image_update_policy": "REPLACE"}, True),
        ({"image": None}, True),
        ({"user_data": "new"}, True),
        ({"user_data": "new", "user_data_update_policy": "IGNORE"}, False),
    ],
)
def test_policies_decide_what_replaces(changed: Any, replaced: Any) -> None:
    ctx = server()
    new = ctx.load({key: value for key, value in {**ctx.properties, **changed}.items() if value is not None})
    assert bool(ctx.type.needs_replace(ctx.props, new, new.changed(ctx.props))) is replaced


@pytest.mark.parametrize(
    ("disks", "replaced"), [([{"volume_id": "v", "boot_index": 0}], True), (None, False)]
)
def test_image_replaces_a_server_that_boots_from_a_disk(disks: Any, replaced: bool) -> None:
    ctx = server(block_device_mapping_v2=disks)
    old = ctx.load({key: value for key, value in ctx.properties.items() if key != "image" and value})
    new = ctx.load({**old.data, "image": "copy"})
    assert bool(ctx.type.needs_replace(old, new, frozenset({"image"}))) is replaced


async def test_small_things_change_at_once() -> None:
    ctx = server(metadata={"a": "1", "b": "2"}, name="old", tags=["x"])
    path = "/servers/s/metadata"
    ctx.cloud.on("DELETE", f"{path}/a", gone()).on("POST", path).on("PUT", "/servers/s/tags")
    ctx.cloud.on("PUT", "/servers/s").on("POST", "/servers/s/action")
    actions = await update(ctx, metadata={"b": {"x": 1}}, name="new", tags=None, admin_pass="pw")
    assert ctx.cloud.sent("POST", path) == [{"metadata": {"b": '{"x": 1}'}}]
    assert ctx.cloud.sent("PUT") == [{"tags": []}, {"server": {"name": "new"}}]
    assert actions == [{"changePassword": {"adminPass": "pw"}}]


def flavored(status: Any, flavor: Any, **values: Any) -> Any:
    return live(status, flavor={"id": flavor}, **values)


async def test_another_flavor_resizes_and_confirms() -> None:
    ctx = server()
    ctx.cloud.on(
        "GET",
        "/servers/s",
        flavored("ACTIVE", "small"),
        flavored("ACTIVE", "small", **{"OS-EXT-STS:task_state": "resize_prep"}),
        flavored("RESIZE", "small"),
        flavored("VERIFY_RESIZE", "big"),
        flavored("VERIFY_RESIZE", "big"),
        flavored("VERIFY_RESIZE", "big"),
        flavored("ACTIVE", "big"),
    ).on("POST", "/servers/s/action")
    assert await update(ctx, flavor="big") == [{"resize": {"flavorRef": "big"}}, {"confirmResize": None}]


async def test_a_stopped_server_is_resized_and_stays_stopped() -> None:
    ctx = server()
    states = [flavored("SHUTOFF", "small"), flavored("RESIZE", "small"), flavored("VERIFY_RESIZE", "big")]
    states += [flavored("VERIFY_RESIZE", "big"), flavored("SHUTOFF", "big")]
    ctx.cloud.on("GET", "/servers/s", *states).on("POST", "/servers/s/action")
    assert await update(ctx, flavor="big") == [{"resize": {"flavorRef": "big"}}, {"confirmResize": None}]


async def test_a_server_that_cannot_be_resized_is_not_waited_for() -> None:
    ctx = server()
    ctx.cloud.on("GET", "/servers/s", flavored("SUSPENDED", "small"))
    ctx.cloud.on(
        "POST", "/servers/s/action", CloudConflict("Cannot 'resize' in vm_state suspended", status=409)
    )
    with pytest.raises(CloudConflict, match="suspended"):
        await update(ctx, flavor="big")
    assert len(ctx.cloud.sent("POST")) == 2


async def test_a_busy_server_is_resized_when_it_is_free() -> None:
    ctx = server()
    busy = flavored("ACTIVE", "small", **{"OS-EXT-STS:task_state": "image_uploading"})
    ctx.cloud.on("GET", "/servers/s", busy, busy, flavored("VERIFY_RESIZE", "big"), flavored("ACTIVE", "big"))
    ctx.cloud.on("POST", "/servers/s/action", CloudConflict("busy", status=409), None)
    actions = [next(iter(each)) for each in await update(ctx, flavor="big")]
    assert actions == ["resize", "resize", "confirmResize"]


@pytest.mark.parametrize(("first", "actions"), [("VERIFY_RESIZE", [{"confirmResize": None}]), ("ACTIVE", [])])
async def test_a_resize_goes_on_where_it_was(first: Any, actions: Any) -> None:
    ctx = server()
    states = [flavored(first, "big")] * 3
    ctx.cloud.on("GET", "/servers/s", *states, flavored("ACTIVE", "big")).on("POST", "/servers/s/action")
    assert await update(ctx, flavor="big") == actions


async def test_a_resize_that_came_to_nothing_fails() -> None:
    ctx = server()
    ctx.cloud.on("GET", "/servers/s", flavored("ACTIVE", "small")).on("POST", "/servers/s/action")
    with pytest.raises(ResourceFailure, match="Resizing to 'big' failed"):
        await update(ctx, flavor="big")


async def test_another_image_rebuilds() -> None:
    ctx = server(image_update_policy="REBUILD_PRESERVE_EPHEMERAL", admin_pass="pw", name="n")
    ctx.cloud.on("GET", "/servers/s", live(), live("REBUILD"), live()).on("POST", "/servers/s/action")
    (action,) = await update(ctx, image="new", admin_pass="pw2")
    assert {**action["rebuild"], "metadata": {}} == {
        "imageRef": "new",
        "metadata": {},
        "preserve_ephemeral": True,
        "adminPass": "pw2",
        "name": "n",
    }


async def test_other_user_data_rebuilds_on_demand() -> None:
    ctx = server(user_data_update_policy="REBUILD")
    ctx.cloud.on("GET", "/servers/s", live()).on("POST", "/servers/s/action")
    (action,) = await update(ctx, user_data="x")
    assert base64.b64decode(action["rebuild"]["user_data"]) == b"x"


async def test_deletion_waits_and_takes_the_ports_along() -> None:
    ctx = server(stored={"internal_ports": [{"id": "p0", "name": "x", "entry": {}}]})
    ctx.cloud.on("DELETE", "/servers/s").on("DELETE", "/ports/p0").on("POST", "/servers/s/action")
    ctx.cloud.on("GET", "/servers/s", live(), live("SOFT_DELETED"), gone())
    await ctx.type.delete(ctx, ctx.props)
    assert [await ctx.type.is_gone(ctx) for _ in range(3)] == [False, False, True]
    assert ctx.cloud.asked() == [
        ("DELETE", "/servers/s"),
        ("POST", "/servers/s/action"),
        ("DELETE", "/ports/p0"),
    ]
    assert ctx.data == {}


async def test_ports_go_also_when_the_server_is_gone_or_never_was() -> None:
    for physical in ("s", None):
        ctx = server(physical, stored={"internal_ports": [{"id": "p0", "name": "x", "entry": {}}]})
        ctx.cloud.on("DELETE", "/servers/s", gone()).on("DELETE", "/ports/p0")
        await ctx.type.delete(ctx, ctx.props)
        assert ctx.data == {}


async def test_a_failed_deletion_is_told() -> None:
    ctx = server()
    deleting = live("ERROR", **{"OS-EXT-STS:task_state": "deleting"})
    ctx.cloud.on("GET", "/servers/s", deleting, live("ERROR", fault={"message": "stuck"}))
    assert not await ctx.type.is_gone(ctx)
    with pytest.raises(ResourceInError, match="stuck"):
        await ctx.type.is_gone(ctx)


async def test_a_server_to_keep_becomes_an_image_first() -> None:
    ctx = server()
    ctx.resource = replace(ctx.resource, deletion_policy="Snapshot")
    ctx.cloud.on("POST", "/servers/s/action", {"image_id": "i"}).on("DELETE", "/servers/s")
    ctx.cloud.on("GET", "/images/i", {"status": "queued"}, {"status": "active"})
    ctx.cloud.on("GET", "/servers/s", live(), live(**{"OS-EXT-STS:task_state": "image_uploading"}), live())
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("POST", "/servers/s/action"), ("DELETE", "/servers/s")]


async def test_snapshots() -> None:
    ctx = server(stored={"snapshot": SNAPSHOT})
    ctx.cloud.on("POST", "/servers/s/action", {"image_id": "i"}).on("DELETE", "/images/i", None, gone())
    ctx.cloud.on("GET", "/images/i", CloudError("down"), {"status": "active"}, {"status": "killed"})
    ctx.cloud.on("GET", "/servers/s", live())
    with pytest.raises(CloudError):
        await ctx.type.snapshot(ctx, ctx.props)
    await ctx.type.snapshot(ctx, ctx.props)
    kept = {"snapshot_image_id": ctx.data["snapshot_image_id"]}
    assert ctx.cloud.sent("POST") == [{"createImage": {"name": f"{NAME}-50c803ae1558"}}]
    assert ctx.type.restored({"image": "x", "flavor": "f"}, kept) == {"image": "i", "flavor": "f"}
    await ctx.type.delete_snapshot(ctx, kept)
    await ctx.type.delete_snapshot(ctx, kept)
    with pytest.raises(ResourceInError):
        await ctx.type.snapshot(ctx, ctx.props)


SNAPSHOT = "60ddf012-8229-4667-a978-50c803ae1558"


async def test_image_whose_answer_is_lost_is_found_and_not_made_twice() -> None:
    ctx, name = server(stored={"snapshot": SNAPSHOT}), f"{NAME}-50c803ae1558"
    image = {"id": "i", "name": name, "instance_uuid": "s", "created_at": "2026-01-01T00:00:01Z"}
    ctx.cloud.on("POST", "/servers/s/action", AnswerLost("lost"))
    ctx.cloud.on("GET", "/images", {"images": [image | {"id": "j", "instance_uuid": "t"}, image]})
    ctx.cloud.on("GET", "/images/i", {"status": "active"}).on("GET", "/servers/s", live())
    await ctx.type.snapshot(ctx, ctx.props)
    assert ctx.data["snapshot_image_id"] == "i"
    assert len(ctx.cloud.sent("POST")) == 1
    ctx.cloud.on("GET", "/images", {"images": [image]}).on("DELETE", "/images/i")
    await ctx.type.delete_snapshot(ctx, {"copy": name})
    assert ctx.cloud.asked("DELETE") == [("DELETE", "/images/i")]


SHOWN: dict[str, Any] = {"addresses": {"net": [{"addr": "10.0.0.9", "version": 4}]}, "name": "n"}
PORTS = {
    "interfaceAttachments": [{"port_id": "p", "net_id": "id", "fixed_ips": [{"ip_address": "10.0.0.9"}]}]
}


async def test_addresses_are_known_by_name_and_id_of_the_network() -> None:
    ctx = server()
    ctx.cloud.on("GET", "/servers/s", live(**SHOWN)).on("GET", "/servers/s/os-interface", PORTS)
    assert await ctx.attribute("networks") == {"net": ["10.0.0.9"], "id": ["10.0.0.9"]}
    entry = [{"addr": "10.0.0.9", "version": 4, "port": "p"}]
    assert await ctx.attribute("addresses") == {"net": entry, "id": entry}
    seen = ctx.shown(SHOWN)
    assert (seen["first_address"], seen["name"]) == ("10.0.0.9", "n")


async def test_consoles_that_are_not_there_say_why() -> None:
    ctx = server()
    url = {"remote_console": {"url": "http://c"}}
    ctx.cloud.on("POST", "/servers/s/remote-consoles", url, CloudError("no spice"))
    consoles = await ctx.attribute("console_urls")
    assert (consoles["novnc"], consoles["spice-html5"]) == ("http://c", "no spice")
