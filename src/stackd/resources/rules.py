"""Rules across the properties of a type. Pure; a value that is not known yet counts as given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.errors import PropertyError
from stackd.resources.schema import Properties
from stackd.template.unknown import Unknown


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


def check_value_specs(props: Properties) -> None:
    """Refuse ``value_specs`` that have keys which are properties, or which only the service sets."""
    given = props.data.get("value_specs")
    if isinstance(given, Mapping):
        banned = sorted({"shared", "tenant_id", *props.schema} & given.keys())
        if banned:
            raise PropertyError(
                f"{', '.join(banned)} not allowed in value_specs",
                path="properties.value_specs",
                remedy="Use the properties of these names.",
            )
