"""Stories of single resources against a cloud that misbehaves."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
import structlog.testing

from stackd.db import resources
from stackd.db.journal import Update
from stackd.records import Action, Resource, Stack, Status
from tests.support.engine import Process, World
from tests.support.templates import hot
from tests.support.waiting import until


def net(name: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "OS::Neutron::Net", "properties": {"name": name} if name else {}, **more}


def subnet(cidr: str) -> dict[str, Any]:
    properties = {"network": {"get_resource": "net"}, "cidr": cidr}
    return {"type": "OS::Neutron::Subnet", "properties": properties}


VOLUME = {"type": "OS::Cinder::Volume", "properties": {"size": 1}}


def tune(process: Process, **values: Any) -> None:
    operator = process.engine.operator
    tuning = replace(operator.services.tuning, retry_pause=0.01, **values)
    operator.services = replace(operator.services, tuning=tuning)


async def mark(process: Process, row: Resource, action: Action, **values: Any) -> None:
    moved = {"action": action, "status": Status.FAILED, "reason": "marked", **values}
    await process.engine.services.journal.write(Update(Resource, row.id, moved))


def is_good(stack: Stack) -> bool:
    assert stack.status is Status.COMPLETE, stack.reason
    return True


async def test_object_in_error_is_deleted_and_made_again(stackd_world: World) -> None:
    rule = {"method": "POST", "path": "/volumes$", "effect": "error_status", "nth": [1, 2]}
    stackd_world.cloud.faults.replace([rule])
    async with stackd_world.process() as process:
        tune(process)
        stack = await process.done(await process.create("v", hot({"v": VOLUME})))
        assert is_good(stack)
        told = [line for line in await process.told(stack) if line.startswith("v ")][1:-1]
        attempt = ["v CREATE_FAILED", "v DELETE_IN_PROGRESS", "v DELETE_COMPLETE", "v CREATE_IN_PROGRESS"]
        assert told == ["v CREATE_IN_PROGRESS", *attempt, *attempt, "v CREATE_COMPLETE"]
        reasons = {each.reason for each in await process.events(stack) if each.status is Status.FAILED}
        assert all("status error" in reason for reason in reasons)
        assert stackd_world.counts() == {"volumes": 1}


async def test_last_object_in_error_is_left_for_a_look_and_the_first_cause_is_told(
    stackd_world: World,
) -> None:
    stackd_world.cloud.faults.replace([{"method": "POST", "path": "/volumes$", "effect": "error_status"}])
    async with stackd_world.process() as process:
        tune(process, create_retries=1)
        stack = await process.done(await process.create("v", hot({"v": VOLUME})))
        assert (stack.action, stack.status) == (Action.CREATE, Status.FAILED)
        assert stack.reason.startswith("Resource CREATE failed: ResourceInError: resources.v: ")
        row = (await process.rows(stack))["v"]
        assert (row.action, row.status) == (Action.CREATE, Status.FAILED)
        assert [each["status"] for each in stackd_world.objects("volumes")] == ["error"]
        stackd_world.cloud.faults.replace([])
        assert is_good(await process.done(await process.delete(stack)))
        assert stackd_world.counts() == {}


async def test_conflict_is_tried_again(stackd_world: World) -> None:
    rule = {"method": "POST", "path": "/networks$", "effect": "status", "status": 409, "nth": 1}
    stackd_world.cloud.faults.replace([rule])
    async with stackd_world.process() as process:
        tune(process)
        assert is_good(await process.done(await process.create("n", hot({"net": net()}))))
        assert stackd_world.counts() == {"networks": 1}


async def test_deletion_of_what_is_in_use_is_tried_for_a_minute(stackd_world: World) -> None:
    rule = {"method": "DELETE", "path": "/networks/", "effect": "status", "status": 409, "times": 9}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net()})))
        stackd_world.cloud.faults.replace([rule])
        assert is_good(await process.done(await process.delete(stack)))
        assert stackd_world.counts() == {}


async def test_bad_request_is_not_tried_again(stackd_world: World) -> None:
    rule = {"method": "POST", "path": "/networks$", "effect": "status", "status": 400}
    stackd_world.cloud.faults.replace([rule])
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net()})))
        assert stack.status is Status.FAILED
        assert stackd_world.cloud.faults.rules[0].fired == 1


@pytest.mark.parametrize("effect", ["drop_after", "drop"])
async def test_lost_answer_neither_doubles_nor_loses_the_object(stackd_world: World, effect: str) -> None:
    stackd_world.cloud.faults.replace(
        [{"method": "POST", "path": "/networks$", "effect": effect, "times": 1}]
    )
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net()})))
        assert is_good(stack)
        row = (await process.rows(stack))["net"]
        assert [each["id"] for each in stackd_world.objects("networks")] == [row.physical_id]


async def test_object_whose_answer_is_lost_each_time_is_still_found(stackd_world: World) -> None:
    rules = [
        {"method": "POST", "path": "/networks$", "effect": "drop", "nth": 1},
        {"method": "POST", "path": "/networks$", "effect": "drop_after", "nth": 1},
    ]
    stackd_world.cloud.faults.replace(rules)
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net()})))
        assert len(stackd_world.objects("networks")) <= 1
        assert is_good(await process.done(await process.delete(stack)))
        assert stackd_world.counts() == {}


async def test_intent_id_and_outcome_are_stored_in_this_order(stackd_world: World) -> None:
    seen: list[tuple[str, bool, int]] = []
    async with stackd_world.process() as process:
        journal = process.journal
        original = journal.write

        async def spy(*changes: Any, fence: Any = None) -> None:
            for each in changes:
                if isinstance(each, Update) and each.kind is Resource:
                    made = len(stackd_world.objects("volumes"))
                    state = f"{each.values.get('action', '')}/{each.values.get('status', '')}"
                    seen.append((state, "physical_id" in each.values, made))
            await original(*changes, fence=fence)

        journal.write = spy  # type: ignore[method-assign]
        assert is_good(await process.done(await process.create("v", hot({"v": VOLUME}))))
    assert seen == [("CREATE/IN_PROGRESS", False, 0), ("/", True, 1), ("CREATE/COMPLETE", False, 1)]


async def test_retained_object_stays_when_its_resource_goes(stackd_world: World) -> None:
    kept = net(deletion_policy="retain")
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"a": kept, "b": net()})))
        stack = await process.done(await process.update(stack, hot({"b": net()})))
        assert set(await process.rows(stack)) == {"b"}
        assert stackd_world.counts() == {"networks": 2}
        assert is_good(await process.done(await process.delete(stack)))
        assert stackd_world.counts() == {"networks": 1}


async def test_external_object_is_adopted_read_and_never_touched(stackd_world: World) -> None:
    outputs = {"name": {"value": {"get_attr": ["mine", "name"]}}}
    async with stackd_world.process() as process:
        owner = await process.done(await process.create("owner", hot({"net": net("shared")})))
        identity = (await process.rows(owner))["net"].physical_id
        adopted = net(external_id={"get_param": "id"})
        template = hot({"mine": adopted}, outputs=outputs, parameters={"id": {"type": "string"}})
        given = {"parameters": {"id": identity}}
        stack = await process.done(await process.create("user", template, **given))
        assert is_good(stack)
        row = (await process.rows(stack))["mine"]
        assert (row.action, row.physical_id, row.deletion_policy) == (Action.ADOPT, identity, "Retain")
        assert await process.outputs(stack) == {"name": "shared"}
        stack = await process.done(await process.update(stack, template, **given))
        assert is_good(stack)
        stack = await process.done(await process.update(stack, hot({"mine": net()})))
        assert stack.reason.endswith(
            "Update to property external_id of mine (OS::Neutron::Net) is not supported."
        )
        assert is_good(await process.done(await process.delete(stack)))
        assert stackd_world.counts() == {"networks": 1}


async def test_adoption_that_failed_is_tried_again(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        owner = await process.done(await process.create("owner", hot({"net": net()})))
        identity = (await process.rows(owner))["net"].physical_id or ""
        stackd_world.cloud.faults.replace(
            [
                {
                    "method": "GET",
                    "path": f"/networks/{identity}",
                    "effect": "status",
                    "status": 403,
                    "times": 2,
                }
            ]
        )
        template = hot({"mine": net(external_id=identity)})
        stack = await process.done(await process.create("user", template))
        assert stack.status is Status.FAILED
        stack = await process.done(await process.update(stack, template))
        assert is_good(stack)
        row = (await process.rows(stack))["mine"]
        assert (row.action, row.status) == (Action.ADOPT, Status.COMPLETE)


async def test_resource_of_ours_cannot_become_external(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net()})))
        row = (await process.rows(stack))["net"]
        owner = await process.done(await process.create("owner", hot({"net": net()})))
        other = (await process.rows(owner))["net"].physical_id
        stack = await process.done(await process.update(stack, hot({"net": net(external_id=other)})))
        assert stack.status is Status.FAILED
        after = (await process.rows(stack))["net"]
        assert (after.physical_id, after.external_id) == (row.physical_id, None)
        assert (after.action, after.status) == (Action.UPDATE, Status.FAILED)


async def test_failed_update_that_was_not_made_is_made_by_the_next(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net("a")})))
        before = (await process.rows(stack))["net"]
        rule = {"method": "PUT", "path": "/networks/", "effect": "status", "status": 400, "times": 1}
        stackd_world.cloud.faults.replace([rule])
        stack = await process.done(await process.update(stack, hot({"net": net("b")})))
        assert stack.status is Status.FAILED
        stack = await process.done(await process.update(stack, hot({"net": net("b")})))
        assert is_good(stack)
        assert [each["name"] for each in stackd_world.objects("networks")] == ["b"]
        assert (await process.rows(stack))["net"].physical_id == before.physical_id


async def test_failed_resource_that_needs_nothing_becomes_complete_with_a_word(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net("a")})))
        before = (await process.rows(stack))["net"]
        await mark(process, before, Action.UPDATE)
        stack = await process.done(await process.update(stack, hot({"net": net("a")})))
        after = (await process.rows(stack))["net"]
        assert (after.physical_id, after.status) == (before.physical_id, Status.COMPLETE)
        assert after.reason == "Update status to COMPLETE for FAILED resource neither update nor replace."


async def test_unhealthy_resource_is_replaced_though_its_object_looks_sound(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net("a")})))
        before = (await process.rows(stack))["net"]
        await mark(process, before, Action.CHECK)
        stack = await process.done(await process.update(stack, hot({"net": net("a")})))
        assert is_good(stack)
        assert (await process.rows(stack))["net"].physical_id != before.physical_id
        assert stackd_world.counts() == {"networks": 1}


async def test_object_that_somebody_else_deleted_is_no_trouble(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net()})))
        tables = stackd_world.cloud.store.tables
        [networks] = [table for name, table in tables.items() if name.endswith(".networks")]
        networks.rows.pop((await process.rows(stack))["net"].physical_id or "")
        assert is_good(await process.done(await process.delete(stack)))


async def test_resource_whose_type_is_gone_fails_alone_and_may_be_retained(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net(), "other": net()})))
        row = (await process.rows(stack))["other"]
        journal = process.engine.services.journal
        await journal.write(Update(Resource, row.id, {"kind": "Acme::Gone", "type": "Acme::Gone"}))
        stack = await process.done(await process.update(stack, hot({"net": net("new")})))
        assert stack.status is Status.FAILED
        assert "The type Acme::Gone of resource other is no longer installed" in stack.reason
        assert "new" in {each["name"] for each in stackd_world.objects("networks")}
        await journal.write(Update(Resource, row.id, {"deletion_policy": "Retain"}))
        stack = await process.done(await process.update(stack, hot({"net": net("new")})))
        assert is_good(stack)
        assert set(await process.rows(stack)) == {"net"}


async def test_rollback_of_changed_parameters_keeps_the_originals(stackd_world: World) -> None:
    changing = subnet("x")
    changing["properties"]["cidr"] = {"get_param": "cidr"}
    failing = {
        "type": "OS::Heat::TestResource",
        "depends_on": "subnet",
        "properties": {"fail": {"get_param": "fail"}},
    }
    template = hot(
        {"net": net(), "subnet": changing, "bad": failing},
        parameters={"cidr": {"type": "string"}, "fail": {"type": "boolean"}},
    )
    async with stackd_world.process() as process:
        first = {"cidr": "10.1.0.0/24", "fail": False}
        stack = await process.done(
            await process.create("n", template, parameters=first, disable_rollback=False)
        )
        before = await process.rows(stack)
        changed = {"cidr": "10.2.0.0/24", "fail": True}
        stack = await process.done(await process.update(stack, template, parameters=changed))
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
        after = await process.rows(stack)
        assert after["subnet"].physical_id == before["subnet"].physical_id
        assert after["subnet"].replaced_by is None
        assert [each["cidr"] for each in stackd_world.objects("subnets")] == ["10.1.0.0/24"]


async def test_replaced_port_gives_its_address_and_a_rollback_takes_it_back(stackd_world: World) -> None:
    def port(mac: str) -> dict[str, Any]:
        fixed = [{"subnet": {"get_resource": "subnet"}, "ip_address": "10.1.0.9"}]
        properties = {"network": {"get_resource": "net"}, "fixed_ips": fixed, "mac_address": mac}
        return {"type": "OS::Neutron::Port", "properties": properties}

    base = {"net": net(), "subnet": subnet("10.1.0.0/24")}
    bad = {"type": "OS::Heat::TestResource", "depends_on": "port", "properties": {"fail": True}}
    one, two = port("fa:16:3e:00:00:01"), port("fa:16:3e:00:00:02")
    async with stackd_world.process() as process:
        template = hot(base | {"port": one})
        stack = await process.done(await process.create("p", template, disable_rollback=False))
        before = (await process.rows(stack))["port"]
        stack = await process.done(await process.update(stack, hot(base | {"port": two, "bad": bad})))
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
        [left] = stackd_world.objects("ports")
        assert left["id"] == before.physical_id
        assert [each["ip_address"] for each in left["fixed_ips"]] == ["10.1.0.9"]
        stack = await process.done(await process.update(stack, hot(base | {"port": two})))
        assert is_good(stack)
        [left] = stackd_world.objects("ports")
        assert left["mac_address"] == "fa:16:3e:00:00:02"
        assert [each["ip_address"] for each in left["fixed_ips"]] == ["10.1.0.9"]


async def until_in_progress(process: Process, stack: Stack) -> None:
    async def holds() -> bool:
        rows = await resources.of_stack(process.db, stack.id)
        return any(row.status is Status.IN_PROGRESS for row in rows)

    await until(holds)


async def test_timeout_fails_a_replacement_that_is_being_made(stackd_world: World) -> None:
    def waiting(value: str, seconds: int) -> dict[str, Any]:
        properties = {"update_replace_value": value, "action_wait_secs": {"create": seconds}}
        return {"type": "OS::Heat::TestResource", "properties": properties}

    async with stackd_world.process() as process:
        stack = await process.done(await process.create("t", hot({"w": waiting("a", 0)})))
        stack = await process.update(stack, hot({"w": waiting("b", -1)}))
        await until_in_progress(process, stack)
        cancellation = process.engine.operator._trees[stack.root_id].cancellation
        assert cancellation is not None
        cancellation.set_deadline(0.05)
        stack = await process.done(stack)
        assert stack.status is Status.FAILED
        assert stack.reason.startswith("Timed out after ")
        states = {(row.action, row.status) for row in await resources.of_stack(process.db, stack.id)}
        assert states == {(Action.CREATE, Status.COMPLETE), (Action.CREATE, Status.FAILED)}


async def test_refused_change_fails_the_resource_itself(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"net": net("a")})))
        owner = await process.done(await process.create("owner", hot({"net": net()})))
        other = (await process.rows(owner))["net"].physical_id
        stack = await process.done(await process.update(stack, hot({"net": net("a", external_id=other)})))
        events = [each for each in await process.events(stack) if each.resource_name == "net"]
        assert (events[-1].action, events[-1].status) == (Action.UPDATE, Status.FAILED)
        assert events[-1].reason.startswith("NotSupported: resources.net: ")


def waiting(**seconds: float) -> dict[str, Any]:
    return {"type": "OS::Heat::TestResource", "properties": {"action_wait_secs": seconds}}


FAILS = {"type": "OS::Heat::TestResource", "properties": {"fail": True}}


async def states(process: Process, stack: Stack) -> set[tuple[str, Action, Status]]:
    found = await resources.of_tree(process.db, stack.root_id)
    return {(row.name, row.action, row.status) for row in found}


async def test_failure_lets_others_end_and_starts_nothing_new(stackd_world: World) -> None:
    members = {"bad": FAILS, "w": waiting(create=0.2), "after": net() | {"depends_on": "w"}}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("f", hot(members)))
        assert stack.status is Status.FAILED
        assert await states(process, stack) == {
            ("bad", Action.CREATE, Status.FAILED),
            ("w", Action.CREATE, Status.COMPLETE),
            ("after", Action.INIT, Status.COMPLETE),
        }


async def test_unexpected_error_of_a_type_is_logged_and_not_shown(
    stackd_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> None:
        raise RuntimeError("postgresql://user:secret@db")

    monkeypatch.setattr("stackd.resources.neutron.net.Net.create", breaks)
    with structlog.testing.capture_logs() as logs:
        async with stackd_world.process() as process:
            stack = await process.done(await process.create("f", hot({"n": net()})))
    expected = "RuntimeError: resources.n: Unexpected error in the engine; its log has the details"
    assert stack.reason.startswith(f"Resource CREATE failed: {expected}")
    assert [each["resource"] for each in logs if each["event"] == "action_broke"] == ["n"]


async def test_what_does_not_end_after_a_failure_is_given_up_after_a_time_of_grace(
    stackd_world: World,
) -> None:
    async with stackd_world.process() as process:
        tune(process, grace=0.1)
        stack = await process.done(await process.create("f", hot({"bad": FAILS, "w": waiting(create=-1)})))
        assert stack.reason.startswith("Resource CREATE failed: ValueError: resources.bad: ")
        row = (await process.rows(stack))["w"]
        assert (row.action, row.status) == (Action.CREATE, Status.FAILED)
        assert "CREATE aborted (" in row.reason


async def test_timeout_reaches_into_nested_stacks(stackd_world: World) -> None:
    group = {
        "type": "OS::Heat::ResourceGroup",
        "properties": {"count": 1, "resource_def": waiting(create=-1)},
    }
    async with stackd_world.process() as process:
        stack = await process.create("t", hot({"g": group}))

        async def begun() -> bool:
            return ("0", Action.CREATE, Status.IN_PROGRESS) in await states(process, stack)

        await until(begun)
        cancellation = process.engine.operator._trees[stack.root_id].cancellation
        assert cancellation is not None
        cancellation.set_deadline(0.05)
        stack = await process.done(stack)
        assert stack.status is Status.FAILED
        assert re.fullmatch(
            r"Timed out after 3600 s while waiting for g/0 \(CREATE for \d+ s\)", stack.reason
        )
        assert await states(process, stack) == {
            ("g", Action.CREATE, Status.FAILED),
            ("0", Action.CREATE, Status.FAILED),
        }
        reason = (await process.rows(stack))["g"].reason
        assert reason == "ResourceFailure: resources.g.resources.0: CREATE aborted (Timed out)"


async def test_service_that_is_out_of_order_for_a_while_fails_nothing(stackd_world: World) -> None:
    rule = {"method": "GET", "path": "/volumes/", "effect": "status", "status": 503, "times": 5}
    async with stackd_world.process() as process:
        stackd_world.cloud.faults.replace([rule])
        stack = await process.done(await process.create("v", hot({"v": VOLUME})))
        assert is_good(stack)
        assert stackd_world.cloud.faults.rules[0].fired == 5


async def test_update_in_place_needs_what_it_needed_until_it_is_done(stackd_world: World) -> None:
    def value(of: str) -> dict[str, Any]:
        return {"type": "OS::Neutron::Net", "properties": {"name": {"get_attr": [of, "value"]}}}

    word = {"type": "OS::Heat::RandomString"}
    seen: list[set[str]] = []
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("n", hot({"a": word, "n": value("a")})))
        write = process.journal.write

        async def spy(*changes: Any, fence: Any = None) -> None:
            seen.extend(
                set(each.values["requires"])
                for each in changes
                if isinstance(each, Update) and "requires" in each.values
            )
            await write(*changes, fence=fence)

        process.journal.write = spy  # type: ignore[method-assign]
        stack = await process.done(await process.update(stack, hot({"b": word, "n": value("b")})))
        assert is_good(stack)
        assert {"a", "b"} in seen
        row = (await process.rows(stack))["n"]
        assert (row.requires, row.previous_properties) == (("b",), None)


async def test_replaced_server_hands_its_port_over_and_a_rollback_hands_it_back(
    stackd_world: World,
) -> None:
    def members(flavor: str) -> dict[str, Any]:
        network = {"network": {"get_resource": "net"}}
        port = {"type": "OS::Neutron::Port", "properties": network, "depends_on": "subnet"}
        properties = {
            "flavor": flavor,
            "flavor_update_policy": "REPLACE",
            "image": "cirros",
            "networks": [{"port": {"get_resource": "port"}}],
        }
        server = {"type": "OS::Nova::Server", "properties": properties}
        return {"net": net(), "subnet": subnet("10.1.0.0/24"), "port": port, "server": server}

    def attached() -> list[str]:
        return [port["device_id"] for port in stackd_world.objects("ports")]

    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", hot(members("m1.tiny")), disable_rollback=False))
        before = (await process.rows(stack))["server"].physical_id
        assert attached() == [before]
        failing = members("m1.small") | {"bad": FAILS | {"depends_on": "server"}}
        stack = await process.done(await process.update(stack, hot(failing)))
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
        assert [each["id"] for each in stackd_world.objects("servers")] == [before]
        assert attached() == [before]
        stack = await process.done(await process.update(stack, hot(members("m1.small"))))
        assert is_good(stack)
        [after] = [each["id"] for each in stackd_world.objects("servers")]
        assert after != before
        assert attached() == [after]
