"""Suspend, resume and check from the request to the stored end, on a simulated cloud."""

from __future__ import annotations

import pytest

from stackd.errors import NotSupported
from stackd.records import Status
from tests.support.actions import a_server, a_test, act, change, made, remove, resource, state, template
from tests.support.engine import World

EMPTY = {"heat_template_version": "2018-08-31"}
FULL = "Stack CHECK completed successfully"
PARTLY = f"{FULL}. 'CHECK' not fully supported (see resources)"


async def test_suspended_stack_rests_in_reverse_order_until_it_is_resumed(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, template(web=a_server(), t=a_test("web")))
        before = len(await process.told(stack))
        suspended = await act(process, stack, "suspend")
        assert (state(suspended), suspended.reason) == (
            "SUSPEND_COMPLETE",
            "Stack SUSPEND completed successfully",
        )
        assert (await process.told(stack))[before:] == [
            "s SUSPEND_IN_PROGRESS",
            "t SUSPEND_IN_PROGRESS",
            "t SUSPEND_COMPLETE",
            "web SUSPEND_IN_PROGRESS",
            "web SUSPEND_COMPLETE",
            "s SUSPEND_COMPLETE",
        ]
        assert [each["status"] for each in stackd_world.objects("servers")] == ["SUSPENDED"]
        again = await act(process, stack, "suspend")
        assert again == suspended
        with pytest.raises(NotSupported, match="Updating a stack when it is suspended is not supported"):
            await process.update(stack, EMPTY)
        resumed = await act(process, stack, "resume")
        assert state(resumed) == "RESUME_COMPLETE"
        assert [each["status"] for each in stackd_world.objects("servers")] == ["ACTIVE"]
        assert await act(process, stack, "resume") == resumed
        assert resumed.outputs == stack.outputs


async def test_check_names_all_that_is_lost_and_the_next_update_replaces_it(stackd_world: World) -> None:
    content = template(
        net=resource("OS::Neutron::Net"),
        port=resource("OS::Neutron::Port", network={"get_resource": "net"}),
        web=a_server(),
        disk=resource("OS::Cinder::Volume", size=1),
        t=a_test("web"),
        rest=resource("OS::Heat::RandomString"),
    )
    async with stackd_world.process() as process:
        stack = await made(process, content)
        checked = await act(process, stack, "check")
        assert (state(checked), checked.reason) == ("CHECK_COMPLETE", PARTLY)
        rows = await process.rows(stack)
        assert {state(row) for row in rows.values()} == {"CHECK_COMPLETE"}
        assert rows["net"].reason == "CHECK not supported for OS::Neutron::Net"
        remove(stackd_world, rows["port"], rows["disk"])
        change(stackd_world, rows["web"], status="ERROR")
        checked = await act(process, stack, "check")
        now = await process.rows(stack)
        assert state(checked) == "CHECK_FAILED"
        assert {name for name, row in now.items() if row.status is Status.FAILED} == {"port", "web", "disk"}
        assert now["web"].reason == "Error: resources.web: 'status': expected 'ACTIVE', got 'ERROR'"
        assert f"web: {now['web'].reason}" in checked.reason
        assert checked.reason.startswith("Resource CHECK failed: ")
        assert checked.reason.endswith(". 'CHECK' not fully supported (see resources)")
        assert now["t"] == rows["t"], "what needs a lost resource is not checked"
        await process.update(stack, content)
        after = await process.done(stack)
        assert state(after) == "UPDATE_COMPLETE"
        healed = await process.rows(stack)
        assert all(healed[name].physical_id != rows[name].physical_id for name in ("port", "web", "disk"))
        assert healed["net"].physical_id == rows["net"].physical_id
        assert state(await act(process, stack, "check")) == "CHECK_COMPLETE"
