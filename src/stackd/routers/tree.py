"""A tree of path segments, in which a route is found by one pass over the path (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import unquote

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ARN = "arn:"
"""Prefix of a segment that forms one value together with all that follow."""

T = TypeVar("T")


@dataclass(slots=True)
class _Node(Generic[T]):
    """A place in the tree of paths."""

    fixed: dict[str, _Node[T]] = field(default_factory=dict)
    variable: _Node[T] | None = None
    arn: _Node[T] | None = None
    names: tuple[str, ...] = ()
    targets: dict[str, T] = field(default_factory=dict)


class Found(NamedTuple, Generic[T]):
    """The result of a look-up: the target of the method, if any, and the methods of the path."""

    target: T | None
    parts: Mapping[str, str]
    allowed: tuple[str, ...]


class Tree(Generic[T]):
    """Targets by method and path."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def insert(self, path: str, methods: Iterable[str], target: T) -> None:
        """Add a target; ``{name}`` stands for any segment, ``{name:arn}`` for an ARN."""
        node = self._root
        names: list[str] = []
        for segment in path.strip("/").split("/"):
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
        node.targets |= dict.fromkeys(methods, target)

    def find(self, method: str, path: str) -> Found[T] | None:
        """The targets of a path (still percent-encoded); None if there are none.

        A fixed segment comes before a variable one, but only for the methods that it has.
        """
        segments = path[1:].split("/")
        if "%" in path:
            segments = [unquote(segment) for segment in segments]
        return self._straight(method, segments) or self._searched(method, segments)

    def _straight(self, method: str, segments: Sequence[str]) -> Found[T] | None:
        """The target of a path that leads to one place only, as nearly all do; None if it may not."""
        node, values = self._root, []
        for segment in segments:
            fixed, variable = node.fixed.get(segment), node.variable
            if fixed is not None:
                if variable is not None or node.arn is not None:
                    return None
                node = fixed
            elif variable is None or not segment or (node.arn is not None and segment.startswith(ARN)):
                return None
            else:
                values.append(segment)
                node = variable
        target = node.targets.get(method)
        return None if target is None else Found(target, dict(zip(node.names, values, strict=True)), ())

    def _searched(self, method: str, segments: Sequence[str]) -> Found[T] | None:
        """The same as ``find``, wherever the path may lead."""
        allowed: set[str] = set()
        branches: list[tuple[_Node[T], int, tuple[str, ...]]] = [(self._root, 0, ())]
        while branches:
            node, at, values = branches.pop()
            if at == len(segments):
                if (target := node.targets.get(method)) is not None:
                    return Found(target, dict(zip(node.names, values, strict=True)), ())
                allowed.update(node.targets)
                continue
            segment = segments[at]
            if node.arn is not None and segment.startswith(ARN):
                branches.append((node.arn, len(segments), (*values, "/".join(segments[at:]))))
            elif node.variable is not None and segment:
                branches.append((node.variable, at + 1, (*values, segment)))
            if (fixed := node.fixed.get(segment)) is not None:  # the last one comes first
                branches.append((fixed, at + 1, values))
        return Found(None, {}, tuple(each for each in METHODS if each in allowed)) if allowed else None
