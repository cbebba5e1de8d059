"""Every type has the properties and attributes that templates written for Heat rely on."""

import json
from pathlib import Path
from typing import Any

import pytest

from stackd.clients.catalog import client_name
from stackd.resources.registry import load_registry

DATA = Path(__file__).parent / "data"
KNOWN = json.loads((DATA / "resource-types.json").read_text())
CLIENTS = json.loads((DATA / "clients.json").read_text())
REGISTRY = load_registry()
SAME = sorted(KNOWN.keys() & REGISTRY.types.keys())


MORE = {
    "AWS::CloudWatch::Alarm": {
        "properties": (
            *("ActionsEnabled", "AlarmName", "DatapointsToAlarm", "EvaluateLowSampleCountPercentile"),
            *("ExtendedStatistic", "Tags", "TreatMissingData", "Unit"),
        ),
        "attributes": ("Arn",),
    }
}
"""What types have besides, because today's templates for the same type name it."""


def beyond(name: str, what: str) -> tuple[str, ...]:
    return MORE.get(name, {}).get(what, ())


def support(view: Any) -> dict[str, Any] | None:
    if view is None:
        return None
    return {
        "status": view.get("status", "SUPPORTED"),
        "version": view.get("version"),
        "previous": support(view.get("previous_status")),
    }


def schema(view: Any) -> dict[str, Any]:
    return {
        "type": view["type"],
        "default": view.get("default"),
        "required": view.get("required", False),
        "update_allowed": view.get("update_allowed", False),
        "immutable": view.get("immutable", False),
        "constraints": sorted(json.dumps(each, sort_keys=True) for each in view.get("constraints", ())),
        "support": support(view.get("support_status", {})),
        "schema": {name: schema(inner) for name, inner in (view.get("schema") or {}).items()} or None,
    }


def declared(prop: Any) -> dict[str, Any]:
    inner = prop.keys or ({"*": prop.element} if prop.element else {})
    view = {**prop.shown(), "support_status": prop.support.shown()}
    return schema({**view, "schema": {}}) | {
        "schema": {name: declared(each) for name, each in inner.items()} or None
    }


@pytest.mark.parametrize("name", SAME)
def test_properties(name: Any) -> None:
    known = {key: schema(view) for key, view in KNOWN[name].get("properties", {}).items()}
    ours = {key: declared(prop) for key, prop in REGISTRY.get(name).properties.schema.items()}
    more = {key: ours.pop(key) for key in beyond(name, "properties")}
    assert ours == known
    assert not any(each["required"] for each in more.values())


@pytest.mark.parametrize("name", SAME)
def test_update_policies(name: Any) -> None:
    known = {key: schema(view) for key, view in KNOWN[name].get("update_policy", {}).items()}
    ours = {key: declared(prop) for key, prop in REGISTRY.get(name).update_policy.items()}
    assert ours == known


@pytest.mark.parametrize("name", SAME)
def test_attributes(name: Any) -> None:
    known = {
        key: (view.get("type") or "any", support(view.get("support_status", {})))
        for key, view in KNOWN[name].get("attributes", {}).items()
    }
    ours = {
        key: (attribute.type, support(attribute.support.shown()))
        for key, attribute in REGISTRY.get(name).attributes.items()
    }
    for key in beyond(name, "attributes"):
        del ours[key]
    assert ours == known


@pytest.mark.parametrize("name", SAME)
def test_support_of_types(name: Any) -> None:
    known = support(KNOWN[name].get("support_status", {}))
    assert support(REGISTRY.get(name).support.shown()) == known


@pytest.mark.parametrize("name", SAME)
def test_services_and_extensions_that_types_need(name: Any) -> None:
    client, extension = CLIENTS.get(name, (None, None))
    listing = REGISTRY.types.listing(name)
    ours = client_name(listing.service) if listing.service else None
    assert (ours, listing.extension) == (OTHER_CLIENTS.get(client, client), extension)


OTHER_CLIENTS = {"heat": None, "openstack": "neutron"}
"""The server that is asked needs no entry in the catalog; the SDK stands for the network service."""


def test_all_modules_load_and_every_type_is_described() -> None:
    assert REGISTRY.problems == ()
    assert len(SAME) > 20
    assert [name for name, kind in REGISTRY.types.items() if not kind.description] == []
