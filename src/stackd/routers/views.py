"""Records as the API shows them. Pure: what a view needs is handed to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import orjson
from starlette.responses import Response

from stackd.engine.usecases.queries import Facts, JsonText, ResourceView
from stackd.records import Action, Event, Resource, Stack, Status
from stackd.routers.errors import JSON
from stackd.routers.front import quoted

Json = dict[str, Any]
"""What ``answer`` encodes. Times in it are in UTC; clients read them to the second."""

AT_ONCE = 100
"""Entries of a list that are rendered in one turn of the event loop."""

_IS_JSON = (b"content-type", JSON.encode())
_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS


class Linker(Protocol):
    """Makes absolute URLs."""

    def stack_href(self, stack: Stack) -> str:
        """The URL of a stack."""
        ...


class JsonAnswer(Response):
    """An answer of JSON text; its head is made at a fraction of the cost of one whose parts are not known."""

    media_type = JSON

    def __init__(self, text: bytes, code: int, headers: Mapping[str, str]) -> None:
        self.body = text
        self.status_code = code
        self.background = None
        length = (b"content-length", str(len(text)).encode())
        more = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        self.raw_headers = [*more, length, _IS_JSON]


def answer(body: Any, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return JsonAnswer(encoded(body), code, headers or {})


def done() -> Response:
    """The answer of an operation without result: ``null``."""
    return Response(b"null", media_type=JSON)


def encoded(body: Any) -> bytes:
    """JSON text; integers beyond 64 bits and other rare values use the slow encoder."""
    if type(body) is JsonText:
        return body
    try:
        return orjson.dumps(body, option=_OPTIONS, default=_plain)
    except TypeError:
        return json.dumps(body, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds").partition("+")[0] + "Z"
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence | set | frozenset):
        return list(value)
    return str(value)


def state(action: Action, status: Status) -> str:
    """Action and status as one word."""
    return "_".join((action, status))


# --- links ----------------------------------------------------------------------------------------


def link(href: str, rel: str) -> Json:
    """One link."""
    return {"href": href, "rel": rel}


def self_link(linker: Linker, stack: Stack) -> list[Json]:
    """The links of a stack."""
    return [link(linker.stack_href(stack), "self")]


# --- stacks ---------------------------------------------------------------------------------------


def stack_item(linker: Linker, stack: Stack, *, project: bool = False) -> Json:
    """A stack in a list."""
    view: Json = {"id": stack.id, "links": self_link(linker, stack)}
    if project:
        view["project"] = stack.project_id
    view |= {
        "stack_name": stack.name,
        "description": "",
        "stack_status": state(stack.action, stack.status),
        "stack_status_reason": stack.reason,
        "creation_time": stack.created_at,
        "updated_time": stack.updated_at,
        "deletion_time": stack.deleted_at,
        "stack_owner": stack.owner,
        "parent": stack.parent_id,
        "stack_user_project_id": stack.stack_user_project_id,
        "tags": list(stack.tags) if stack.tags else None,
    }
    return view


def stack_view(linker: Linker, stack: Stack, facts: Facts, outputs: Sequence[Json] | None) -> Json:
    """A stack by itself; without ``outputs`` these are left out."""
    view: Json = {
        "id": stack.id,
        "links": self_link(linker, stack),
        "stack_name": stack.name,
        "description": facts.description,
        "template_description": facts.description,
        "creation_time": stack.created_at,
        "updated_time": stack.updated_at,
        "deletion_time": stack.deleted_at,
        "stack_status": state(stack.action, stack.status),
        "stack_status_reason": stack.reason,
        "stack_owner": stack.owner,
        "stack_user_project_id": stack.stack_user_project_id,
        "parent": stack.parent_id,
        "parameters": facts.parameters,
        "disable_rollback": stack.disable_rollback,
        "timeout_mins": stack.timeout_mins,
        "capabilities": [],
        "notification_topics": [],
        "tags": list(stack.tags or ()),
    }
    if outputs is not None:
        view["outputs"] = outputs
    return view


def output_view(key: str, output: Mapping[str, Any]) -> Json:
    """An output with its value."""
    view: Json = {
        "output_key": key,
        "description": output["description"],
        "output_value": output.get("value"),
    }
    if "error" in output:
        view["output_error"] = output["error"]
    return view


# --- resources ------------------------------------------------------------------------------------


def resource_view(linker: Linker, view: ResourceView) -> Json:
    """A resource in a list."""
    row, stack = view.resource, view.stack
    around = linker.stack_href(stack)
    links = [
        {"href": f"{around}/resources/{quoted(row.name)}", "rel": "self"},
        {"href": around, "rel": "stack"},
    ]
    if view.nested is not None:
        links.append(link(linker.stack_href(view.nested), "nested"))
    shown: Json = {
        "resource_name": row.name,
        "logical_resource_id": row.name,
        "physical_resource_id": view.physical_id,
        "resource_type": view.type,
        "resource_status": state(row.action, row.status),
        "resource_status_reason": row.reason,
        "creation_time": row.created_at,
        "updated_time": row.updated_at or row.created_at,
        "required_by": view.required_by,
        "links": links,
    }
    if stack.parent_resource is not None:
        shown["parent_resource"] = stack.parent_resource
    return shown


def attributes_of(row: Resource, declared: Sequence[str], extra: Sequence[str] = ()) -> Json:
    """Every declared attribute of a resource, null where there is no value, and those asked for by name."""
    live = row.attributes.get("show")
    if isinstance(live, Mapping) and live:
        return {**live, **{name: row.attributes.get(name) for name in extra}}
    return {name: row.attributes.get(name) for name in (*declared, *extra)}


# --- events ---------------------------------------------------------------------------------------


def event_view(linker: Linker, event: Event, stack: Stack, root: Stack | None = None) -> Json:
    """An event in a list; ``root`` is the stack if events of nested stacks were requested too."""
    around = linker.stack_href(stack)
    own = f"{around}/resources/{quoted(event.resource_name)}"
    links = [
        {"href": f"{own}/events/{event.id}", "rel": "self"},
        {"href": own, "rel": "resource"},
        {"href": around, "rel": "stack"},
    ]
    if root is not None:
        links.append(link(linker.stack_href(root), "root_stack"))
    return {
        "id": event.id,
        "links": links,
        "event_time": event.time,
        "logical_resource_id": event.resource_name,
        "resource_name": event.resource_name,
        "physical_resource_id": event.physical_id,
        "resource_status": state(event.action, event.status),
        "resource_status_reason": event.reason,
    }
