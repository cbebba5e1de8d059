"""The collections of the shared file systems service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stackd.clients.lookup import Collection
from stackd.resources.entity import Entity

SERVICE: Final = "shared-file-system"


def manila(path: str, key: str, plural: str) -> Entity:
    """The collection of one kind of object, of which a list has only names unless it is asked for more."""
    return Entity(SERVICE, path, key, plural, update="PUT", list_path=f"{path}/detail")


def names(title: str, path: str, plural: str, params: Mapping[str, Any] | None = None) -> Collection:
    """The collection in which objects are looked up by name."""
    return Collection(title, SERVICE, path, plural, whole=True, params=params)
