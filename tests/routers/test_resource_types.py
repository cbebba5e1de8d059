"""Resource types are listed, shown and made into templates as Heat does, key by key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest

from stackd.resources.operator_environment import ALIASES
from stackd.resources.registry import load_registry
from tests.resources.test_schema_oracle import beyond
from tests.routers.conftest import Api
from tests.routers.recorded_types import QUERIES, UNKNOWN, VIEWS, answer, listed, recorded, wordless

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.sqlite]

RECORDED = recorded()
PRESENT = {*load_registry().types, *ALIASES, UNKNOWN}
NAMES = sorted(RECORDED["types"].keys() & PRESENT)
ABSENT: Final = frozenset(
    name
    for name, views in RECORDED["types"].items()
    if views["show"].get("type") == "ResourceTypeUnavailable"
)
"""Types whose service had not what they need where the answers were recorded."""


WORKING: Final = {
    "AWS::EC2::VPC": ("InstanceTenancy",),
    "AWS::ElasticLoadBalancing::LoadBalancer": ("Subnets",),
}
"""Properties that Heat knows but refuses, which work here."""


def as_heat(name: str, found: Any) -> Any:
    """A view without what a type has besides, and with the empty constraints of Heat's templates in HOT."""
    more = {*beyond(name, "properties"), *beyond(name, "attributes"), *WORKING.get(name, ())}

    def less(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: less(each) for key, each in value.items() if key not in more}
        return [less(each) for each in value] if isinstance(value, list) else value

    shown = less(found)
    for parameter in shown.get("parameters", {}).values():
        if "constraints" in parameter:
            parameter["constraints"] = [
                {} if each.keys() == {"custom_constraint"} else each for each in parameter["constraints"]
            ]
    return shown


@pytest.mark.parametrize("view", VIEWS)
async def test_types_are_shown_as_heat_shows_them(admin: Api, view: str) -> None:
    known, ours = {}, {}
    for name in NAMES:
        if name in ABSENT and view in ("show", "described"):
            continue
        found = answer(await admin.call("GET", f"/resource_types/{name}{VIEWS[view]}"))
        wanted = RECORDED["types"][name][view]
        if wanted.get("status") == httpx.codes.INTERNAL_SERVER_ERROR:
            assert found.keys() & {"resources", "Resources"}, name  # Heat fails at attributes of any type
        else:
            known[name], ours[name] = wanted, as_heat(name, found)
    assert ours == known


def names(found: Any) -> Any:
    return [
        each
        for each in found
        if (each if isinstance(each, str) else each["resource_type"]) in PRESENT - ABSENT
    ]


@pytest.mark.parametrize("query", QUERIES)
async def test_types_are_listed_as_heat_lists_them(admin: Api, query: str) -> None:
    found = listed(answer(await admin.call("GET", f"/resource_types{query}")))
    wanted = RECORDED["lists"][query]
    if isinstance(wanted, Mapping):
        assert found == wanted
    else:
        assert names(found) == names(wanted)


async def test_only_texts_are_left_out() -> None:
    property_of_this_name = {"description": {"type": "string", "description": "d"}}
    found = {"description": "a", "message": None, "b": [{"description": "c", "type": "t"}]}
    assert wordless(found | property_of_this_name) == {
        "b": [{"type": "t"}],
        "description": {"type": "string"},
    }
