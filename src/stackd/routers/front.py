"""The shared parts of a server's endpoints, and the request as an endpoint sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.types import Receive, Scope

from stackd.auth.tokens import TokenValidator
from stackd.engine.usecases.access import StackRef, sees_every_project
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.enrollment import FirstUses
from stackd.engine.usecases.queries import Reader
from stackd.errors import WrongProject
from stackd.recent import remembered
from stackd.records import Caller, Stack
from stackd.request_bodies import header, read_body
from stackd.settings import Settings

FRONT, CALLER, BASE = "stackd.front", "stackd.caller", "stackd.base"
REQUEST_ID, GLOBAL_REQUEST_ID, ROUTE = "stackd.request_id", "stackd.global_request_id", "stackd.route"
ANSWERED = "stackd.answered"
"""The keys in a request's ASGI scope under which the middleware and the router store their results."""

STACK = "/v1/{project}/stacks/{name}/{id}"
"""The full path of a stack."""


@dataclass(frozen=True, slots=True)
class Front:
    """The parts of the process that the native API uses; ``first_uses`` if users are enrolled by them."""

    settings: Settings
    engine: Engine
    tokens: TokenValidator
    reader: Reader
    first_uses: FirstUses | None = None


class Call(Request):
    """One request: its caller, and shortcuts to the parts that endpoints need."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self._hrefs: dict[str, str] = {}

    @property
    def front(self) -> Front:
        """The server's parts."""
        front: Front = self.scope[FRONT]
        return front

    @property
    def engine(self) -> Engine:
        """The engine."""
        return self.front.engine

    @property
    def reader(self) -> Reader:
        """The cached queries of the engine."""
        return self.front.reader

    @property
    def caller(self) -> Caller:
        """The caller."""
        caller: Caller = self.scope[CALLER]
        return caller

    @property
    def base(self) -> str:
        """The base of links: scheme, host and the requested version."""
        base: str = self.scope[BASE]
        return base

    def part(self, name: str) -> str:
        """A variable part of the path."""
        value: str = self.scope["path_params"][name]
        return value

    async def body_object(self, *, required: bool = True) -> dict[str, Any]:
        """The JSON object in the body; empty when there is none and that is allowed."""
        return await read_body(self, self.front.settings.limits.max_json_body_size, required=required)

    @property
    def size(self) -> int | None:
        """Bytes of the body; None if it came in parts whose number was not announced."""
        announced = header(self.scope, b"content-length")
        return int(announced) if announced.isdigit() else None

    def check_project(self) -> None:
        """Refuse paths of projects other than the caller's, except to who may see stacks of every project."""
        project = self.scope["path_params"].get("project")
        if project is None or project == self.caller.project_id:
            return
        if not sees_every_project(self.engine, self.caller):
            raise WrongProject

    @property
    def stack(self) -> StackRef:
        """The stack that the path names."""
        return StackRef(self.part("id"), self.part("name"))

    def href(self, *parts: str) -> str:
        """An absolute URL below the version."""
        return "/".join((self.base, *map(quoted, parts)))

    def stack_href(self, stack: Stack) -> str:
        """The URL of a stack, made once: in most lists all that is shown is in the same one."""
        known = self._hrefs.get(stack.id)
        if known is None:
            known = self._hrefs[stack.id] = self.href(stack.project_id, "stacks", stack.name, stack.id)
        return known


@remembered(8192, longest=255)
def quoted(part: str) -> str:
    """A segment of a path, percent-encoded."""
    return quote(part, safe="")
