"""Flavors: their sizes, extra specs and who may use them."""

from __future__ import annotations

from stackd.devcloud.collection import Collection, Field, demand, fetch
from stackd.devcloud.nova.style import PLAIN
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, conflict, not_found
from stackd.devcloud.world import World

KIND = "compute.flavors"
PUBLIC = "os-flavor-access:is_public"
SEEDED = (
    ("m1.nano", 64, 1, 1), ("m1.tiny", 128, 1, 1), ("m1.small", 256, 1, 1), ("m1.medium", 512, 2, 2),
    ("m1.large", 1024, 2, 4),
)  # fmt: skip
"""Name, MiB of memory, CPUs, GiB of disk."""


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    for name in ("ram", "vcpus"):
        if int(values[name]) < 1:
            raise bad_request(
                f"Invalid input for field/attribute {name}. Value: {values[name]}. {values[name]} is "
                f"less than "
                "the minimum of 1"
            )
    wished = values.pop("id", None)
    private["id"] = str(wished) if wished not in (None, "auto", "") else call.world.uuid()
    if call.store.get(KIND, private["id"]) is not None:
        raise conflict(f"Flavor with ID {private['id']} already exists.")
    for name in ("ram", "vcpus", "disk", "swap", "OS-FLV-EXT-DATA:ephemeral"):
        values[name] = int(values[name] or 0)
    values |= {"OS-FLV-DISABLED:disabled": False}
    private |= {"extra_specs": {}, "projects": set()}
    values["__id"] = private["id"]


def _choose_id(call: Call, values: JSON) -> str:
    return str(values.pop("__id"))


def sees(call: Call, entity: Entity) -> bool:
    """Whether the caller may use a flavor."""
    return entity.data[PUBLIC] or call.actor.project_id in entity.private["projects"] or call.actor.is_admin


def _links(call: Call, entity: Entity) -> list[JSON]:
    root = call.base.removesuffix("/v2.1")
    return [
        {"rel": "self", "href": f"{call.base}/flavors/{entity.id}"},
        {"rel": "bookmark", "href": f"{root}/flavors/{entity.id}"},
    ]


def _view(call: Call, entity: Entity) -> JSON:
    shown = entity.data | {"links": _links(call, entity)}
    if call.version < (2, 55):
        shown.pop("description", None)
    if call.version >= (2, 61):
        shown["extra_specs"] = entity.private["extra_specs"]
    return shown


def _brief(call: Call, entity: Entity) -> JSON:
    return {"id": entity.id, "name": entity.data["name"], "links": _links(call, entity)}


def embedded(call: Call, flavor: Entity) -> JSON:
    """A flavor as servers show it."""
    if call.version < (2, 47):
        href = f"{call.base.removesuffix('/v2.1')}/flavors/{flavor.id}"
        return {"id": flavor.id, "links": [{"rel": "bookmark", "href": href}]}
    data = flavor.data
    return {
        "vcpus": data["vcpus"], "ram": data["ram"], "disk": data["disk"], "swap": data["swap"],
        "ephemeral": data["OS-FLV-EXT-DATA:ephemeral"], "original_name": data["name"],
        "extra_specs": flavor.private["extra_specs"],
    }  # fmt: skip


FLAVORS = Collection(
    kind=KIND, path="/flavors", singular="flavor", plural="flavors", label="Flavor",
    fields={
        "name": Field(required=True, put=False), "id": Field(put=False), "ram": Field(required=True,
        put=False),
        "vcpus": Field(required=True, put=False), "disk": Field(0, put=False), "swap": Field(0, put=False),
        "OS-FLV-EXT-DATA:ephemeral": Field(0, put=False), "rxtx_factor": Field(1.0, put=False),
        PUBLIC: Field(True, put=False), "description": Field(),
    },
    unique=(("name",),), sees=sees, writer="admin", projectless=True, detail=True, delete_status=202,
    prepare=_prepare, choose_id=_choose_id, view=_view, brief=_brief,
)  # fmt: skip


def seed(world: World) -> None:
    """The usual flavors."""
    for name, ram, vcpus, disk in SEEDED:
        flavor_id = world.uuid()
        data: JSON = {
            "id": flavor_id, "name": name, "ram": ram, "disk": disk, "swap": 0,
            "OS-FLV-EXT-DATA:ephemeral": 0,
            "OS-FLV-DISABLED:disabled": False, "vcpus": vcpus, PUBLIC: True, "rxtx_factor": 1.0,
            "description": None,
        }  # fmt: skip
        world.store.add(KIND, flavor_id, "", data, {"extra_specs": {}, "projects": set()})


def _flavor(call: Call) -> Entity:
    return fetch(FLAVORS, PLAIN, call, call.params["id"])


def _specs(call: Call) -> Reply:
    return Reply(200, {"extra_specs": _flavor(call).private["extra_specs"]})


def _add_specs(call: Call) -> Reply:
    demand(call, "admin", "os-flavor-extra-specs:create", PLAIN)
    flavor = _flavor(call)
    flavor.private["extra_specs"] |= {key: str(value) for key, value in call.unwrap("extra_specs").items()}
    return Reply(200, {"extra_specs": flavor.private["extra_specs"]})


def _spec(call: Call) -> Reply:
    specs, key = _flavor(call).private["extra_specs"], call.params["key"]
    if key not in specs:
        raise not_found(f"Flavor {call.params['id']} has no extra specs with key {key}.")
    return Reply(200, {key: specs[key]})


def _put_spec(call: Call) -> Reply:
    demand(call, "admin", "os-flavor-extra-specs:update", PLAIN)
    _flavor(call).private["extra_specs"] |= call.json()
    return _spec(call)


def _drop_spec(call: Call) -> Reply:
    demand(call, "admin", "os-flavor-extra-specs:delete", PLAIN)
    _spec(call)
    del _flavor(call).private["extra_specs"][call.params["key"]]
    return Reply(200)


def _access(call: Call) -> Reply:
    demand(call, "admin", "os-flavor-access", PLAIN)
    flavor = _flavor(call)
    if flavor.data[PUBLIC]:
        raise not_found("Access list not available for public flavors.")
    rows = [{"flavor_id": flavor.id, "tenant_id": item} for item in sorted(flavor.private["projects"])]
    return Reply(200, {"flavor_access": rows})


def _access_action(call: Call) -> Reply:
    demand(call, "admin", "os-flavor-access", PLAIN)
    flavor = _flavor(call)
    projects: set[str] = flavor.private["projects"]
    for name, desired in call.json().items():
        tenant = desired["tenant"]
        if name == "addTenantAccess":
            if tenant in projects:
                raise conflict(f"Flavor access already exists for flavor {flavor.id} and project {tenant}.")
            projects.add(tenant)
        elif name == "removeTenantAccess":
            projects.discard(tenant)
        else:
            raise bad_request(f"There is no such action: {name}")
    return _access(call)


_SPECS = "/flavors/{id}/os-extra_specs"
ROUTES = (
    Route("GET", _SPECS, _specs),
    Route("POST", _SPECS, _add_specs),
    Route("GET", _SPECS + "/{key}", _spec),
    Route("PUT", _SPECS + "/{key}", _put_spec),
    Route("DELETE", _SPECS + "/{key}", _drop_spec),
    Route("GET", "/flavors/{id}/os-flavor-access", _access),
    Route("POST", "/flavors/{id}/action", _access_action),
)
