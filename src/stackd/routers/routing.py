"""Routes: which handler answers a method on a path, found by walking the path's segments once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel
from starlette.responses import Response

from stackd.routers.front import Call

Handler = Callable[[Call], Awaitable[Response]]
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TEXT, NUMBER, FLAG, NAMES = "string", "integer", "boolean", "array"
"""Types of parameters in a query."""
_ARN = "arn:"


Query = Mapping[str, tuple[str, str]]
"""Type and description of each parameter of a query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A handler with its documentation: the status, model and query of what it answers and takes."""

    path: str
    methods: tuple[str, ...]
    handler: Handler
    tag: str = ""
    status: int = 200
    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: Query = field(default_factory=dict)
    documented: bool = True


class Routes:
    """The endpoints of one module, in the order in which they are declared."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.endpoints: list[Endpoint] = []

    def add(self, path: str, handler: Handler, *methods: str, **about: Any) -> None:
        """Answer these methods on a path; ``{name}`` stands for any segment, ``{name:arn}`` for an ARN."""
        self.endpoints.append(Endpoint(path=path, methods=methods, handler=handler, tag=self.tag, **about))

    def on(self, method: str, path: str, **about: Any) -> Callable[[Handler], Handler]:
        """Answer a method on a path; ``about`` are further fields of ``Endpoint``."""

        def declare(handler: Handler) -> Handler:
            self.add(path, handler, method, **about)
            return handler

        return declare

    def get(self, path: str, answer: type[BaseModel] | None, **about: Any) -> Callable[[Handler], Handler]:
        """Answer GET."""
        return self.on("GET", path, answer=answer, **about)

    def post(self, path: str, answer: type[BaseModel] | None, **about: Any) -> Callable[[Handler], Handler]:
        """Answer POST."""
        return self.on("POST", path, answer=answer, **about)

    def put(self, path: str, answer: type[BaseModel] | None, **about: Any) -> Callable[[Handler], Handler]:
        """Answer PUT."""
        return self.on("PUT", path, answer=answer, **about)

    def patch(self, path: str, answer: type[BaseModel] | None, **about: Any) -> Callable[[Handler], Handler]:
        """Answer PATCH."""
        return self.on("PATCH", path, answer=answer, **about)

    def delete(self, path: str, answer: type[BaseModel] | None, **about: Any) -> Callable[[Handler], Handler]:
        """Answer DELETE."""
        return self.on("DELETE", path, answer=answer, **about)


@dataclass(slots=True)
class _Node:
    """A place in the tree of paths."""

    fixed: dict[str, _Node] = field(default_factory=dict)
    variable: _Node | None = None
    arn: _Node | None = None
    names: tuple[str, ...] = ()
    handlers: dict[str, Handler] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """What a path leads to: the handler of the method if it has one, and the methods that it takes."""

    handler: Handler | None
    parts: Mapping[str, str]
    allowed: tuple[str, ...]


class Table:
    """All endpoints of a server."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._root = _Node()
        for endpoint in endpoints:
            self._insert(endpoint)

    def _insert(self, endpoint: Endpoint) -> None:
        node = self._root
        names: list[str] = []
        for segment in endpoint.path.strip("/").split("/"):
            if not segment.startswith("{"):
                node = node.fixed.setdefault(segment, _Node())
                continue
            name, _, kind = segment[1:-1].partition(":")
            names.append(name)
            if kind == "arn":
                node.arn = node.arn or _Node()
                node = node.arn
            else:
                node.variable = node.variable or _Node()
                node = node.variable
        node.names = tuple(names)
        node.handlers |= dict.fromkeys(endpoint.methods, endpoint.handler)

    def find(self, method: str, path: str) -> Found | None:
        """What a path (still percent-encoded) leads to; None when it leads nowhere.

        A fixed segment comes before a variable one, but only for the methods that it has.
        """
        segments = [unquote(segment) for segment in path[1:].split("/")]
        allowed: set[str] = set()
        for node, values in _walk(self._root, segments, 0, ()):
            handler = node.handlers.get(method)
            if handler is not None:
                return Found(handler, dict(zip(node.names, values, strict=True)), ())
            allowed.update(node.handlers)
        return Found(None, {}, tuple(each for each in METHODS if each in allowed)) if allowed else None


def _walk(
    node: _Node, segments: list[str], at: int, values: tuple[str, ...]
) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    if at == len(segments):
        if node.handlers:
            yield node, values
        return
    segment = segments[at]
    fixed = node.fixed.get(segment)
    if fixed is not None:
        yield from _walk(fixed, segments, at + 1, values)
    if node.arn is not None and segment.startswith(_ARN):
        yield node.arn, (*values, "/".join(segments[at:]))
    elif node.variable is not None and segment:
        yield from _walk(node.variable, segments, at + 1, (*values, segment))
