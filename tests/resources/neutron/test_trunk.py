from typing import Any

import pytest

from stackd.clients.failures import AnswerLost
from stackd.errors import ResourceInError
from tests.support.context import FakeContext

KIND = "OS::Neutron::Trunk"


def vlan(number: int, port: str) -> dict[str, Any]:
    return {"port": port, "segmentation_type": "vlan", "segmentation_id": number}


def live(*sub_ports: tuple[int, str]) -> dict[str, Any]:
    entries = [
        {"port_id": port, "segmentation_type": "vlan", "segmentation_id": number}
        for number, port in sub_ports
    ]
    return {"trunk": {"id": "t1", "status": "ACTIVE", "sub_ports": entries}}


def changing(*answers: Any) -> FakeContext:
    ctx = FakeContext(KIND, physical="t1")
    ctx.cloud.on("GET", "/trunks/t1", *answers)
    ctx.cloud.on("PUT", "/trunks/t1/remove_subports", {})
    ctx.cloud.on("PUT", "/trunks/t1/add_subports", {})
    return ctx


async def update(ctx: FakeContext, old: list[Any], new: list[Any]) -> list[tuple[str, list[str]]]:
    before, after = ({"port": "p0", "sub_ports": each} for each in (old, new))
    await ctx.type.update(ctx, ctx.load(before), ctx.load(after))
    return [
        (call.path.rpartition("/")[2], [each["port_id"] for each in call.body["sub_ports"]])
        for call in ctx.cloud.calls
        if call.method == "PUT"
    ]


async def test_trunk_is_made_with_its_sub_ports() -> None:
    ctx = FakeContext(KIND, properties={"port": "p0", "sub_ports": [vlan(7, "p1")], "admin_state_up": False})
    ctx.cloud.on("POST", "/trunks", live((7, "p1")))
    await ctx.type.create(ctx, ctx.props)
    assert ctx.cloud.sent("POST") == [
        {
            "trunk": {
                "name": ctx.physical_name,
                "port_id": "p0",
                "admin_state_up": False,
                "sub_ports": live((7, "p1"))["trunk"]["sub_ports"],
            }
        }
    ]


async def test_sub_ports_are_exchanged_and_those_of_others_stay() -> None:
    ctx = changing(live((7, "p1"), (8, "p2"), (9, "foreign")), live())
    sent = await update(ctx, [vlan(7, "p1"), vlan(8, "p2")], [vlan(8, "p1"), vlan(5, "p3")])
    assert sent == [("remove_subports", ["p1", "p2"]), ("add_subports", ["p1", "p3"])]


async def test_exchange_that_was_done_before_asks_for_nothing() -> None:
    ctx = changing(live((5, "p3"), (9, "foreign")))
    assert await update(ctx, [vlan(7, "p1")], [vlan(5, "p3")]) == []


async def test_exchange_whose_answer_was_lost_goes_on_with_what_is_left() -> None:
    ctx = changing(live((7, "p1")), live())
    ctx.cloud.on("PUT", "/trunks/t1/remove_subports", AnswerLost("lost"))
    sent = await update(ctx, [vlan(7, "p1")], [vlan(5, "p3")])
    assert sent == [("remove_subports", ["p1"]), ("add_subports", ["p3"])]


async def test_what_is_taken_away_returns_to_what_it_is_by_itself() -> None:
    ctx = changing()
    ctx.cloud.on("PUT", "/trunks/t1", {})
    old = ctx.load({"port": "p0", "admin_state_up": False, "description": "thin", "name": "a"})
    await ctx.type.update(ctx, old, ctx.load({"port": "p0"}))
    body = {"admin_state_up": True, "description": "", "name": ctx.physical_name}
    assert ctx.cloud.sent("PUT") == [{"trunk": body}]


@pytest.mark.parametrize("status", ["ERROR", "DEGRADED"])
def test_trunk_in_error_is_never_ready(status: str) -> None:
    ctx = FakeContext(KIND)
    with pytest.raises(ResourceInError, match=status):
        ctx.type.ready({"status": status})
