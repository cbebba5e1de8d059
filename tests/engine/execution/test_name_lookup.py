"""Names in properties become ids."""

from __future__ import annotations

import pytest

from stackd.engine.execution.name_lookup import with_ids
from stackd.errors import EntityNotFound, PropertyError
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import Unknown


class Nic(Properties):
    network: str | None = prop("", find="neutron.network")
    label: str | None = prop("")


class Props(Properties):
    image: str | None = prop("", find="glance.image")
    nics: list[Nic] | None = prop("")
    groups: list[str] | None = prop("", element_find="neutron.security_group")


class Plain(Properties):
    name: str | None = prop("")


class Finder:
    """Knows the names ``known-…``; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def id_of(self, kind: str, name: str) -> str:
        self.asked.append((kind, name))
        if not name.startswith("known-"):
            raise EntityNotFound(kind, name)
        return f"id of {name}"


def given(**data: object) -> Props:
    return Props.wrap(dict(data))


async def test_names_at_every_depth_become_ids_and_the_original_stays() -> None:
    find = Finder()
    props = given(
        image="known-image",
        nics=[{"network": "known-net", "label": "known-no"}],
        groups=["known-a", "known-b"],
    )
    ready = await with_ids(props, find, set())  # type: ignore[arg-type]
    assert ready.data == {
        "image": "id of known-image",
        "nics": [{"network": "id of known-net", "label": "known-no"}],
        "groups": ["id of known-a", "id of known-b"],
    }
    assert props.data["image"] == "known-image"
    assert ready.given == props.given


async def test_ids_of_our_own_objects_and_open_values_are_not_looked_up() -> None:
    find = Finder()
    props = given(image=Unknown("image"), nics=[{"network": "ours"}, {"network": None}], groups=[""])
    ready = await with_ids(props, find, {"ours"})  # type: ignore[arg-type]
    assert find.asked == []
    assert ready.data == props.data


async def test_unknown_name_is_refused_with_its_path_unless_it_once_was_valid() -> None:
    props = given(nics=[{"network": "known-net"}, {"network": "lost"}])
    with pytest.raises(PropertyError, match=r"^Property error: properties\.nics\[?\.?1\]?\.network: "):
        await with_ids(props, Finder(), set())  # type: ignore[arg-type]
    kept = await with_ids(props, Finder(), set(), strict=False)  # type: ignore[arg-type]
    assert kept.data["nics"] == [{"network": "id of known-net"}, {"network": "lost"}]


async def test_properties_without_names_are_passed_on() -> None:
    props = Plain.wrap({"name": "known-x"})
    assert await with_ids(props, Finder(), set()) is props  # type: ignore[arg-type]
