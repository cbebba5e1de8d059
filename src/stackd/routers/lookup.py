"""Finds a stack by its name, id or ARN, and redirects to its full path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, unquote, urlencode

from starlette.responses import Response

from stackd.engine.usecases import access
from stackd.errors import BadRequest
from stackd.routers import models
from stackd.routers.errors import found
from stackd.routers.front import Call
from stackd.routers.routing import noun
from stackd.routers.tree import ARN, METHODS

router = noun("stacks")

Endpoint = Callable[[Call], Awaitable[Response]]

_HEAT = f"{ARN}openstack:heat::"
READ = ("resources", "events", "template", "actions", "environment", "files")
WRITTEN = ("resources", "events", "template", "actions")


async def lookup(call: Call) -> Response:
    """Redirect to the full path of a stack, which may be named by name, id or ARN."""
    return await _redirect(call, "")


async def _redirect(call: Call, below: str) -> Response:
    wanted = call.part("name")
    if wanted.startswith(ARN):
        access.enforce(call.engine, call.caller, "stacks:lookup")
        location = _of_arn(call, wanted)
    else:
        stack = await access.lookup(call.engine, call.caller, wanted)
        location = call.stack_href(stack)
    query = parse_qsl(call.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return found(f"{location}{below}?{urlencode(query)}" if query else f"{location}{below}")


def _of_arn(call: Call, arn: str) -> str:
    """The URL of the stack in an ARN, without a check that the stack exists."""
    project, _, path = arn.removeprefix(_HEAT).partition(":")
    parts = [unquote(part) for part in path.split("/")]
    if not arn.startswith(_HEAT) or not project or len(parts) < 3 or parts[0] != "stacks" or not all(parts):
        raise BadRequest(f'"{arn}" is not a valid ARN')
    return call.href(project, *parts)


def _below(name: str) -> Endpoint:
    async def lookup_below(call: Call) -> Response:
        return await _redirect(call, f"/{name}")

    lookup_below.__doc__ = f"Redirect to the {name} of a stack."
    lookup_below.__name__ = f"lookup_{name}"
    return lookup_below


def _declare(path: str, endpoint: Endpoint, *methods: str, documented: bool = True) -> None:
    for method in methods:  # each is an operation of its own in the document
        router.add_api_route(
            path,
            endpoint,
            methods=[method],
            status_code=302,
            response_model=models.Notice,
            include_in_schema=documented,
        )


_declare("/v1/{project}/stacks/{name:arn}", lookup, *METHODS, documented=False)
for _name in READ:
    _methods = ("GET", "POST") if _name in WRITTEN else ("GET",)
    _declare(f"/v1/{{project}}/stacks/{{name}}/{_name}", _below(_name), *_methods)
_declare("/v1/{project}/stacks/{name}", lookup, *METHODS)
