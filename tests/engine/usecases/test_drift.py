"""Detections of drift, from the request to what is known afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.db import drift as rows
from stackd.db.journal import Change, Update
from stackd.engine.usecases import drift
from stackd.engine.usecases.engine import DRIFT_KNOWN
from stackd.errors import ActionInProgress, BadRequest, NotFound, ResourceNotFound
from stackd.records import DriftDetection, DriftState, Stack, now
from tests.support.actions import a_server, a_test, entity_of, made, remove, resource, state, template
from tests.support.engine import Process, World
from tests.support.waiting import until

CONTENT = template(
    net=resource("OS::Neutron::Net", name="mine", tags=["t"]),
    subnet=resource(
        "OS::Neutron::Subnet",
        network={"get_resource": "net"},
        cidr="10.0.0.0/24",
        dns_nameservers=["8.8.8.8"],
    ),
    disk=resource("OS::Cinder::Volume", size=1, metadata={"k": "v"}),
    server=a_server(metadata={"role": "web"}),
    key=resource("OS::Nova::KeyPair", name="k"),
    value=resource("OS::Heat::Value", value="v"),
    group=resource("OS::Heat::ResourceGroup", count=1, resource_def=resource("OS::Neutron::Net")),
)  # fmt: skip


async def detected(process: Process, stack: Stack, *names: str) -> DriftDetection:
    begun = await drift.detect(process.engine, process.caller, stack, names or None)
    return await ended(process, begun.id)


async def ended(process: Process, detection_id: str) -> DriftDetection:
    found: list[DriftDetection] = []

    async def is_over() -> bool:
        found[:] = [await drift.detection(process.engine, process.caller, detection_id)]
        return found[0].state is not DriftState.RUNNING

    await until(is_over)
    return found[0]


async def known(process: Process, stack: Stack) -> dict[str, str]:
    _, found = await drift.listed(process.engine, process.caller, stack)
    return {each.name: each.status for each in found}


async def change(world: World, process: Process, stack: Stack, row: str, /, **values: Any) -> None:
    entity_of(world, (await process.rows(stack))[row]).data.update(values)


async def test_stack_that_nobody_touched_is_in_sync(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, CONTENT)
        done = await detected(process, stack)
        assert (done.state, done.drifted, done.compared) == (DriftState.DONE, 0, 5), done.reason
        assert await known(process, stack) == dict.fromkeys(
            ("disk", "key", "net", "server", "subnet"), "IN_SYNC"
        )
        assert state(await process.stack(stack)) == "CREATE_COMPLETE"
        assert (await process.stack(stack)).drift_id == done.id


async def test_what_was_changed_or_deleted_behind_our_back_is_found(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, CONTENT)
        await change(stackd_world, process, stack, "net", name="theirs", mtu=1400)
        await change(stackd_world, process, stack, "server", metadata={"role": "db", "more": "x"})
        remove(stackd_world, (await process.rows(stack))["disk"])
        done = await detected(process, stack)
        assert (done.state, done.drifted) == (DriftState.DONE, 3)
        found = await known(process, stack)
        assert {name for name, status in found.items() if status == "MODIFIED"} == {"net", "server"}
        assert found["disk"] == "DELETED"
        _, modified = await drift.listed(process.engine, process.caller, stack, ["MODIFIED"])
        assert {each.name: each.content["differences"] for each in modified} == {
            "net": [{"path": "/name", "expected": "mine", "actual": "theirs", "kind": "NOT_EQUAL"}],
            "server": [{"path": "/metadata/role", "expected": "web", "actual": "db", "kind": "NOT_EQUAL"}],
        }
        await change(stackd_world, process, stack, "net", name="mine")
        _, one = await drift.detect_one(process.engine, process.caller, stack, "net")
        assert one.status == "IN_SYNC"
        assert (await known(process, stack))["net"] == "IN_SYNC"


async def test_detection_of_some_resources_leaves_the_rest_as_it_was_known(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, CONTENT)
        await change(stackd_world, process, stack, "net", name="theirs")
        await detected(process, stack)
        done = await detected(process, stack, "disk")
        assert (done.drifted, done.compared) == (0, 1)
        assert (await known(process, stack))["net"] == "MODIFIED"
        with pytest.raises(ResourceNotFound):
            await detected(process, stack, "nothing")
        with pytest.raises(BadRequest, match="not supported for resource value"):
            await drift.detect_one(process.engine, process.caller, stack, "value")


async def test_one_detection_at_a_time_and_none_of_a_stack_in_progress(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        running = await process.create("s", template(r=a_test(wait_secs=5)))
        with pytest.raises(ActionInProgress):
            await drift.detect(process.engine, process.caller, running)
        stack = await process.done(running)
        begun = await drift.detect(process.engine, process.caller, stack)
        with pytest.raises(BadRequest, match=r"already in progress for stack \[s\]"):
            await drift.detect(process.engine, process.caller, stack)
        await ended(process, begun.id)
        await detected(process, stack)
        with pytest.raises(NotFound, match="Drift detection with id none does not exist"):
            await drift.detection(process.engine, process.caller, "none")


async def test_detection_fails_when_the_cloud_does_not_answer_and_says_why(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, template(net=resource("OS::Neutron::Net")))
        stackd_world.cloud.faults.replace(
            [{"effect": "status", "status": 403, "service": "network", "method": "GET"}]
        )
        done = await detected(process, stack)
        assert done.state is DriftState.FAILED
        assert "HTTP 403" in done.reason
        stackd_world.cloud.faults.replace([])
        assert (await detected(process, stack)).state is DriftState.DONE


async def test_detections_are_forgotten_long_after_their_end(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await made(process, template(net=resource("OS::Neutron::Net")))
        done = await detected(process, stack)
        await rows.forget(process.db, now() - DRIFT_KNOWN)
        assert await rows.detection(process.db, done.id, stack.project_id) == done
        await rows.forget(process.db, now() + DRIFT_KNOWN)
        assert await drift.newest_of(process.engine, await process.stack(stack)) is None
        assert await known(process, stack) == {"net": "IN_SYNC"}


@pytest.mark.parametrize("after", [False, True])
async def test_detection_is_completed_by_the_next_process(stackd_world: World, after: bool) -> None:
    def is_end(change: Change) -> bool:
        return isinstance(change, Update) and change.kind is DriftDetection

    async with stackd_world.process() as process:
        stack = await made(process, template(net=resource("OS::Neutron::Net", name="mine")))
    async with stackd_world.process(dies_on=is_end, after=after) as process:
        begun = await drift.detect(process.engine, process.caller, stack)
        await process.journal.died.wait()
        await process.engine.drifts.close()
    async with stackd_world.process() as process:
        done = await ended(process, begun.id)
        assert (done.state, done.compared) == (DriftState.DONE, 1)
        assert await known(process, stack) == {"net": "IN_SYNC"}


async def test_hidden_values_are_in_no_result(stackd_world: World) -> None:
    content = {
        "heat_template_version": "2018-08-31",
        "parameters": {"p": {"type": "string", "hidden": True, "default": "hunter2"}},
        "resources": {"net": resource("OS::Neutron::Net", name={"get_param": "p"})},
    }
    async with stackd_world.process() as process:
        stack = await made(process, content)
        await change(stackd_world, process, stack, "net", name="theirs")
        await detected(process, stack)
        _, found = await drift.listed(process.engine, process.caller, stack)
        assert found[0].status == "MODIFIED"
        assert "hunter2" not in str(found)
