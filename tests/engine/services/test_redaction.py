"""The value of a hidden parameter can be read nowhere but where it is meant to go."""

from __future__ import annotations

import base64
import hashlib
import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from stackd.db import events
from stackd.db.database import Database
from stackd.db.events import EventFilter
from stackd.db.tables import metadata
from stackd.engine.services.redaction import Redaction
from stackd.engine.usecases import resource_queries
from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.queries import Reader
from stackd.engine.usecases.requests import StackRequest
from stackd.recent import Recent
from stackd.records import Hidden, Stack, Status
from stackd.template.environment import load_environment
from stackd.template.masking import (
    concealed,
    concealed_fields,
    concealed_text,
    hidden_if_secret,
    hidden_names,
    secrets_of,
    with_encodings,
)
from stackd.template.parameters import StackIdentity, bind_parameters
from stackd.template.template import load_template
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


def secrets(parameters: dict[str, Any], properties: dict[str, Any], **given: Any) -> frozenset[str]:
    """The secrets of a template with one resource."""
    resource = {"type": "OS::Heat::Value", "properties": properties}
    data = {
        "heat_template_version": "2021-04-16",
        "parameters": parameters,
        "resources": {"r": resource, "other": {"type": "OS::Heat::RandomString"}},
    }
    template = load_template(data)
    bound = bind_parameters(template, load_environment({"parameters": given}), StackIdentity())
    return secrets_of(template, bound)


WORD = {"type": "string", "hidden": True}


@pytest.mark.parametrize(
    ("made", "text"),
    [
        ({"digest": ["sha256", {"get_param": "word"}]}, hashlib.sha256(SECRET.encode()).hexdigest()),
        ({"str_split": ["-", {"get_param": "word"}, 2]}, "battery"),
        ({"list_join": ["", {"str_split": ["-", {"get_param": "word"}]}]}, SECRET.replace("-", "")),
        ({"if": ["on", {"digest": ["md5", {"list_join": ["", ["salt", {"get_param": "word"}]]}]}, "no"]},
         hashlib.md5(f"salt{SECRET}".encode(), usedforsecurity=False).hexdigest()),
    ],
)  # fmt: skip
def test_what_functions_make_of_a_hidden_value_is_secret(made: Any, text: str) -> None:
    data = {
        "heat_template_version": "2021-04-16",
        "parameters": {"word": WORD},
        "conditions": {"on": True},
        "resources": {"r": {"type": "OS::Heat::Value", "metadata": {"deep": [made]}}},
    }
    template = load_template(data)
    bound = bind_parameters(template, load_environment({"parameters": {"word": SECRET}}), StackIdentity())
    assert text in secrets_of(template, bound)
    assert concealed({"a": f"{text}", "b": [text]}, secrets_of(template, bound)) == {
        "a": "******",
        "b": ["******"],
    }


@pytest.mark.parametrize("encoded", [base64.b64encode(b'p"w\nd').decode(), "p%22w%0Ad", 'p\\"w\\nd'])
def test_usual_encodings_of_a_hidden_value_are_secret(encoded: str) -> None:
    found = secrets({"word": WORD}, {"value": "x"}, word='p"w\nd')
    assert concealed_text(f"<{encoded}>", found) == "<******>"


def test_only_what_shows_nothing_of_the_secret_is_masked_whole() -> None:
    text = {"str_replace": {"template": "user:$P@host", "params": {"$P": {"get_param": "word"}}}}
    chosen = {"if": [{"equals": [{"get_param": "word"}, "x"]}, "m1.small", "m1.large"]}
    random = {"list_join": ["", [{"get_param": "word"}, {"get_attr": ["other", "value"]}]]}
    found = secrets({"word": WORD}, {"value": {"a": text, "b": chosen, "c": random}}, word=SECRET)
    assert concealed_text(f"user:{SECRET}@host", found) == "user:******@host"
    assert concealed_text("m1.small m1.large", found) == "m1.small m1.large"
    assert secrets({"plain": {"type": "string"}}, {"value": {"get_param": "plain"}}, plain="x") == frozenset()


@pytest.mark.parametrize("key", ["hidden", '"hi\\x64den"', '"\\u0068idden"'])
def test_hidden_parameters_are_known_however_their_template_is_written(key: str) -> None:
    text = f"heat_template_version: 2021-04-16\nparameters: {{word: {{type: string, {key}: true}}}}"
    assert hidden_names({"inner.yaml": text}) == {"word"}


async def test_guests_read_the_metadata_of_their_resource_and_others_see_it_masked(
    stackd_world: World,
) -> None:
    handle = {"type": "OS::Heat::WaitConditionHandle", "metadata": {"word": {"get_param": "word"}}}
    template = {**TEMPLATE, "resources": {"handle": handle}}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template, parameters={"word": SECRET}))
        row = (await process.rows(stack))["handle"]
        reader = Reader(process.engine)
        assert await resource_queries.metadata(reader, process.caller, stack, "handle") == {"word": "******"}
        project = stack.stack_user_project_id or (await process.stack(stack)).stack_user_project_id or ""
        guest = replace(
            process.caller, user_id=row.data["user_id"], project_id=project, roles=("heat_stack_user",)
        )
        assert await resource_queries.metadata(reader, guest, stack, "handle") == {"word": SECRET}


async def test_object_whose_id_is_a_hidden_value_is_masked_and_deleted(stackd_world: World) -> None:
    key = {"type": "OS::Nova::KeyPair", "properties": {"name": {"get_param": "word"}}}
    template = {**TEMPLATE, "resources": {"key": key}}
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", template, parameters={"word": SECRET}))
        assert stack.status is Status.COMPLETE
        [view] = await Reader(process.engine).resources(stack)
        assert (view.resource.physical_id, view.physical_id) == (SECRET, "******")
        assert SECRET not in repr(await process.events(stack))
        assert SECRET not in await whole(process.db)
        assert [each["name"] for each in stackd_world.objects("keypairs")] == [SECRET]
        assert (await process.done(await process.delete(stack))).status is Status.COMPLETE
        assert stackd_world.objects("keypairs") == []


async def test_a_nested_stack_shows_nothing_that_its_parents_hide(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, **request(SECRET)))
        reader = Reader(process.engine)
        child = next(view.nested for view in await reader.resources(stack) if view.nested is not None)
        shown = [
            (await reader.facts(child)).parameters,
            await reader.environment(child),
            await reader.shown_template(child),
            await reader.files(child),
            await reader.outputs(child),
            (await reader.shown_resource(child, "part")).resource.attributes,
        ]
        assert SECRET not in repr(shown)
        assert shown[0]["inner"] == "******"


async def test_values_of_nested_hidden_parameters_are_known_from_the_environment(stackd_world: World) -> None:
    hiding = {**CHILD, "parameters": {"inner": {"type": "string", "hidden": True}}}
    template = {**TEMPLATE, "parameters": {}, "resources": {"child": {"type": "child.yaml"}}}
    environment = json.dumps({"parameter_defaults": {"inner": SECRET}})
    async with stackd_world.process() as process:
        files = {"child.yaml": json.dumps(hiding), "e.yaml": environment}
        made = await process.create("s", template, files=files, environment_files=["e.yaml"])
        stack = await process.done(made)
        assert stack.status is Status.COMPLETE, stack.reason
        reader = Reader(process.engine)
        shown = [await reader.environment(stack), await reader.files(stack)]
        assert SECRET not in repr(shown)
        assert "******" in repr(shown[1])


@pytest.mark.parametrize(
    ("identity", "is_hidden"),
    [
        ("1234", True),
        ("key-1234", True),
        ("key-123", False),
        ("9f1234ab-0000-4000-8000-000000000000", False),
        ("00001234000000000000000000000000", False),
        ("0c5e1234-0000-4000-8000-000000000000", True),
    ],
)
def test_ids_with_a_secret_in_them_are_hidden_but_not_those_drawn_at_random(
    identity: str, is_hidden: bool
) -> None:
    found = hidden_if_secret(identity, frozenset({"1234", "0c5e1234-0000-4000-8000-000000000000"}))
    assert found == identity
    assert isinstance(found, Hidden) is is_hidden


USERS = {"type": "json", "hidden": True}


def test_keys_of_a_hidden_map_are_secret_wherever_they_stand() -> None:
    users = {"anna-the-admin": {"inner_key": "first-word"}, "bob": "second-word", "x1": [{"deep.key": 1}]}
    found = secrets({"users": USERS}, {"value": {"get_param": "users"}}, users=users)
    assert concealed(users, found) == {
        "******": {"******": "******"},
        "****** (2)": "******",
        "****** (3)": [{"******": 1}],
    }
    text = 'login anna-the-admin of ["bob", \'bob\'] and "x1"'
    assert concealed_text(text, found) == "login ****** of [******, ******] and ******"
    assert concealed_text(base64.b64encode(b"anna-the-admin").decode(), found) == "******"


def test_a_key_that_is_an_ordinary_word_is_secret_as_a_key_and_not_in_every_sentence() -> None:
    found = secrets({"users": USERS}, {"value": {"get_param": "users"}}, users={"password": "first-word"})
    assert concealed({"password": "wrong password"}, found) == {"******": "wrong password"}
    assert concealed_fields({"password": {"password": "first-word"}}, found) == {
        "password": {"******": "******"}
    }
    assert not isinstance(hidden_if_secret("a-password-b", found), Hidden)


def test_keys_that_the_template_names_are_no_secret() -> None:
    value = {"get_param": ["users", "anna-the-admin", "inner_key"]}
    users = {"anna-the-admin": {"inner_key": "first-word", "other_key": "second-word"}}
    found = secrets({"users": USERS}, {"value": value}, users=users)
    assert concealed(users, found) == {"anna-the-admin": {"inner_key": "******", "******": "******"}}


async def test_keys_of_hidden_maps_show_nowhere_and_are_stored_nowhere(stackd_world: World) -> None:
    key, users = "anna-the-admin", {"get_param": "word"}
    text = {"str_replace": {"template": "<X>", "params": {"X": users}}}
    value = {"type": "OS::Heat::Value", "properties": {"value": users}}
    inner = {**value, "properties": {"value": {"get_param": "inner"}}}
    nested = {**CHILD, "parameters": {"inner": {"type": "json"}}, "resources": {"part": inner}}
    group = {"type": "OS::Heat::ResourceGroup", "properties": {"count": 1, "resource_def": value}}
    resources = {
        "text": {"type": "OS::Heat::TestResource", "properties": {"value": text}, "metadata": {"a": users}},
        "child": {"type": "child.yaml", "properties": {"inner": users}},
        "value": value,
        "group": group,
    }
    template = {**TEMPLATE, "parameters": {"word": USERS}, "resources": resources}
    files = {"child.yaml": json.dumps(nested)}
    async with stackd_world.process() as process:
        made = await process.create("s", template, parameters={"word": {key: {key: "first"}}}, files=files)
        stack = await process.done(made)
        assert stack.status is Status.COMPLETE, stack.reason
        reader = Reader(process.engine)
        changed = StackRequest(template=template, parameters={"word": {key: "next"}}, files=files)
        preview = await use_cases.preview_update(process.engine, process.caller, stack, changed, nested=True)
        shown: list[Any] = [
            preview.plan.to_data(),
            preview.lists(nested=True),
            await process.events(stack),
            await reader.environment(stack),
            await reader.outputs(stack),
            await resource_queries.metadata(reader, process.caller, stack, "text"),
        ]
        for view in await reader.resources(stack, depth=5):
            name = view.resource.name
            shown.append(await properties_in_events(reader, view.stack, name))
            shown.append((await reader.shown_resource(view.stack, name)).resource.attributes)
            if view.nested is not None:
                shown.append(await reader.shown_template(view.nested))
                shown.append(await reader.environment(view.nested))
                shown.append((await reader.facts(view.nested)).parameters)
        assert "******" in repr(shown)
        assert key not in repr(shown)
        assert key not in await whole(process.db)


async def test_definition_that_is_stored_again_is_known_to_have_secrets(stackd_world: World) -> None:
    """Its documents may be gone for a while, and somebody still hold the stack as it was."""
    async with stackd_world.process() as process:
        stack = await process.done(await process.create("s", TEMPLATE, **request(SECRET)))
        redaction = Redaction(process.db)
        documents, process.db.documents = process.db.documents, Recent(0)
        async with process.db.backend.exclusive() as run:
            await run("UPDATE documents SET project_id = 'away-' || project_id")
        assert await redaction.of(stack) == frozenset()
        async with process.db.backend.exclusive() as run:
            await run("UPDATE documents SET project_id = substr(project_id, 6)")
        assert SECRET in await redaction.of(stack)
        process.db.documents = documents


async def test_memory_of_secrets_is_bounded(stackd_world: World) -> None:
    async with stackd_world.process() as process:
        redaction = Redaction(process.db)
        redaction._known = Recent(60_000)
        stack = await process.done(await process.create("s", TEMPLATE, **request(SECRET)))
        for number in range(3):
            await process.done(await process.update(stack, TEMPLATE, **request(f"{number}" + "x" * 20_000)))
            await redaction.of(await process.stack(stack))
        assert len(redaction._known) <= 1


def test_long_secrets_are_not_remembered() -> None:
    tracemalloc.start()
    try:
        for number in range(40):
            secrets = with_encodings(frozenset({f"{number}" + "é" * 50_000}))
            assert concealed_text(f"{number}", secrets) == f"{number}"
        del secrets
        remembered = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert remembered < 12_000_000, "those of a few answers"
