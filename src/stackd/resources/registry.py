"""The registry of resource types: built in, installed plug-ins, and the operator's directories.

All three are loaded the same way: importing a module runs its ``@resource_type`` decorators. A
plug-in that cannot be imported is reported and skipped; it never keeps the server from starting.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from stackd.errors import EntityNotFound
from stackd.resources.base import ResourceType, declare_lookups
from stackd.resources.lookups import LOOKUPS
from stackd.resources.operator_environment import OperatorEnvironment, load_operator_environment
from stackd.resources.schema import Support
from stackd.template.patterns import matching

ENTRY_POINT_GROUP = "stackd.resources"

T = TypeVar("T", bound=type[ResourceType[Any]])


def resource_type(name: str, *, since: str | None = None, support: Support | None = None) -> Callable[[T], T]:
    """Declare that a class is the resource type ``name``."""

    def declare(cls: T) -> T:
        cls.type_name = name
        cls.support = support or Support(version=since)
        cls.description = (cls.__doc__ or "").strip()
        return cls

    return declare


@dataclass(frozen=True, slots=True)
class Problem:
    """A plug-in that could not be loaded, and why."""

    source: str
    error: str


@dataclass(frozen=True)
class Registry:
    """The types by name, one stateless instance each, and what the operator's environment makes of names."""

    types: Mapping[str, ResourceType[Any]]
    problems: Sequence[Problem] = ()
    operator: OperatorEnvironment = field(default_factory=OperatorEnvironment)

    def get(self, name: str) -> ResourceType[Any]:
        """The type of this name, or ``EntityNotFound``."""
        try:
            return self.types[name]
        except KeyError:
            raise EntityNotFound("Resource Type", name) from None

    def __contains__(self, name: object) -> bool:
        return name in self.types

    def matching(self, pattern: str | None = None, support_status: str | None = None) -> Iterator[str]:
        """Names that are listed; ``pattern`` is a regular expression anchored at the start.

        Raises ValueError for a pattern that cannot be used.
        """
        for name in matching(pattern, sorted(self.types)) if pattern else sorted(self.types):
            status = self.types[name].support.status
            if status == support_status if support_status else status != "HIDDEN":
                yield name


def load_registry(directories: Sequence[Path] = (), environments: Path | None = None) -> Registry:
    """Built-in types first; a plug-in may replace one of the same name.

    ``environments`` is the directory of the operator's environment.
    """
    declare_lookups(LOOKUPS)
    types: dict[str, ResourceType[Any]] = {}
    problems: list[Problem] = []
    for source, load in _sources(directories):
        try:
            module = load()
        except Exception as error:  # a plug-in may raise anything; it is reported, not swallowed
            problems.append(Problem(source, f"{type(error).__name__}: {error}"))
        else:
            types.update((cls.type_name, cls()) for cls in declared_in(module))
    return Registry(types, tuple(problems), load_operator_environment(types, environments))


@cache
def types_of_heat() -> frozenset[str]:
    """The names of the resource types that Heat has; not all of them are here."""
    return frozenset(Path(__file__).with_name("types_of_heat.txt").read_text().split())


def declared_in(module: ModuleType) -> Iterator[type[ResourceType[Any]]]:
    """The resource types that a module itself declares (not those it imports)."""
    for value in vars(module).values():
        if (
            isinstance(value, type)
            and issubclass(value, ResourceType)
            and value.__module__ == module.__name__
            and vars(value).get("type_name")
        ):
            yield value


def _sources(directories: Sequence[Path]) -> Iterator[tuple[str, Callable[[], ModuleType]]]:
    import stackd.resources as package

    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not info.ispkg and info.name.count(".") > package.__name__.count(".") + 1:
            yield info.name, partial(importlib.import_module, info.name)
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        yield f"entry point {entry.name} ({entry.value})", entry.load
    for directory in directories:
        for path in sorted(directory.glob("*.py")):
            yield str(path), partial(_import_file, path)


def _import_file(path: Path) -> ModuleType:
    name = f"stackd_plugin_{path.stem}_{abs(hash(str(path))):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
