"""Types are imported when stacks need them, and never on the event loop."""

from __future__ import annotations

import threading
from types import ModuleType

import pytest

from stackd.engine.usecases import actions, drift, resource_queries, resource_types, signals
from stackd.engine.usecases.queries import Reader
from stackd.records import DriftState, Stack, Status
from stackd.resources import registry
from stackd.resources.index import import_module
from stackd.resources.registry import load_registry
from tests.support import engine
from tests.support.engine import Process, World
from tests.support.templates import hot
from tests.support.waiting import until

TEMPLATE = hot(
    resources={
        "net": {"type": "OS::Neutron::Net"},
        "group": {
            "type": "OS::Heat::AutoScalingGroup",
            "properties": {"min_size": 1, "max_size": 3, "resource": {"type": "OS::Heat::RandomString"}},
        },
        "more": {
            "type": "OS::Heat::ScalingPolicy",
            "properties": {
                "auto_scaling_group_id": {"get_resource": "group"},
                "adjustment_type": "change_in_capacity",
                "scaling_adjustment": 1,
            },
        },
    }
)


async def _list(process: Process, stack: Stack) -> None:
    await Reader(process.engine).resources(stack, brief=False)


async def _show(process: Process, stack: Stack) -> None:
    await resource_queries.show(Reader(process.engine), process.caller, stack, "net")


async def _metadata(process: Process, stack: Stack) -> None:
    await resource_queries.metadata(Reader(process.engine), process.caller, stack, "net")


async def _signal(process: Process, stack: Stack) -> None:
    await signals.signal(process.engine, process.caller, stack, "more", None)


async def _check(process: Process, stack: Stack) -> None:
    await actions.act(process.engine, process.caller, stack, "check")


async def _detect(process: Process, stack: Stack) -> None:
    begun = await drift.detect(process.engine, process.caller, stack, None)

    async def is_over() -> bool:
        found = await drift.detection(process.engine, process.caller, begun.id)
        return found.state is not DriftState.RUNNING

    await until(is_over)


async def _update(process: Process, stack: Stack) -> None:
    await process.update(stack, TEMPLATE)


async def _delete(process: Process, stack: Stack) -> None:
    await process.delete(stack)


async def _schema(process: Process, stack: Stack) -> None:
    await resource_types.show(process.engine, process.caller, "OS::Nova::Server")


USES = (_list, _show, _metadata, _signal, _check, _detect, _update, _schema, _delete)


@pytest.fixture
def imports(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """The modules that are imported, and whether on the event loop; the process begins without any."""
    found: list[tuple[str, bool]] = []

    def noted(name: str) -> ModuleType:
        found.append((name, threading.current_thread() is threading.main_thread()))
        return import_module(name)

    monkeypatch.setattr(registry, "import_module", noted)
    monkeypatch.setattr(engine, "_built_in", load_registry)
    return found


async def test_no_use_of_a_stack_imports_types_on_the_event_loop(
    stackd_world: World, imports: list[tuple[str, bool]]
) -> None:
    used: dict[str, set[tuple[str, bool]]] = {}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE))
        assert stack.status is Status.COMPLETE, stack.reason
        used["create"] = set(imports)
        for use in USES:
            imports.clear()
            process.engine.services.registry.types._loaded.clear()  # as after a restart
            await use(process, await process.stack(stack))
            await process.done(stack)
            used[use.__name__] = set(imports)
    on_loop = {name: sorted(each for each, is_on_loop in found if is_on_loop) for name, found in used.items()}
    assert not any(on_loop.values()), on_loop
    assert ("neutron.net", False) in used["create"]
    assert used["_schema"] == {("nova.server", False)}
