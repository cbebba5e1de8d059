"""Containers: what they send, how they are connected anew, and how they go."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.clients.failures import AnswerLost
from stackd.errors import PropertyError, ResourceFailure, ResourceInError
from stackd.resources.zun import networks
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext, gone, make_resource

KIND = "OS::Zun::Container"
NAME = "app-thing-abcdefghijkl"
PATH = "/containers/c1"
PLAIN = {"image": "nginx"}
RUNNING = {"uuid": "c1", "status": "Running", "updated_at": "1"}


def addresses(**ports: tuple[str, str]) -> dict[str, Any]:
    """What a container shows that has these ports: network and address of each."""
    shown: dict[str, Any] = {}
    for port, (network, address) in ports.items():
        shown.setdefault(network, []).append({"addr": address, "port": port, "subnet_id": "s", "version": 4})
    return RUNNING | {"addresses": shown}


SENT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"name": "web", "cpu": 0.5, "memory": 64}, {"name": "web", "cpu": 0.5, "memory": 64}),
    ({"command": "sh -c 'sleep 9'"}, {"command": ["sh", "-c", "sleep 9"]}),
    ({"environment": {"A": 1, "B": "b"}}, {"environment": {"A": "1", "B": "b"}}),
    ({"restart_policy": "always"}, {"restart_policy": {"Name": "always", "MaximumRetryCount": "0"}}),
    (
        {"restart_policy": "on-failure:3"},
        {"restart_policy": {"Name": "on-failure", "MaximumRetryCount": "3"}},
    ),
    (
        {"mounts": [{"volume_id": "v", "mount_path": "/a"}, {"volume_size": 2, "mount_path": "/b"}]},
        {"mounts": [{"source": "v", "destination": "/a"}, {"size": "2", "destination": "/b"}]},
    ),
    (
        {"networks": [{"network": "n", "fixed_ip": "10.0.0.9"}, {"network": "m"}, {"port": "p"}]},
        {"nets": [{"network": "n", "v4-fixed-ip": "10.0.0.9"}, {"network": "m"}, {"port": "p"}]},
    ),
    (
        {"networks": [{"network": "n", "fixed_ip": "fd00::9"}, {"network": "m", "port": "p"}]},
        {"nets": [{"network": "n", "v6-fixed-ip": "fd00::9"}, {"port": "p"}]},
    ),
    (
        {
            "security_groups": ["g"],
            "hints": {"a": "b"},
            "tty": True,
            "interactive": False,
            "labels": {"c": "d"},
        },
        {
            "security_groups": ["g"],
            "hints": {"a": "b"},
            "tty": True,
            "interactive": False,
            "labels": {"c": "d"},
        },
    ),
]


@pytest.mark.parametrize(("given", "sent"), SENT)
async def test_container_is_made_and_started(given: dict[str, Any], sent: dict[str, Any]) -> None:
    ctx = FakeContext(KIND, properties=PLAIN | given)
    ctx.type.validate(ctx.props)
    ctx.cloud.on("POST", "/containers", {"uuid": "c1", "status": "Creating"})
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [{"name": NAME, "image": "nginx", "security_groups": []} | sent]
    assert ctx.cloud.calls[0].params == {"run": True}
    assert ctx.physical_id == ctx.type.reference(ctx.resource) == "c1"


async def test_interrupted_creation_is_found_by_its_name() -> None:
    ctx = FakeContext(KIND, properties=PLAIN)
    ours = {"uuid": "c1", "name": NAME}
    ctx.cloud.on("GET", "/containers", {"containers": [ours, {"uuid": "c2", "name": f"{NAME}2"}]})
    assert await ctx.type.find(ctx, ctx.props) == [ours]
    assert ctx.cloud.calls[0].params == {"name": NAME}


# --- states ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [{"status": "Running"}, {"status": "Paused"}, {"status": "Stopped"}])
async def test_container_is_waited_for_until_it_has_run(last: dict[str, Any]) -> None:
    ctx = FakeContext(KIND, properties=PLAIN, physical="c1")
    ctx.cloud.on("GET", PATH, {"status": "Creating"}, {"status": "Created"}, last)
    await ctx.type.configure(ctx, ctx.props)
    assert len(ctx.cloud.calls) == 3


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ({"status": "Error", "status_reason": "no image"}, 'Went to status Error due to "no image"'),
        ({"status": "Error"}, 'due to "Unknown"'),
        ({"status": "Stopped", "interactive": True}, "Went to status Stopped"),
        ({"status": "Dead"}, "Went to status Dead"),
    ],
)
async def test_container_that_will_not_run_is_made_again(last: dict[str, Any], message: str) -> None:
    ctx = FakeContext(KIND, properties=PLAIN, physical="c1")
    ctx.cloud.on("GET", PATH, last)
    with pytest.raises(ResourceInError, match=message):
        await ctx.type.configure(ctx, ctx.props)


def test_container_is_replaced_only_in_error() -> None:
    kind = FakeContext(KIND).type
    assert kind.broken({"status": "Error"})
    assert not kind.broken({"status": "Stopped"})


# --- changes --------------------------------------------------------------------------------------------


async def test_change_in_place_is_sent_without_the_networks() -> None:
    given = PLAIN | {"name": "web", "cpu": 1, "memory": 64}
    ctx = FakeContext(KIND, properties=given, physical="c1")
    ctx.cloud.on("PATCH", PATH)
    await ctx.type.update(ctx, ctx.props, ctx.load(given | {"name": "other", "memory": 128}))
    await ctx.type.update(ctx, ctx.props, ctx.load(PLAIN))
    assert ctx.cloud.sent("PATCH") == [{"name": "other", "memory": 128}, {"name": NAME}]


@pytest.mark.parametrize(
    ("now", "wanted", "asked"),
    [
        (addresses(p=("n", "10.0.0.5")), [{"network": "n"}], []),
        (
            addresses(p=("n", "10.0.0.5")),
            [{"network": "n", "fixed_ip": "10.0.0.9"}],
            [("network_detach", {"port": "p"}), ("network_attach", {"network": "n", "fixed_ip": "10.0.0.9"})],
        ),
        (
            addresses(p=("n", "10.0.0.5"), q=("m", "10.0.1.5")),
            [{"network": "m"}, {"port": "r"}],
            [("network_detach", {"port": "p"}), ("network_attach", {"port": "r"})],
        ),
        (addresses(p=("n", "10.0.0.5")), [{"port": "p"}], []),
        (addresses(), None, [("network_attach", {})]),
        (addresses(p=("n", "1")), None, [("network_detach", {"port": "p"}), ("network_attach", {})]),
    ],
)
async def test_networks_are_brought_to_what_is_asked_for(
    now: dict[str, Any], wanted: Any, asked: list[tuple[str, dict[str, Any]]]
) -> None:
    ctx = FakeContext(KIND, properties=PLAIN | {"networks": [{"network": "x"}]}, physical="c1")
    live = now
    made = iter(("new1", "new2"))

    def act(call: Any) -> None:
        nonlocal live
        shown = dict(live["addresses"])
        if call.path.endswith("detach"):
            shown = {net: each for net, each in shown.items() if each[0]["port"] != call.params["port"]}
        else:
            port = call.params.get("port") or next(made)
            entry = {"addr": call.params.get("fixed_ip") or "10.9.9.9", "port": port}
            shown[call.params.get("network") or "default"] = [entry]
        live = live | {"addresses": shown}

    ctx.cloud.on("GET", PATH, lambda call: live)
    for action in ("network_attach", "network_detach"):
        ctx.cloud.on("POST", f"{PATH}/{action}", act)
    given = PLAIN if wanted is None else PLAIN | {"networks": wanted}
    await ctx.type.update(ctx, ctx.props, ctx.load(given))
    calls = [call for call in ctx.cloud.calls if call.method == "POST"]
    kept = [{k: v for k, v in call.params.items() if v is not None} for call in calls]
    assert list(zip([c.path.rpartition("/")[2] for c in calls], kept, strict=True)) == asked


async def test_port_whose_answer_was_lost_is_not_asked_for_twice() -> None:
    ctx = FakeContext(KIND, properties=PLAIN, physical="c1")
    ctx.cloud.on("GET", PATH, addresses(), addresses(), addresses(p=("n", "10.0.0.5")))
    ctx.cloud.on("POST", f"{PATH}/network_attach", AnswerLost("lost"))
    await ctx.type.update(ctx, ctx.props, ctx.load(PLAIN | {"networks": [{"network": "n"}]}))
    assert len(ctx.cloud.asked("POST")) == 1


async def test_what_is_under_way_is_not_asked_for() -> None:
    ctx = FakeContext(KIND, properties=PLAIN, physical="c1")
    busy = addresses() | {"task_state": "network_attaching"}
    ctx.cloud.on("GET", PATH, busy, busy, addresses(p=("n", "10.0.0.5")))
    await ctx.type.update(ctx, ctx.props, ctx.load(PLAIN | {"networks": [{"network": "n"}]}))
    assert ctx.cloud.asked() == []


async def test_what_the_service_agreed_to_and_never_does_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(networks, "_LONGEST", -1.0)
    ctx = FakeContext(KIND, properties=PLAIN, physical="c1")
    ctx.cloud.on("GET", PATH, addresses()).on("POST", f"{PATH}/network_attach")
    with pytest.raises(ResourceFailure, match="has not managed in -1 s that the container is connected to n"):
        await ctx.type.update(ctx, ctx.props, ctx.load(PLAIN | {"networks": [{"network": "n"}]}))


def test_container_is_compared_by_what_it_shows() -> None:
    given = PLAIN | {
        "command": "sleep 9", "memory": 64, "security_groups": ["web"],
        "networks": [{"network": "n"}, {"network": "m"}],
    }  # fmt: skip
    ctx = FakeContext(KIND, properties=given)
    live = addresses(p=("n", "10.0.0.5")) | {
        "image": "nginx", "command": ["sleep", "8"], "memory": "64", "security_groups": ["id"],
    }  # fmt: skip
    seen = dict(ctx.type.observed(ctx.props, live))
    wanted, found = seen.pop("networks")
    assert (len(wanted), [each["network"] for each in found]) == (2, ["n"])
    assert seen == {
        "image": ("nginx", "nginx"),
        "command": (["sleep", "9"], ["sleep", "8"]),
        "memory": (64, 64),
    }


def test_attributes_are_fields() -> None:
    ctx = FakeContext(KIND, physical="c1")
    assert ctx.shown({"name": "n", "addresses": {}}) == {"name": "n", "addresses": {}}


# --- replacement ----------------------------------------------------------------------------------------


async def test_ports_are_let_go_and_taken_back() -> None:
    given = PLAIN | {"networks": [{"port": "p"}, {"network": "m"}]}
    ctx = FakeContext(KIND, properties=given, physical="c1")
    both, one = addresses(p=("n", "1"), q=("m", "2")), addresses(q=("m", "2"))
    ctx.cloud.on("GET", PATH, both, both, one).on("POST", f"{PATH}/network_detach")
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    assert [call.params for call in ctx.cloud.calls if call.method == "POST"] == [{"port": "p"}]
    ctx.cloud.on("GET", PATH, one).on("GET", "/containers", {"containers": [{"uuid": "c1"}]})
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    ctx.cloud.on("GET", PATH, one, one, one, both).on("POST", f"{PATH}/network_attach")
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == [
        ("POST", f"{PATH}/network_detach"),
        ("POST", f"{PATH}/network_attach"),
    ]


async def test_container_with_a_volume_goes_and_is_made_again_once_the_other_is_gone() -> None:
    given = PLAIN | {"mounts": [{"volume_id": "v", "mount_path": "/a"}]}
    ctx = FakeContext(KIND, properties=given, physical="c1")
    ctx.siblings = [
        make_resource("thing", KIND, physical_id="c2"),
        make_resource("x", KIND, physical_id="c3"),
    ]
    ctx.cloud.on("GET", PATH, RUNNING, gone()).on("DELETE", PATH)
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    listed = {"containers": [{"uuid": each} for each in ("c2", "c3", "c4")]}
    ctx.cloud.on("GET", "/containers", listed)
    ctx.cloud.on("GET", "/containers/c2", RUNNING, gone()).on("DELETE", "/containers/c2")
    ctx.cloud.on("POST", "/containers", AnswerLost("lost"))
    ours = RUNNING | {"uuid": "c5", "name": NAME}
    ctx.cloud.on("GET", "/containers", listed, {"containers": [ours]}).on("GET", "/containers/c5", ours)
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == [("DELETE", PATH), ("DELETE", "/containers/c2"), ("POST", "/containers")]
    assert (ctx.physical_id, ctx.data) == ("c5", {})


async def test_container_that_holds_nothing_alone_stays_as_it_is() -> None:
    given = PLAIN | {"mounts": [{"volume_size": 1, "mount_path": "/a"}], "networks": [{"network": "n"}]}
    ctx = FakeContext(KIND, properties=given, physical="c1")
    ctx.cloud.on("GET", PATH, addresses(p=("n", "1")))
    await ctx.type.prepare_for_replace(ctx, ctx.props)
    await ctx.type.undo_replace(ctx, ctx.props)
    assert ctx.cloud.asked() == []


# --- deletion -------------------------------------------------------------------------------------------


async def test_container_is_stopped_and_deleted() -> None:
    ctx = FakeContext(KIND, properties=PLAIN, physical="c1")
    ctx.cloud.on("GET", PATH, RUNNING, RUNNING | {"status": "Deleting"}, gone()).on("DELETE", PATH)
    await ctx.type.delete(ctx, ctx.props)
    (deletion,) = (call for call in ctx.cloud.calls if call.method == "DELETE")
    assert (deletion.params, deletion.headers) == ({"stop": True}, {"Connection": "close"})
    assert not await ctx.type.is_gone(ctx)
    assert await ctx.type.is_gone(ctx)


async def test_paused_container_is_let_run_first() -> None:
    ctx = FakeContext(KIND, properties=PLAIN, physical="c1")
    paused = RUNNING | {"status": "Paused"}
    ctx.cloud.on("GET", PATH, paused, paused, RUNNING).on("DELETE", PATH).on("POST", f"{PATH}/unpause")
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("POST", f"{PATH}/unpause"), ("DELETE", PATH)]


async def test_deletion_of_a_container_in_error_is_given_time() -> None:
    ctx = FakeContext(KIND, properties=PLAIN, physical="c1")
    broken = RUNNING | {"status": "Error", "status_reason": "in use"}
    going = broken | {"task_state": "container_deleting"}
    ctx.cloud.on("GET", PATH, broken, broken, going, going, broken).on("DELETE", PATH)
    await ctx.type.delete(ctx, ctx.props)
    assert ctx.slept == [0.1]
    assert not await ctx.type.is_gone(ctx)
    with pytest.raises(ResourceInError, match="in use"):
        await ctx.type.is_gone(ctx)


# --- rules ----------------------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"command": "sh -c 'x"}, "cannot be parted"),
    ({"restart_policy": "sometimes"}, "no restart_policy sometimes"),
    ({"restart_policy": "always:3"}, "no restart_policy always:3"),
    ({"mounts": [{"mount_path": "/a"}]}, "either a volume_id or a volume_size"),
    ({"mounts": [{"mount_path": "/a", "volume_id": "v", "volume_size": 1}]}, "either a volume_id"),
    ({"networks": [{"fixed_ip": "10.0.0.9"}]}, "network or a port must be given"),
    ({"networks": [{"port": "p", "fixed_ip": "10.0.0.9"}]}, "fixed_ip is for networks"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_properties_that_do_not_go_together(given: dict[str, Any], message: str) -> None:
    ctx = FakeContext(KIND, properties=PLAIN | given)
    with pytest.raises(PropertyError, match=message) as refused:
        ctx.type.validate(ctx.props)
    assert str(refused.value.path).startswith(f"properties.{next(iter(given))}")


RIGHT: list[dict[str, Any]] = [
    {"restart_policy": "on-failure"},
    {"restart_policy": "unless-stopped"},
    {
        "command": Unknown("c"),
        "restart_policy": Unknown("r"),
        "mounts": Unknown("m"),
        "networks": Unknown("n"),
    },
    {"mounts": [{"mount_path": "/a", "volume_id": Unknown("v")}], "networks": [{"port": Unknown("p")}]},
]


@pytest.mark.parametrize("given", RIGHT)
def test_properties_that_do(given: dict[str, Any]) -> None:
    ctx = FakeContext(KIND, properties=PLAIN | given)
    assert ctx.type.validate(ctx.props) is None
