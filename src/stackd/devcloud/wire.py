"""A call and its reply, faults, and the router that finds the handler of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from stackd.devcloud.store import JSON, Entity, Store
from stackd.devcloud.world import Actor, World


class Fault(Exception):
    """A call that a service refuses; each service renders it in its own way."""

    def __init__(self, status: int, message: str, kind: str = "", headers: Mapping[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.headers = dict(headers or {})


def bad_request(message: str, kind: str = "") -> Fault:
    """The call makes no sense."""
    return Fault(400, message, kind)


def not_found(message: str, kind: str = "") -> Fault:
    """There is no such object, or the caller must not know of it."""
    return Fault(404, message, kind)


def conflict(message: str, kind: str = "") -> Fault:
    """The state of things forbids the call."""
    return Fault(409, message, kind)


def forbidden(message: str, kind: str = "") -> Fault:
    """The caller may not do this."""
    return Fault(403, message, kind)


@dataclass(slots=True)
class Reply:
    """The reply to a call: a JSON value, text, bytes or nothing."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, str]:
        """The body as bytes, and its content type unless the headers name one."""
        if self.body is None:
            return b"", ""
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/plain; charset=utf-8"
        return orjson.dumps(self.body, option=orjson.OPT_NON_STR_KEYS), "application/json"


@dataclass(slots=True)
class Call:
    """One request to one service."""

    world: World
    service: str
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    base: str
    """URL of the service, to which `path` was relative."""

    params: dict[str, str] = field(default_factory=dict)
    actor_or_none: Actor | None = None
    version: tuple[int, int] = (0, 0)
    touched: list[Entity] = field(default_factory=list)
    """Objects that the call made, for faults that break them."""

    @property
    def store(self) -> Store:
        """The objects of the cloud."""
        return self.world.store

    @property
    def actor(self) -> Actor:
        """The authenticated caller."""
        if self.actor_or_none is None:
            raise Fault(401, "The request you have made requires authentication.")
        return self.actor_or_none

    def json(self) -> Any:
        """The body as JSON; an empty body is an empty object."""
        if not self.body:
            return {}
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise bad_request(f"Malformed request body: {error}") from error

    def unwrap(self, key: str) -> JSON:
        """The object under `key` in the body."""
        body = self.json()
        inner = body.get(key) if isinstance(body, dict) else None
        if not isinstance(inner, dict):
            raise bad_request(f"Unable to find '{key}' in request body", "HTTPBadRequest")
        return inner

    def first(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)


Handler = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """A handler for a method and a path such as `/servers/{server_id}/action`."""

    method: str
    pattern: str
    handler: Handler
    public: bool = False
    """Whether it answers without a token."""


class _Node:
    __slots__ = ("children", "routes", "wild")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.wild: _Node | None = None
        self.routes: dict[str, Route] = {}


class Router:
    """Finds routes by walking a tree of path segments; fixed segments win over `{…}`."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for part in _split(route.pattern):
                if part.startswith("{"):
                    node.wild = node.wild or _Node()
                    node = node.wild
                else:
                    node = node.children.setdefault(part, _Node())
            node.routes.setdefault(route.method, route)

    def match(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        """The route of a call and the values of its `{…}` segments; a fault if there is none."""
        parts = _split(path)
        node = _walk(self._root, parts, 0)
        if node is None:
            raise not_found("The resource could not be found.", "HTTPNotFound")
        route = node.routes.get(method) or (node.routes.get("GET") if method == "HEAD" else None)
        if route is None:
            raise Fault(405, "The method is not allowed for this resource.", "HTTPMethodNotAllowed")
        names = _split(route.pattern)
        return route, {n[1:-1]: v for n, v in zip(names, parts, strict=True) if n.startswith("{")}


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _walk(node: _Node, parts: list[str], at: int) -> _Node | None:
    if at == len(parts):
        return node if node.routes else None
    child = node.children.get(parts[at])
    if child is not None and (found := _walk(child, parts, at + 1)) is not None:
        return found
    return _walk(node.wild, parts, at + 1) if node.wild is not None else None
