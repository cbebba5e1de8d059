"""The registry of resource types: built in, installed plug-ins, and the operator's directories.

Importing a module runs its ``@resource_type`` decorators. The modules of plug-ins are imported at the start,
those of built-in types when the type is first used: until then the index stands for them. A plug-in that
cannot be imported is reported and skipped; it never keeps the server from starting.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar

from stackd.errors import EntityNotFound
from stackd.offload import charge_trial, in_thread
from stackd.resources.base import ResourceType, declare_lookups
from stackd.resources.index import (
    Index,
    Listing,
    declared_in,
    import_module,
    listing_of,
    module_names,
    read_index,
)
from stackd.resources.lookups import LOOKUPS
from stackd.resources.operator_environment import OperatorEnvironment, load_operator_environment
from stackd.resources.schema import Support
from stackd.template.patterns import matching

ENTRY_POINT_GROUP = "stackd.resources"
_IMPORTING: Final = 2_000_000
"""What importing a module weighs among computations: too much for the event loop."""

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


class Types(Mapping[str, ResourceType[Any]]):
    """The types by name, one stateless instance each; those in the index are imported when first read."""

    def __init__(self, index: Index, loaded: Iterable[type[ResourceType[Any]]] = ()) -> None:
        self._modules = {each.name: module for module, found in index.modules.items() for each in found}
        self._listings = {each.name: each for found in index.modules.values() for each in found}
        self._loaded: dict[str, ResourceType[Any]] = {}
        for kind in loaded:
            self._loaded[kind.type_name] = kind()
            self._listings[kind.type_name] = listing_of(kind)

    def __getitem__(self, name: str) -> ResourceType[Any]:
        known = self._loaded.get(name)
        return known if known is not None else self._load(name)

    def __contains__(self, name: object) -> bool:
        return name in self._listings

    def __iter__(self) -> Iterator[str]:
        return iter(self._listings)

    def __len__(self) -> int:
        return len(self._listings)

    def listing(self, name: str) -> Listing:
        """What lists show of a type, which is not imported for that."""
        return self._listings[name]

    def to_load(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the names whose types have to be imported to be used."""
        return frozenset(name for name in names if name not in self._loaded and name in self._modules)

    def _load(self, name: str) -> ResourceType[Any]:
        module = self._modules[name]
        charge_trial(_IMPORTING)
        for kind in declared_in(import_module(module)):
            if self._modules.get(kind.type_name) == module:
                self._loaded.setdefault(kind.type_name, kind())  # several threads may load it; one is first
        return self._loaded[name]


@dataclass(frozen=True)
class Registry:
    """The types by name, and what the operator's environment makes of names."""

    types: Types
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
        """Names that are listed, which those of hidden types never are.

        ``pattern`` is a regular expression anchored at the start.
        Raises ValueError for a pattern that cannot be used.
        """
        for name in matching(pattern, sorted(self.types)) if pattern else sorted(self.types):
            status = self.types.listing(name).status
            if status != "HIDDEN" and support_status in (None, status):
                yield name

    async def ready(self, names: Iterable[str]) -> None:
        """Import, in a thread, those types that were not used before: that takes too long for the event loop.

        Names that are no types are ignored.
        """
        if missing := self.types.to_load(names):
            await in_thread(lambda: [self.types[name] for name in missing])


def load_registry(directories: Sequence[Path] = (), environments: Path | None = None) -> Registry:
    """Built-in types first; a plug-in may replace one of the same name.

    ``environments`` is the directory of the operator's environment.
    """
    index = read_index()
    declare_lookups({**LOOKUPS, **index.lookups})
    loaded: list[type[ResourceType[Any]]] = []
    problems: list[Problem] = []
    for source, load in _sources(index, directories):
        try:
            module = load()
        except Exception as error:  # a plug-in may raise anything; it is reported, not swallowed
            problems.append(Problem(source, f"{type(error).__name__}: {error}"))
        else:
            loaded += declared_in(module)
    for kind in loaded:
        declare_lookups(
            vars(kind).get("lookups", {})
        )  # a plug-in's take precedence, whatever is imported later
    types = Types(index, loaded)
    return Registry(types, tuple(problems), load_operator_environment(types, environments))


@cache
def types_of_heat() -> frozenset[str]:
    """The names of the resource types that Heat has; not all of them are here."""
    return frozenset(Path(__file__).with_name("types_of_heat.txt").read_text().split())


def _sources(index: Index, directories: Sequence[Path]) -> Iterator[tuple[str, Callable[[], ModuleType]]]:
    """What is imported at the start: the modules that are newer than the index, and plug-ins."""
    for name in module_names():
        if name not in index.modules:
            yield name, partial(import_module, name)
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
