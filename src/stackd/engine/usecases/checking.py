"""Requests checked as what a stack is to be: evaluated, validated, and held against the cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.clients.lookup import Finder
from stackd.db import stacks
from stackd.engine.definition.desired import Source, identity_of
from stackd.engine.definition.documents import load_definition
from stackd.engine.services import exports
from stackd.engine.usecases.availability import types_in, unavailable_types
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.fetching import Fetched, checked_whole, resolved_request
from stackd.engine.usecases.requests import Checked, StackRequest, check, check_name, definition_of
from stackd.engine.validation.cloud_constraints import refuse_wrong
from stackd.engine.validation.probes import refuse_unfit
from stackd.errors import RequestLimitExceeded, StackExists
from stackd.offload import in_thread
from stackd.records import Caller, Definition, Stack, new_id
from stackd.template.environment import Environment
from stackd.template.merge import patch_environment
from stackd.template.parameters import StackIdentity
from stackd.template.template import Template

_EVERY = stacks.StackFilter(show_reserved=True)
"""The stacks that count for the limit on their number: also those of which only the names are reserved."""


async def checked_new(engine: Engine, caller: Caller, request: StackRequest) -> tuple[Checked, str]:
    """A request checked as that of a new stack, and the id that the stack will have."""
    request, fetched = await resolved_request(engine, caller, request)
    template, environment = await _parsed(engine, request)
    source = Source(template, environment, request.files)
    return await checked_source(engine, caller, request.name, source, fetched)


async def require_room(engine: Engine, caller: Caller, name: str) -> None:
    """Refuse a new stack whose name is taken or wrong, or that would be one too many."""
    db = engine.services.db
    if await stacks.named(db, name, caller.project_id) is not None:
        raise StackExists(name)
    most = engine.limits.max_stacks_per_tenant
    limited = most >= 0 and not engine.policy.is_admin(caller)
    if limited and await stacks.count(db, caller.project_id, _EVERY) >= most:
        raise RequestLimitExceeded(
            f"Request limit exceeded: You have reached the maximum stacks per project ({most}). "
            "Please delete some stacks."
        )
    check_name(name)


async def checked_source(
    engine: Engine, caller: Caller, name: str, source: Source, fetched: Fetched
) -> tuple[Checked, str]:
    """A definition checked as that of a new stack of this name, and the id that the stack will have."""
    await require_room(engine, caller, name)
    stack_id = new_id()
    identity = StackIdentity(project_id=caller.project_id, stack_name=name, stack_id=stack_id)
    source = await exports.with_exports(engine.services.db, engine.services.registry, source, identity)
    checked = await _check(engine, source, fetched, identity, name=name)
    await _check_with_cloud(engine, caller, checked, stack_id)
    return checked, stack_id


async def checked_reserved(engine: Engine, caller: Caller, stack: Stack, request: StackRequest) -> Checked:
    """A request checked as that of a stack of which only the name is reserved."""
    request, fetched = await resolved_request(engine, caller, request)
    source = Source(*await _parsed(engine, request), request.files)
    nothing = await load_definition(engine.services.db, stack.project_id, Definition())
    return await checked_redefinition(engine, caller, stack, source, nothing, fetched)


async def checked_change(
    engine: Engine, caller: Caller, stack: Stack, request: StackRequest, fetched: Fetched
) -> Checked:
    """A request checked as an update of a stack."""
    stored = await load_definition(engine.services.db, stack.project_id, stack.definition)
    source = await _merged(engine, request, stored)
    return await checked_redefinition(engine, caller, stack, source, stored, fetched)


async def checked_redefinition(
    engine: Engine, caller: Caller, stack: Stack, source: Source, stored: Source, fetched: Fetched
) -> Checked:
    """A definition checked as what a stack becomes, instead of the ``stored`` one."""
    source = await exports.with_exports(
        engine.services.db, engine.services.registry, source, identity_of(stack)
    )
    fetched.stored = stored.files
    before = await _parameters_before(engine, stack, stored)
    checked = await _check(engine, source, fetched, identity_of(stack), name=stack.name, previous=before)
    await _check_with_cloud(engine, caller, checked, stack.id)
    return checked


async def _merged(engine: Engine, request: StackRequest, stored: Source) -> Source:
    """The definition that an update means: the request's alone, or laid over the stored one."""
    if not request.existing:
        return Source(*await _parsed(engine, request), request.files)
    template, supplied = await _parsed(engine, request, stored)
    environment = patch_environment(
        stored.environment,
        supplied,
        clear_parameters=tuple(request.clear_parameters),
        declared=frozenset(template.parameter_schemas),
    )
    return Source(template, environment, {**stored.files, **request.files})


async def _parameters_before(engine: Engine, stack: Stack, stored: Source) -> Mapping[str, Any] | None:
    """The current parameter values, for immutable ones; None where there are none of these."""
    if not any(schema.immutable for schema in stored.template.parameter_schemas.values()):
        return None
    from stackd.template.parameters import bind_parameters

    environment = stored.environment.with_base(engine.services.registry.operator.environment)
    before: Mapping[str, Any] = await in_thread(
        bind_parameters, stored.template, environment, identity_of(stack), strict=False
    )
    return before


async def _parsed(
    engine: Engine, request: StackRequest, stored: Source | None = None
) -> tuple[Template, Environment]:
    parsed: tuple[Template, Environment] = await in_thread(definition_of, request, engine.limits, stored)
    return parsed


async def _check(
    engine: Engine, source: Source, fetched: Fetched, identity: StackIdentity, **options: Any
) -> Checked:
    """In a thread: patterns and expressions of users may take a while."""
    registry, limits = engine.services.registry, engine.limits

    def run(whole: Source) -> Checked:
        return check(whole, identity, registry, limits, **options)

    return await checked_whole(run, source, registry, limits, fetched)


async def _check_with_cloud(engine: Engine, caller: Caller, checked: Checked, stack_id: str) -> None:
    """Types that cannot be used, and names that must exist in the cloud; the operation knows them then."""
    if not checked.errors:
        types = types_in(each.desired for each in checked.expanded.walk())
        for problem in await unavailable_types(engine, caller, types):
            raise problem
    finder = Finder(engine.trusts.of_caller(caller))
    await refuse_wrong(checked.checks, finder, checked.expanded, checked.errors)
    await refuse_unfit(checked.expanded, engine.trusts.of_caller(caller), engine.services.remotes)
    engine.operator.remember(stack_id, finder.found)
