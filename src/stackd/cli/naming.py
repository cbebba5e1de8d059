"""Names of resources as people write them: `group/0/server` is one inside the stack of `group/0`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Owners:
    """Which resource, of which stack, each nested stack belongs to, by the id of the stack.

    Lists of resources give it: one of a stack and of those inside it has them all.
    """

    of: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @classmethod
    def among(cls, resources: Iterable[Item]) -> Owners:
        """The owners among these resources."""
        return cls({}).and_among(resources)

    def and_among(self, resources: Iterable[Item]) -> Owners:
        """These owners and those among further resources."""
        found = {
            nested: (stack_of(item), str(item["resource_name"]))
            for item in resources
            if (nested := linked_stack(item, "nested"))
        }
        return Owners({**self.of, **found})

    def path(self, item: Item) -> str:
        """The name of a resource, or of an event's resource, with the names around it before it.

        Where the owners are not known, a resource still names the one around its stack.
        """
        stack = stack_of(item)
        is_of_stack = (
            stack in self.of and item.get("physical_resource_id") == stack
        )  # it has the owner's name
        names = [] if is_of_stack else [str(item["resource_name"])]
        if stack not in self.of and item.get("parent_resource"):
            names.insert(0, str(item["parent_resource"]))
        while stack in self.of:
            stack, owner = self.of[stack]
            names.insert(0, owner)
        return "/".join(names)


def linked_stack(item: Item, rel: str) -> str:
    """The id of the stack that a link of a resource or event leads to; empty when there is none."""
    return unquote(urlsplit(_href(item, rel)).path.rstrip("/").rpartition("/")[2])


def stack_of(item: Item) -> str:
    """The id of the stack that a resource or event belongs to."""
    return linked_stack(item, "stack")


def stack_path_of(item: Item) -> str:
    """The path, below the project, of the stack that a resource or event belongs to."""
    _, found, below = urlsplit(_href(item, "stack")).path.partition("/stacks/")
    return f"/stacks/{below}" if found else ""


def _href(item: Item, rel: str) -> str:
    return next((str(link["href"]) for link in item.get("links", ()) if link["rel"] == rel), "")
