import importlib.metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stackd.clients import lookup
from stackd.errors import EntityNotFound
from stackd.resources import registry
from stackd.resources.index import declared_in
from stackd.resources.registry import load_registry
from stackd.template import named
from tests.support.context import FakeCloud, FakeContext

PLUGINS = Path(__file__).parents[2] / "examples" / "plugin"
KIND = "ACME::Desk::Note"


def test_every_built_in_type_loads() -> None:
    loaded = load_registry()
    assert loaded.problems == ()
    assert "OS::Nova::Server" in loaded
    assert loaded.get("OS::Heat::Value").type_name == "OS::Heat::Value"
    with pytest.raises(EntityNotFound, match="Nothing::Like::This"):
        loaded.get("Nothing::Like::This")


def test_names_are_matched_from_their_start() -> None:
    loaded = load_registry()
    assert list(loaded.matching("OS::Nova::S")) == ["OS::Nova::Server", "OS::Nova::ServerGroup"]
    assert list(loaded.matching("Nova")) == []
    assert list(loaded.matching("[")) == []
    assert "OS::Nova::Server" in loaded.matching(support_status="SUPPORTED")
    assert "OS::Nova::Server" not in loaded.matching(support_status="DEPRECATED")


async def use_the_sample(kind: Any) -> None:
    ctx = FakeContext("OS::Heat::None", properties={"text": "hello"})
    ctx.type = kind
    ctx.cloud.on("POST", "/notes", {"note": {"id": "n", "author": "me"}}).on("PUT", "/notes/n")
    ctx.cloud.on("DELETE", "/notes/n").on(
        "GET", "/notes", {"notes": [{"id": "n", "name": ctx.physical_name}]}
    )
    await kind.create(ctx, ctx.props)
    assert kind.attribute_values(ctx.resource, await ctx.live()) == {"author": "me"}
    assert [each["id"] for each in await kind.find(ctx, ctx.props)] == ["n"]
    await kind.update(ctx, ctx.props, ctx.load({"text": "bye"}))
    await kind.delete(ctx, ctx.props)
    assert ctx.cloud.asked() == [("POST", "/notes"), ("PUT", "/notes/n"), ("DELETE", "/notes/n")]


async def test_the_sample_plug_in_is_loaded_from_a_directory_and_works() -> None:
    loaded = load_registry([PLUGINS])
    assert loaded.problems == ()
    await use_the_sample(loaded.get(KIND))


async def test_the_sample_plug_in_is_loaded_as_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PLUGINS))
    entry = importlib.metadata.EntryPoint("note", "acme_note", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    loaded = load_registry()
    assert loaded.problems == ()
    await use_the_sample(loaded.get(KIND))


def test_a_broken_plug_in_is_reported_and_skipped(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    loaded = load_registry([tmp_path, PLUGINS])
    assert [(Path(each.source).name, each.error) for each in loaded.problems] == [
        ("broken.py", "ZeroDivisionError: division by zero")
    ]
    assert KIND in loaded


def test_a_plug_in_may_take_the_place_of_a_built_in_type(tmp_path: Path) -> None:
    source = (PLUGINS / "acme_note.py").read_text().replace(KIND, "OS::Heat::Value")
    (tmp_path / "mine.py").write_text(source)
    assert load_registry([tmp_path]).get("OS::Heat::Value").description == "A note on somebody's desk."


def test_only_types_that_a_module_declares_itself_count() -> None:
    import stackd.resources.heat.value as value

    borrowed = ModuleType("borrowed")
    vars(borrowed)["Value"] = value.Value
    assert [cls.type_name for cls in declared_in(value)] == ["OS::Heat::Value"]
    assert list(declared_in(borrowed)) == []


DESK = """
from typing import ClassVar
from stackd.clients.lookup import Collection
from stackd.resources.base import ResourceType
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop

class ChairProps(Properties):
    desk: str = prop("Name or id of the desk.", required=True, find="acme.desk")

@resource_type("ACME::Desk::Chair")
class Chair(ResourceType[ChairProps]):
    lookups: ClassVar = {"acme.desk": Collection("Desk", "office", "/desks", "desks", whole=True)}
"""


async def test_a_plug_in_declares_where_names_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "DECLARED", dict(lookup.DECLARED))
    (tmp_path / "chair.py").write_text(DESK)
    try:
        kind = load_registry([tmp_path]).get("ACME::Desk::Chair")
        assert kind.properties.load({"desk": "mine"}).data == {"desk": "mine"}
        cloud: Any = FakeCloud().on("GET", "/desks", {"desks": [{"id": "d", "name": "mine"}]})
        assert await lookup.Finder(cloud).id_of("acme.desk", "mine") == "d"
        assert named.named_problem("acme.desk", "mine") is None
    finally:
        named.ON_REQUEST.discard("acme.desk")
