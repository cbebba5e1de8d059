"""What the operator decides: flavors and availability zones with their profiles, and quotas."""

from __future__ import annotations

from typing import Any, Final

import orjson

from stackd.devcloud.collection import Collection, Field, Hook, anyone, demand
from stackd.devcloud.octavia.kinds import (
    BALANCERS_KIND,
    FLAVOR_PROFILES_KIND,
    FLAVORS_KIND,
    ZONE_PROFILES_KIND,
    ZONES_KIND,
)
from stackd.devcloud.octavia.style import OPERATED, PROVIDER
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, conflict

_LIMITS: Final = {
    "loadbalancer": "loadbalancers", "listener": "listeners", "pool": "pools", "member": "pool_members",
    "healthmonitor": "healthmonitors",
}  # fmt: skip
"""The limits of a quota, with the names by which the dev cloud keeps them."""


def _operated(kind: str, path: str, singular: str, label: str, **declared: Any) -> Collection:
    """A collection of objects of no project, which administrators make."""
    plural = path if "_" not in singular else f"{singular}s"
    usual = {"sees": anyone, "writer": "admin", "projectless": True}
    return Collection(
        kind=kind,
        path=f"/lbaas/{path}",
        singular=singular,
        plural=plural,
        label=label,
        **{**usual, **declared},
    )


def _kept_while(label: str, kind: str, field: str) -> Hook:
    """A guard of objects that others of a kind have in a field."""

    def guard(call: Call, entity: Entity) -> None:
        if call.store.first(kind, **{field: entity.id}) is not None:
            raise conflict(f"{label} {entity.id} is in use and cannot be modified.")

    return guard


def _profiles(kind: str, path: str, singular: str, label: str, data: str, guard: Hook) -> Collection:
    """A collection of profiles, whose ``data`` the provider reads."""

    def check(values: JSON) -> None:
        if values.get("provider_name", PROVIDER) != PROVIDER:
            raise bad_request(f"Provider '{values['provider_name']}' is not enabled.")
        try:
            orjson.loads(values.get(data, "{}"))
        except orjson.JSONDecodeError as error:
            raise bad_request(f"Invalid input for field/attribute {data}: it is not JSON.") from error

    def change(call: Call, entity: Entity, changes: JSON) -> None:
        check(changes)
        if changes.keys() - {"name"}:
            guard(call, entity)

    return _operated(
        *(kind, path, singular, label),
        fields={"name": Field(""), "provider_name": Field(required=True), data: Field(required=True)},
        lister="admin",
        prepare=lambda call, values, private: check(values),
        change=change,
        guard=guard,
    )


FLAVOR_PROFILES = _profiles(
    *(FLAVOR_PROFILES_KIND, "flavorprofiles", "flavorprofile", "Flavor profile", "flavor_data"),
    _kept_while("Flavor profile", FLAVORS_KIND, "flavor_profile_id"),
)
FLAVORS = _operated(
    *(FLAVORS_KIND, "flavors", "flavor", "Flavor"),
    fields={
        "name": Field(required=True),
        "description": Field(""),
        "enabled": Field(True),
        "flavor_profile_id": Field(required=True, put=False),
    },
    unique=(("name",),),
    references={"flavor_profile_id": FLAVOR_PROFILES_KIND},
    guard=_kept_while("Flavor", BALANCERS_KIND, "flavor_id"),
)
ZONE_PROFILES = _profiles(
    *(ZONE_PROFILES_KIND, "availabilityzoneprofiles", "availability_zone_profile"),
    *("Availability Zone Profile", "availability_zone_data"),
    _kept_while("Availability Zone Profile", ZONES_KIND, "availability_zone_profile_id"),
)
ZONES = _operated(
    *(ZONES_KIND, "availabilityzones", "availability_zone", "Availability Zone"),
    fields={
        "name": Field(required=True, put=False),
        "description": Field(""),
        "enabled": Field(True),
        "availability_zone_profile_id": Field(required=True, put=False),
    },
    id_field="name",
    choose_id=lambda call, values: str(values["name"]),
    unique=(("name",),),
    references={"availability_zone_profile_id": ZONE_PROFILES_KIND},
    guard=_kept_while("Availability Zone", BALANCERS_KIND, "availability_zone"),
)
COLLECTIONS = tuple((each, OPERATED) for each in (FLAVOR_PROFILES, FLAVORS, ZONE_PROFILES, ZONES))


def _quota(call: Call) -> Reply:
    project_id = call.params["project"]
    limits = {name: call.world.quota(project_id, kept) for name, kept in _LIMITS.items()}
    return Reply(200, {"quota": {"project_id": project_id, **limits}})


def _set_quota(call: Call) -> Reply:
    demand(call, "admin", "update_quota", OPERATED)
    for name, limit in call.unwrap("quota").items():
        if name not in _LIMITS:
            raise bad_request(f"Unknown attribute for argument quotas.quota: {name}")
        place = (call.params["project"], _LIMITS[name])
        if limit is None:
            call.world.project_quotas.pop(place, None)
        else:
            call.world.project_quotas[place] = int(limit)
    return Reply(202, _quota(call).body)


def _reset_quota(call: Call) -> Reply:
    demand(call, "admin", "delete_quota", OPERATED)
    for kept in _LIMITS.values():
        call.world.project_quotas.pop((call.params["project"], kept), None)
    return Reply(202)


ROUTES = (
    Route("GET", "/lbaas/quotas/{project}", _quota),
    Route("PUT", "/lbaas/quotas/{project}", _set_quota),
    Route("DELETE", "/lbaas/quotas/{project}", _reset_quota),
)
