"""What interrupted updates take away is taken away, though the template has names instead of ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stackd.records import Status
from tests.scenarios.lives import Death
from tests.scenarios.story import Story, Wish
from tests.support.engine import World, world
from tests.support.templates import hot


def _wish(project: str) -> Wish:
    """A volume type and a user's roles, both for a project that is named."""
    kind = {"name": "gold", "is_public": False, "projects": [project]}
    roles = {"user": "demo", "roles": [{"role": "creator", "project": project}]}
    resources = {
        "kind": {"type": "OS::Cinder::VolumeType", "properties": kind},
        "roles": {"type": "OS::Keystone::UserRoleAssignment", "properties": roles},
    }
    return Wish(1, instead=hot(resources))


def _access(made: World) -> Any:
    """The projects that may use the type, and those in which the user was given the role."""
    [kind] = [each for each in made.cloud.store.all("volume.types") if each.data["name"] == "gold"]
    [role] = [each.id for each in made.cloud.store.all("identity.roles") if each.data["name"] == "creator"]
    given = [each["target"] for each in made.objects("assignments") if each["role_id"] == role]
    names = {each.id: each.data["name"] for each in made.cloud.store.all("identity.projects")}
    return sorted(names[each] for each in kind.private["projects"]), sorted(names[each] for each in given)


@pytest.mark.parametrize("number", range(1, 5))
@pytest.mark.parametrize("kind", ["call", "called"])
async def test_nobody_keeps_what_an_interrupted_update_was_to_take_away(
    tmp_path: Path, kind: str, number: int
) -> None:
    async with world(tmp_path) as made:
        story = Story(made, 1, "admin")
        await story.fulfil([_wish("service")])
        stack = await story.fulfil([_wish("admin")], [Death(kind, number)])
        assert stack is not None
        assert stack.status is Status.COMPLETE, stack.reason
        assert _access(made) == (["admin"], ["admin"])


def _role(**properties: str) -> Wish:
    return Wish(1, instead=hot({"role": {"type": "OS::Keystone::Role", "properties": properties}}))


@pytest.mark.parametrize("kind", ["call", "written"])
async def test_resource_without_properties_gets_those_of_an_interrupted_update(
    tmp_path: Path, kind: str
) -> None:
    async with world(tmp_path) as made:
        story = Story(made, 1, "admin")
        await story.fulfil([_role()])
        for number in (1, 2, 3):
            await story.fulfil([_role(name=f"name {number}")], [Death(kind, number)])
            [role] = made.objects("roles")
            assert role["name"] == f"name {number}"
            await story.fulfil([_role()])


async def test_a_project_is_deleted_by_a_process_that_has_done_nothing_before(tmp_path: Path) -> None:
    project = hot({"project": {"type": "OS::Keystone::Project"}})
    async with world(tmp_path) as made:
        story = Story(made, 1, "admin")
        await story.fulfil([Wish(1, instead=project)])
        await story.fulfil([Wish(0)])
        assert story.made() == {}
