"""Clusters of containers, and containers without any, through their life and its accidents."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackd.devcloud.zun.containers import CONTAINERS, release
from stackd.engine.usecases import abandoning, actions
from stackd.records import Action, Stack, Status
from tests.engine.usecases.test_abandoning import permit
from tests.engine.usecases.test_adopting import adopt
from tests.scenarios.lives import Death
from tests.scenarios.story import Story, Wish
from tests.support.clusters import IN_PLACE, REPLACING, some, template
from tests.support.engine import Process, World, world

TABLES = ("container-infra.clustertemplates", "container-infra.clusters", "container.containers")


def ids(made: World, *tables: str) -> list[str]:
    """The ids of the objects in these tables."""
    made.cloud.store.settle()
    return [each.id for table in tables for each in made.cloud.store.all(table)]


def only(made: World, table: str) -> dict[str, Any]:
    """The only object in a table."""
    (identity,) = ids(made, table)
    found = made.cloud.store.get(table, identity)
    assert found is not None
    return found.data


async def done(process: Process, stack: Stack) -> dict[str, str]:
    """The physical ids once all is well."""
    found = await process.done(stack)
    assert found.status is Status.COMPLETE, found.reason
    return {name: row.physical_id or "" for name, row in (await process.rows(stack)).items()}


async def test_every_type_lives(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("s", template())
        before = await done(process, stack)
        assert ids(made, *TABLES) == [before["plan"], before["cluster"], before["box"]]
        outputs = await process.outputs(stack)
        assert (outputs["status"], len(outputs["nodes"])) == ("CREATE_COMPLETE", 2)
        assert (outputs["of"], outputs["engine"]) == (before["plan"], "kubernetes")
        assert list(outputs["addresses"]) == [before["net"]]
        box = only(made, TABLES[2])
        assert (box["status"], box["command"], box["environment"]) == (
            *("Running", ["sleep", "1000"]),
            {"A": "1"},
        )

        await process.update(stack, template(IN_PLACE))
        assert await done(process, stack) == before
        outputs = await process.outputs(stack)
        assert (outputs["status"], len(outputs["nodes"])) == ("UPDATE_COMPLETE", 3)
        assert (outputs["name"], list(outputs["addresses"])) == ("renamed", [before["other"]])
        assert only(made, TABLES[2])["memory"] == "128"

        await actions.act(process.engine, process.caller, await process.stack(stack), "check")
        assert await done(process, stack) == before

        await process.update(stack, template(IN_PLACE, REPLACING))
        after = await done(process, stack)
        assert {name for name in before if before[name] != after[name]} == {"plan", "cluster", "box"}
        assert ids(made, *TABLES) == [after["plan"], after["cluster"], after["box"]]

        await process.delete(stack)
        assert (await process.done(stack)).status is Status.COMPLETE
        assert made.counts() == {}
        assert ids(made, *TABLES) == []


LOST = [
    ("container-infra", "/clustertemplates"),
    ("container-infra", "/clusters"),
    ("container", "/containers"),
]


@pytest.mark.parametrize(("service", "path"), LOST)
async def test_object_is_found_when_the_answer_is_lost(tmp_path: Path, service: str, path: str) -> None:
    rule = {"service": service, "method": "POST", "path": path, "effect": "drop_after", "times": 1}
    async with world(tmp_path, faults=[rule]) as made, made.process() as process:
        rows = await done(process, await process.create("s", template()))
        assert ids(made, *TABLES) == [rows["plan"], rows["cluster"], rows["box"]]


@pytest.mark.parametrize("path", ["PATCH", "DELETE", "POST"])
async def test_changes_whose_answers_are_lost_are_made_once(tmp_path: Path, path: str) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("s", template())
        before = await done(process, stack)
        made.cloud.faults.replace(
            [
                {"service": service, "method": path, "effect": "drop_after", "times": 1}
                for service in ("container-infra", "container")
            ]
        )
        await process.update(
            stack,
            template(
                {
                    "cluster": IN_PLACE["cluster"],
                    "box": {"networks": [{"network": {"get_resource": "other"}}]},
                }
            ),
        )
        assert await done(process, stack) == before
        await process.delete(stack)
        assert (await process.done(stack)).status is Status.COMPLETE
        assert ids(made, *TABLES) == []


@pytest.mark.parametrize(
    ("service", "path", "names"),
    [
        ("container-infra", "/clusters", ("plan", "cluster")),
        ("container", "/containers", ("net", "subnet", "other", "beside", "volume", "box")),
    ],
)
async def test_what_goes_wrong_is_made_again(
    tmp_path: Path, service: str, path: str, names: tuple[str, ...]
) -> None:
    fault = {"service": service, "method": "POST", "path": path, "effect": "error_status", "times": 1}
    async with world(tmp_path, faults=[fault]) as made, made.process() as process:
        stack = await process.create("s", some(*names))
        rows = await done(process, stack)
        assert f"{names[-1]} DELETE_COMPLETE" in await process.told(stack)
        assert ids(made, *TABLES[1:]) == [rows[names[-1]]]


async def test_quota_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    async with (
        world(tmp_path, quotas={"magnum_clusters": 0, "zun_containers": 0}) as made,
        made.process() as process,
    ):
        failed = await process.done(await process.create("s", some("plan", "cluster")))
        assert "You have reached the maximum clusters per project, 0" in (failed.reason or "")
        failed = await process.done(
            await process.create("t", some("net", "subnet", "other", "beside", "volume", "box"))
        )
        assert "Quota exceeded for resources: containers" in (failed.reason or "")
        assert ids(made, *TABLES[1:]) == []


async def test_change_that_the_service_refuses_leaves_the_cluster(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("s", some("plan", "cluster"))
        before = await done(process, stack)
        await process.update(stack, some("plan", "cluster", cluster={"create_timeout": 5}))
        failed = await process.done(stack)
        assert "cannot change cluster property(ies) create_timeout" in (failed.reason or "")
        await process.update(stack, some("plan", "cluster"))
        assert await done(process, stack) == before


async def test_only_administrators_publish_a_template(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("s", some("plan"))
        before = await done(process, stack)
        await process.update(stack, some("plan", plan={"public": True}))
        assert "Not authorized to set public" in ((await process.done(stack)).reason or "")
        await process.update(stack, some("plan"))
        assert await done(process, stack) == before


async def test_administrators_publish_a_template_in_place(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process(user="admin") as process:
        stack = await process.create("s", some("plan"))
        before = await done(process, stack)
        await process.update(stack, some("plan", plan={"public": True}))
        assert await done(process, stack) == before
        assert only(made, TABLES[0])["public"] is True


async def test_resource_of_the_former_type_becomes_a_template_in_place(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        today = some("plan")
        former = {
            **today,
            "resources": {"plan": today["resources"]["plan"] | {"type": "OS::Magnum::BayModel"}},
        }
        stack = await process.create("s", former)
        before = await done(process, stack)
        await process.update(stack, today)
        assert await done(process, stack) == before
        assert ids(made, *TABLES) == [before["plan"]]


def vanish(made: World, table: str) -> None:
    """Somebody deletes the only object in a table, with what belongs to it."""
    (row,) = made.cloud.store.all(table)
    made.cloud.store.remove(row)
    if table == CONTAINERS.kind:
        release(made.cloud.world, row)


FREE = {"box": {"mounts": []}}
"""A container without a volume that only one can have."""


async def test_what_was_deleted_by_others_is_made_again_or_gone(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("s", template(FREE))
        before = await done(process, stack)
        for table in TABLES[1:]:
            vanish(made, table)
        await process.update(stack, template(FREE, IN_PLACE), converge=True)
        after = await done(process, stack)
        assert {name for name in before if before[name] != after[name]} == {"cluster", "box"}
        for table in TABLES:
            vanish(made, table)
        await process.delete(stack)
        assert (await process.done(stack)).status is Status.COMPLETE


async def test_abandoned_stack_is_adopted_whole(tmp_path: Path) -> None:
    async with world(tmp_path) as made, made.process() as process:
        permit(process)
        stack = await process.create("s", template())
        before = await done(process, stack)
        data = await abandoning.abandon(process.engine, process.caller, await process.stack(stack))
        await process.done(stack)
        taken = await process.done(await adopt(process, data))
        assert (taken.action, taken.status) == (Action.ADOPT, Status.COMPLETE), taken.reason
        assert await done(process, taken) == before
        await process.update(taken, template(IN_PLACE))
        assert await done(process, taken) == before
        await process.delete(taken)
        assert (await process.done(taken)).status is Status.COMPLETE
        assert ids(made, *TABLES) == []


BROKEN: dict[str, Any] = {"box": {"image": "none", "image_driver": "glance"}}


@pytest.mark.parametrize("change", [{}, {"box": {"mounts": []}}])
async def test_rollback_brings_back_a_container_that_made_way(tmp_path: Path, change: dict[str, Any]) -> None:
    """A volume is in one container at a time, and so is a port: the old one has both again."""
    names = ("net", "subnet", "other", "beside", "volume", "port", "box")
    async with world(tmp_path) as made, made.process() as process:
        stack = await process.create("s", some(*names, **with_port(change)))
        before = await done(process, stack)
        await process.update(stack, some(*names, **with_port(change, BROKEN)), disable_rollback=False)
        after = await done(process, stack)
        assert (await process.stack(stack)).action is Action.ROLLBACK
        assert (before["box"] == after["box"]) == bool(change)
        (box,) = made.cloud.store.all(TABLES[2])
        assert (box.id, box.data["status"], box.data["image"]) == (after["box"], "Running", "cirros")
        assert box.private["attached"] == [after["port"]]
        await process.delete(stack)
        assert (await process.done(stack)).status is Status.COMPLETE
        assert made.counts() == {}


def with_port(*changes: dict[str, Any]) -> dict[str, Any]:
    """The changes of the container, which is connected to a port."""
    box: dict[str, Any] = {"networks": [{"port": {"get_resource": "port"}}]}
    for change in changes:
        box |= change.get("box", {})
    return {"box": box}


WISHES = ([template()], [template(IN_PLACE)], [template(IN_PLACE, REPLACING)])


@pytest.mark.chaos
@pytest.mark.parametrize("number", range(2, 26, 3))
@pytest.mark.parametrize("kind", ["write", "written", "call", "called"])
async def test_nothing_is_lost_left_over_or_made_twice(tmp_path: Path, kind: str, number: int) -> None:
    async with world(tmp_path) as made:
        story = Story(made, number)
        for templates in WISHES:
            stack = await story.fulfil([Wish(1, instead=each) for each in templates], [Death(kind, number)])
            assert stack is not None
            assert stack.status is Status.COMPLETE, stack.reason
            assert len(ids(made, *TABLES)) == 3
        await story.fulfil([Wish(0)], [Death(kind, number)])
        assert story.made() == {}
