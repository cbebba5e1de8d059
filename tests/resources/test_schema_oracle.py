"""Every type has the properties and attributes that templates written for Heat rely on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stackd.clients.catalog import client_name
from stackd.resources.attributes import STORED
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


def test_properties() -> None:
    known = {name: _views(name, "properties") for name in SAME}
    ours = {name: _declared(REGISTRY.get(name).properties.schema) for name in SAME}
    more = [ours[name].pop(key) for name in SAME for key in beyond(name, "properties")]
    assert ours == known
    assert not any(each["required"] for each in more)


def test_update_policies() -> None:
    known = {name: _views(name, "update_policy") for name in SAME}
    assert {name: _declared(REGISTRY.get(name).update_policy) for name in SAME} == known


def _views(name: str, what: str) -> dict[str, Any]:
    return {key: schema(view) for key, view in KNOWN[name].get(what, {}).items()}


def _declared(props: Mapping[str, Any]) -> dict[str, Any]:
    return {key: declared(prop) for key, prop in props.items()}


def test_attributes() -> None:
    known = {
        name: {
            key: (view.get("type") or "any", support(view.get("support_status", {})))
            for key, view in KNOWN[name].get("attributes", {}).items()
        }
        for name in SAME
    }
    ours = {
        name: {
            key: (attribute.type, support(attribute.support.shown()))
            for key, attribute in REGISTRY.get(name).attributes.items()
            if key not in beyond(name, "attributes")
        }
        for name in SAME
    }
    assert ours == known


def test_no_attribute_that_is_never_cached_is_stored() -> None:
    for name in SAME:
        attributes = REGISTRY.types[name].attributes
        for each, known in KNOWN[name].get("attributes", {}).items():
            if known["cache_mode"] == "cache_none":
                assert attributes[each].how is not STORED, (name, each)


def test_support_of_types() -> None:
    known = {name: support(KNOWN[name].get("support_status", {})) for name in SAME}
    assert {name: support(REGISTRY.get(name).support.shown()) for name in SAME} == known


def test_services_and_extensions_that_types_need() -> None:
    known, ours = {}, {}
    for name in SAME:
        client, extension = CLIENTS.get(name, (None, None))
        known[name] = (OTHER_CLIENTS.get(client, client), extension)
        listing = REGISTRY.types.listing(name)
        ours[name] = (client_name(listing.service) if listing.service else None, listing.extension)
    assert ours == known


OTHER_CLIENTS = {"heat": None, "openstack": "neutron"}
"""The server that is asked needs no entry in the catalog; the SDK stands for the network service."""


def test_all_modules_load_and_every_type_is_described() -> None:
    assert REGISTRY.problems == ()
    assert len(SAME) > 20
    assert [name for name, kind in REGISTRY.types.items() if not kind.description] == []
