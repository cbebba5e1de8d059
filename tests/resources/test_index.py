"""The index stands for the built-in types until they are used, and is what they declare."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from stackd.clients import lookup
from stackd.offload import offloaded
from stackd.resources import registry
from stackd.resources.base import ResourceType
from stackd.resources.index import INDEX, index_text, listing_of, made_index, read_index
from stackd.resources.registry import load_registry
from tests.resources.test_registry import PLUGINS

VALUE = "OS::Heat::Value"
GROUPS = "heat.deployment_groups"  # a module with several types
TYPES_OF_GROUPS = {each.name for each in read_index().modules[GROUPS]}


def test_the_committed_index_is_what_the_types_declare() -> None:
    assert INDEX.read_text() == index_text(made_index()), "write it anew: make generated"
    assert read_index() == made_index()


def test_lists_read_the_index_only() -> None:
    types = load_registry().types
    assert types.to_load(types) == set(types)
    listed = {name: types.listing(name) for name in types}
    assert types.to_load(types) == set(types)
    assert listed == {name: listing_of(type(kind)) for name, kind in types.items()}
    assert types.to_load(types) == set()


def test_reading_a_type_imports_its_module_alone() -> None:
    types = load_registry().types
    assert types[VALUE] is types[VALUE]
    assert types.to_load(types) == set(types) - {VALUE}
    name = min(TYPES_OF_GROUPS)
    assert types[name].type_name == name
    assert types.to_load(types) == set(types) - TYPES_OF_GROUPS - {VALUE}


async def test_a_type_is_not_imported_on_the_event_loop() -> None:
    types = load_registry().types
    read = []

    def use() -> None:
        read.append((types[VALUE].type_name, threading.current_thread() is threading.main_thread()))

    await offloaded(use)
    await offloaded(use)
    assert read == [(VALUE, False), (VALUE, True)]


async def test_types_are_made_ready_and_unknown_names_ignored() -> None:
    loaded = load_registry()
    await loaded.ready([VALUE, "no::such::type", "file:///a.yaml"])
    assert loaded.types.to_load([VALUE, "no::such::type", "OS::Heat::None"]) == {"OS::Heat::None"}


def test_a_module_that_the_index_does_not_know_is_imported_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = read_index()
    older = {name: found for name, found in index.modules.items() if name != "heat.value"}
    monkeypatch.setattr(registry, "read_index", lambda: replace(index, modules=older))
    loaded = load_registry()
    assert VALUE not in loaded.types.to_load(loaded.types)
    assert loaded.types.listing(VALUE) == listing_of(type(loaded.get(VALUE)))
    assert VALUE in loaded.matching("OS::Heat::V")


def test_a_plug_in_keeps_the_place_of_a_built_in_type_whose_module_is_imported_later(tmp_path: Path) -> None:
    taken, other = sorted(TYPES_OF_GROUPS)[:2]
    source = (PLUGINS / "acme_note.py").read_text().replace("ACME::Desk::Note", taken)
    (tmp_path / "mine.py").write_text(source)
    types = load_registry([tmp_path]).types
    assert types[other].type_name == other
    assert types[taken].description == types.listing(taken).description == "A note on somebody's desk."


RENAMED = """
from typing import ClassVar
from stackd.clients.lookup import Collection
from stackd.resources.base import ResourceType
from stackd.resources.registry import resource_type

@resource_type("ACME::Role")
class Role(ResourceType):
    lookups: ClassVar = {"keystone.role": Collection("Part", "identity", "/parts", "parts")}
"""


def test_a_plug_in_keeps_its_collection_when_a_built_in_type_is_imported_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "DECLARED", {})
    (tmp_path / "role.py").write_text(RENAMED)
    load_registry([tmp_path])
    type("Late", (ResourceType,), {"lookups": read_index().lookups})
    assert lookup.DECLARED["keystone.role"].title == "Part"
    load_registry()
    assert lookup.DECLARED["keystone.role"].title == "KeystoneRole"
