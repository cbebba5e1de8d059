"""Processes are up while they report, and the template language describes itself."""

from __future__ import annotations

from dataclasses import replace

from stackd import __version__
from stackd.engine.usecases import service_queries
from tests.support.engine import World


async def test_process_that_reports_is_up(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        await process.engine._heartbeat()
        admin = replace(process.caller, roles=("admin",))
        found = await service_queries.processes(process.engine, admin)
        assert [each.is_up for each in found] == [True]
        assert service_queries.build(process.engine, process.caller) == __version__


async def test_functions_of_conditions_are_listed_on_request(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        engine, caller = process.engine, process.caller
        version = "heat_template_version.2018-08-31"
        assert version in {each["version"] for each in service_queries.template_versions(engine, caller)}
        plain = service_queries.template_functions(engine, caller, version)
        every = service_queries.template_functions(engine, caller, version, with_conditions=True)
        assert {each["functions"] for each in every} - {each["functions"] for each in plain} >= {"not"}
