"""The value of a hidden parameter can be read nowhere but where it is meant to go."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from stackd.db import events
from stackd.db.database import Database
from stackd.db.events import EventFilter
from stackd.db.tables import metadata
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.queries import Reader
from stackd.engine.usecases.requests import StackRequest
from stackd.records import Stack, Status
from stackd.template.masking import concealed, concealed_text
from tests.support.engine import World

SECRET = "correct-horse-battery"
NEXT = "staple-of-the-battery"
PART = {"type": "OS::Heat::TestResource", "properties": {"value": {"get_param": "inner"}}}
CHILD = {
    "heat_template_version": "2018-08-31",
    "parameters": {"inner": {"type": "string"}},
    "resources": {"part": PART},
}
TEMPLATE: dict[str, Any] = {
    "heat_template_version": "2018-08-31",
    "parameters": {"word": {"type": "string", "hidden": True}},
    "resources": {
        "a": {"type": "OS::Heat::TestResource", "properties": {"value": {"get_param": "word"}}},
        "child": {"type": "child.yaml", "properties": {"inner": {"get_param": "word"}}},
    },
}


def request(secret: str, **values: Any) -> dict[str, Any]:
    return {"parameters": {"word": secret}, "files": {"child.yaml": json.dumps(CHILD)}, **values}


async def whole(db: Database) -> str:
    """Everything that the database keeps."""
    rows = [await db.fetch_once(select(table)) for table in metadata.sorted_tables]
    return repr([tuple(row) for table in rows for row in table])


async def properties_in_events(reader: Reader, stack: Stack, name: str) -> list[Any]:
    """The properties that each event of a resource shows; those that are stored with events are masked."""
    db = reader.engine.services.db
    found = await events.listed(db, stack.id, EventFilter(allowed={"resource_name": (name,)}))
    stored = [await events.get(db, stack.id, event.id) for event in found]
    assert any(event is not None and event.properties for event in stored)
    assert SECRET not in repr(stored)
    return [await reader.properties_at(stack, event) for event in found]


async def test_stored_documents_events_and_the_environment_hide_it(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, **request(SECRET)))
        assert stack.status is Status.COMPLETE
        reader = Reader(process.engine)
        shown: list[Any] = [
            await reader.environment(stack),
            (await reader.facts(stack)).parameters,
            await process.events(stack),
            await properties_in_events(reader, stack, "a"),
            await properties_in_events(reader, stack, "child"),
        ]
        inside = await reader.resources(stack, depth=5)
        shown += [await properties_in_events(reader, view.stack, view.resource.name) for view in inside]
        assert len(shown) == 8
        assert SECRET not in repr(shown)
        assert [each["value"] for each in shown[3]] == ["******"] * 2
        stored = await whole(process.db)
    assert stack.id in stored
    assert SECRET not in stored


async def test_reasons_of_failures_hide_it(stackd_world: World) -> None:
    broken = {"type": "OS::Neutron::Net", "properties": {"name": {"get_param": "word"}}}
    template = {**TEMPLATE, "resources": {"net": broken}}
    message = f"Unable to create {SECRET}"
    body = {"NeutronError": {"message": message, "type": "BadRequest", "detail": ""}}
    rule = {"service": "network", "method": "POST", "path": "/networks", "status": 400, "body": body}
    stackd_world.cloud.faults.replace([rule])
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template, parameters={"word": SECRET}))
        assert stack.status is Status.FAILED
        assert "Unable to create ******" in stack.reason
        told = [stack, await process.events(stack), (await process.rows(stack))["net"].reason]
        assert SECRET not in repr(told)


async def test_previews_know_it_to_hide_it(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, **request(SECRET)))
        wanted = StackRequest(template=TEMPLATE, **request(NEXT))
        found = await use_cases.preview_update(process.engine, process.caller, stack, wanted)
        plan, secrets = found.plan, found.secrets
        assert secrets >= {SECRET, NEXT}
        changed = [cause for step in plan.changes() for cause in step.causes if cause.path]
        assert changed
        assert not any(secret in repr(plan.to_data()) for secret in secrets)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_without_secrets_nothing_is_concealed(value: Any) -> None:
    assert concealed(value, frozenset()) is value


WORDS = st.text("abc")


@given(WORDS, st.text("abc", min_size=4), WORDS)
def test_a_long_secret_is_hidden_wherever_it_stands(before: str, secret: str, after: str) -> None:
    told = concealed_text(before + secret + after, frozenset({secret}))
    assert "******" in told
    assert secret not in told


def test_a_short_secret_is_hidden_where_it_stands_alone() -> None:
    assert concealed({"a": "no", "b": ["note", "no"]}, frozenset({"no"})) == {
        "a": "******",
        "b": ["note", "******"],
    }
