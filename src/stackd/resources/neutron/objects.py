"""What the objects of the network service have in common: bodies of requests, tags, status.

A type says in a table how its properties are written in requests; from it come the body of the
creation and that of an update, with ``value_specs`` (what the API takes beyond our properties)
merged in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stackd.errors import PropertyError
from stackd.resources.base import Entity, Siblings, settled
from stackd.resources.context import JSON, Context
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.unknown import Unknown

KEEP: Final = object()
VALUE_SPECS = "value_specs"
_NOTHING = (None, "")  # a null in a template arrives as an empty text


@dataclass(frozen=True, slots=True)
class Field:
    """A property in requests: the API's name for it, and what is sent when its value is taken away.

    ``KEEP`` sends nothing then: the API has no value that would mean "as if never set".
    """

    api: str
    cleared: Any = KEEP


Fields = Mapping[str, Field]


def fields(*same: str, **other: Field) -> Fields:
    """A table of properties that are called ``same`` in the API, and of ``other`` ones."""
    return {name: Field(name) for name in same} | other


def value_specs(update: Any = IN_PLACE) -> Any:
    """Declare the property ``value_specs``."""
    return prop("Further fields of the request, for extensions of the API.", default={}, update=update)


def tags(kind: str) -> Any:
    """Declare the property ``tags``."""
    return prop(f"Tags of the {kind}.", update=IN_PLACE, since="9.0.0")


def creation(ctx: Context, props: Properties, table: Fields) -> JSON:
    """The body of a creation: every property that has a value, and ``value_specs``."""
    body = {
        field.api: without_nulls(props.data[name])
        for name, field in table.items()
        if props.data.get(name) not in _NOTHING
    }
    return named(ctx, body, table) | (props.data.get(VALUE_SPECS) or {})


def change(ctx: Context, old: Properties, new: Properties, table: Fields) -> JSON:
    """The body of an update: what differs, empty when nothing does."""
    changed = new.changed(old)
    body: JSON = {}
    for name, field in table.items():
        value = new.data.get(name)
        nothing = value in _NOTHING
        if name in changed and not (nothing and field.cleared is KEEP):
            body[field.api] = field.cleared if nothing else without_nulls(value)
    if "name" in changed:
        body = named(ctx, body, table)
    before = old.data.get(VALUE_SPECS) or {}
    after = new.data.get(VALUE_SPECS) or {}
    return body | {key: value for key, value in after.items() if key not in before or before[key] != value}


def named(ctx: Context, body: JSON, table: Fields) -> JSON:
    """The body with the deterministic name where the user gave none."""
    return body if "name" not in table or body.get("name") else {**body, "name": ctx.physical_name}


def without_nulls(value: Any) -> Any:
    """The value without the keys that have none, at any depth."""
    if isinstance(value, Mapping):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> JSON:
    """A map with the API's names for some of its keys, without those that have no value."""
    return {names.get(key, key): each for key, each in value.items() if each not in _NOTHING}


async def put(ctx: Context, entity: Entity, body: JSON) -> None:
    """Send an update, if there is anything in it."""
    if body:
        await ctx.cloud.network.put(f"{entity.path}/{ctx.physical_id}", {entity.key: body})


async def put_tags(ctx: Context, entity: Entity, wanted: Iterable[str] | None) -> None:
    """Give the object exactly these tags."""
    body = {"tags": list(wanted or ())}
    await ctx.cloud.network.put(f"{entity.path}/{ctx.physical_id}/tags", body)


def built(live: JSON) -> bool:
    """Whether a network, port or router that the service builds is finished."""
    return settled(live["status"], ready=("ACTIVE", "DOWN"), working=("BUILD",))


def in_error(live: JSON) -> bool:
    """Whether a failed object is worth nothing any more; what has no status is fine as it is."""
    return live.get("status") == "ERROR"


# --- rules across properties -----------------------------------------------------------------------


def check_value_specs(props: Properties) -> None:
    """Refuse ``value_specs`` that have keys which are properties, or which only the service sets."""
    given = props.data.get(VALUE_SPECS)
    if isinstance(given, Mapping):
        banned = sorted({"shared", "tenant_id", *props.schema} & given.keys())
        if banned:
            raise PropertyError(
                f"{', '.join(banned)} not allowed in value_specs",
                path="properties.value_specs",
                remedy="Use the properties of these names.",
            )


def is_set(value: Any) -> bool:
    """Whether a property has a value; one that is not known yet counts."""
    return value is not None and value not in ("", [], {})


def known(value: Any) -> Any:
    """The value, or None while it is not known."""
    return None if isinstance(value, Unknown) else value


def at_most_one(props: Properties, *names: str) -> None:
    """Refuse values for more than one of these properties."""
    given = [name for name in names if is_set(props.data.get(name))]
    if len(given) > 1:
        raise PropertyError(
            f"Cannot define the following properties at the same time: {', '.join(given)}.",
            path="properties",
            remedy="Keep one of them.",
        )


def at_least_one(props: Properties, *names: str) -> None:
    """Refuse to have a value for none of these properties."""
    if not any(is_set(props.data.get(name)) for name in names):
        raise PropertyError(
            f"At least one of the following properties must be specified: {', '.join(names)}.",
            path="properties",
            remedy="Give one of them a value.",
        )


# --- implicit dependencies ---------------------------------------------------------------------------


def key_of(value: Any) -> Any:
    """What two values must share to mean the same object.

    A reference to a sibling that has no object yet stands for its logical name.
    """
    return value.resource if isinstance(value, Unknown) and not value.path else value


def same(one: Any, other: Any) -> bool:
    """Whether two property values mean the same object."""
    return is_set(one) and key_of(one) == key_of(other)


def either(properties: Mapping[str, Any], *names: str) -> Any:
    """The first value that there is under the current or a former name of a property."""
    return next((properties[name] for name in names if is_set(properties.get(name))), None)


def network_key(properties: Mapping[str, Any]) -> Any:
    """What the network of a port or subnet is recognised by."""
    return key_of(either(properties, "network", "network_id"))


def subnets_of(network: Any, siblings: Siblings) -> list[str]:
    """Names of the sibling subnets on a network."""
    if not is_set(network):
        return []
    by_network = siblings.grouped("OS::Neutron::Subnet", network_key)
    return [each.name for each in by_network.get(key_of(network), ())]
