"""Where an id is a name, as that of a key pair is, what takes another's place has the same."""

from typing import Any

import pytest

from stackd.engine.execution.resource_context import collection_of
from stackd.records import Action, Status
from stackd.resources.registry import load_registry
from tests.support.engine import World

KEYS = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDqyXKPOLbQbPPzBhkVvRZLxTtQN0uG6vPzjOQwTqzgA one",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDqyXKPOLbQbPPzBhkVvRZLxTtQN0uG6vPzjOQwTqzgB two",
)


def stack_with(name: str, key: str, *, broken: bool = False) -> dict[str, Any]:
    properties = {"name": name, "public_key": key}
    resources: dict[str, Any] = {"key": {"type": "OS::Nova::KeyPair", "properties": properties}}
    if broken:
        failing = {"type": "OS::Heat::TestResource", "properties": {"fail": True}, "depends_on": "key"}
        resources["broken"] = failing
    return {"heat_template_version": "2018-08-31", "resources": resources}


@pytest.mark.parametrize("name", ["k", "other"])
async def test_a_replaced_key_pair_leaves_the_new_one(stackd_world: World, name: str) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", stack_with("k", KEYS[0])))
        stack = await process.done(await process.update(stack, stack_with(name, KEYS[1])))
        assert stack.status is Status.COMPLETE, stack.reason
        (found,) = stackd_world.objects("keypairs")
        assert (found["name"], found["public_key"]) == (name, KEYS[1])
        await process.done(await process.delete(stack))
        assert stackd_world.objects("keypairs") == []


@pytest.mark.parametrize("name", ["k", "other"])
async def test_a_rollback_brings_the_old_key_pair_back(stackd_world: World, name: str) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", stack_with("k", KEYS[0])))
        broken = stack_with(name, KEYS[1], broken=True)
        stack = await process.done(await process.update(stack, broken, disable_rollback=False))
        assert (stack.action, stack.status) == (Action.ROLLBACK, Status.COMPLETE), stack.reason
        (found,) = stackd_world.objects("keypairs")
        assert (found["name"], found["public_key"]) == ("k", KEYS[0])
        await process.done(await process.delete(stack))
        assert stackd_world.objects("keypairs") == []


def test_equal_ids_in_two_services_are_two_objects() -> None:
    kinds = (f"OS::{service}::Quota" for service in ("Nova", "Cinder"))
    assert len({collection_of(load_registry().get(kind)) for kind in kinds}) == 2
