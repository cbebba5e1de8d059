"""The index of the built-in resource types: the module of each, and what lists show of it.

Reading it takes a millisecond; importing every type takes a quarter of a second and several megabytes, which
a server spends only on the types that its stacks have. ``index.json`` is made of the declarations
(``python -m stackd.resources``) and a test compares them, so it is never edited and never out of date in a
release. A module that the index does not know yet is imported at the start.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeGuard

from stackd.clients.lookup import Collection
from stackd.resources.base import ResourceType

PACKAGE: Final = "stackd.resources"
_HERE: Final = Path(__file__).parent
INDEX: Final = _HERE / "index.json"


@dataclass(frozen=True, slots=True)
class Listing:
    """What lists show of a type, and the service without which it cannot be used."""

    name: str
    status: str = "SUPPORTED"
    version: str | None = None
    service: str | None = None
    extension: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """The types by module, the name relative to the package, and the collections that the types own."""

    modules: Mapping[str, tuple[Listing, ...]] = field(default_factory=dict)
    lookups: Mapping[str, Collection] = field(default_factory=dict)


def listing_of(kind: type[ResourceType[Any]]) -> Listing:
    """What lists show of a type that is imported."""
    support = kind.support
    needs = kind.needed_service(), kind.extension
    return Listing(kind.type_name, support.status, support.version, *needs, kind.description)


def declared_in(module: ModuleType) -> Iterator[type[ResourceType[Any]]]:
    """The resource types that a module itself declares (not those it imports).

    Classes that are made of data have no names in their module; it lists them in ``MADE_TYPES``.
    """
    return (kind for kind in _classes(module) if vars(kind).get("type_name"))


def _classes(module: ModuleType) -> Iterator[type[ResourceType[Any]]]:
    named = vars(module)
    return (each for each in (*named.values(), *named.get("MADE_TYPES", ())) if _is_own(module, each))


def _is_own(module: ModuleType, value: object) -> TypeGuard[type[ResourceType[Any]]]:
    return isinstance(value, type) and issubclass(value, ResourceType) and value.__module__ == module.__name__


def module_names() -> list[str]:
    """The modules of the services' packages, where types are declared; nothing is imported."""
    return sorted(
        f"{path.parent.name}.{path.stem}" for path in _HERE.glob("*/*.py") if not path.stem.startswith("__")
    )


def import_module(name: str) -> ModuleType:
    """A module by its name relative to the package."""
    return importlib.import_module(f"{PACKAGE}.{name}")


# --- the file -------------------------------------------------------------------------------------


def made_index() -> Index:
    """The index as the declarations have it; every module is imported."""
    modules = {name: import_module(name) for name in module_names()}
    lookups: dict[str, Collection] = {}
    for module in modules.values():
        for kind in _classes(module):
            lookups |= vars(kind).get("lookups", {})
    listed = {name: tuple(map(listing_of, declared_in(module))) for name, module in modules.items()}
    return Index(listed, dict(sorted(lookups.items())))


def index_text(index: Index) -> str:
    """The index as JSON; each module and each collection has a line, so that changes are easy to read."""
    modules = {name: [_sparse(each) for each in found] for name, found in index.modules.items()}
    lookups = {kind: _sparse(each) for kind, each in index.lookups.items()}
    return f'{{\n"modules": {_lines(modules)},\n"lookups": {_lines(lookups)}\n}}\n'


def _lines(section: Mapping[str, Any]) -> str:
    entries = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in section.items())
    return "{\n" + ",\n".join(entries) + "\n}"


def _sparse(record: Listing | Collection) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    values = {each.name: (getattr(record, each.name), each.default) for each in fields(record)}
    return {
        name: value for name, (value, default) in values.items() if default is MISSING or value != default
    }


@cache
def read_index() -> Index:
    """The index as it is stored; an empty one if there is none."""
    if not INDEX.exists():
        return Index()
    stored = json.loads(INDEX.read_text())
    return Index(
        {name: tuple(Listing(**each) for each in found) for name, found in stored["modules"].items()},
        {kind: Collection(**each) for kind, each in stored["lookups"].items()},
    )
