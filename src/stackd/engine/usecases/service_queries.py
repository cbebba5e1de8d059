"""Queries of the service: its build, its running processes, and the template versions it supports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stackd import __version__
from stackd.db import engines
from stackd.engine.usecases.access import enforce
from stackd.engine.usecases.engine import Engine
from stackd.records import Caller, now
from stackd.template.versions import list_functions, list_versions


@dataclass(frozen=True, slots=True)
class ProcessView:
    """A stackd process."""

    process: engines.Engine
    is_up: bool


def build(engine: Engine, caller: Caller, *, rule: str = "build_info:build_info") -> str:
    """The version of this build."""
    enforce(engine, caller, rule)
    return __version__


async def processes(engine: Engine, caller: Caller, *, rule: str = "service:index") -> list[ProcessView]:
    """The processes that share the database; one that has missed two reports is down."""
    enforce(engine, caller, rule)
    moment = now()
    return [
        ProcessView(each, (moment - each.seen_at).total_seconds() <= 2 * each.report_interval)
        for each in await engines.known(engine.services.db)
    ]


def template_versions(
    engine: Engine, caller: Caller, *, rule: str = "stacks:list_template_versions"
) -> list[dict[str, Any]]:
    """The template versions."""
    enforce(engine, caller, rule)
    return list_versions()


def template_functions(
    engine: Engine,
    caller: Caller,
    version: str,
    *,
    with_conditions: bool = False,
    rule: str = "stacks:list_template_functions",
) -> list[dict[str, str]]:
    """The functions of a template version, on request with the condition functions."""
    enforce(engine, caller, rule)
    return list_functions(version, with_conditions)
