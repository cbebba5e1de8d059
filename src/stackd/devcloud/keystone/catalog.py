"""What the catalog is made of: regions, services and their endpoints."""

from __future__ import annotations

from stackd.devcloud.collection import Collection, Field, Style, admin_only, anyone
from stackd.devcloud.keystone.style import STYLE, self_linked, with_links
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request, conflict, forbidden
from stackd.devcloud.world import World


def _prepare_endpoint(call: Call, values: JSON, private: JSON) -> None:
    values["region_id"] = values.get("region_id") or values.pop("region", None)
    values["region"] = values["region_id"]
    _check_endpoint(call, values)


def _change_endpoint(call: Call, entity: Entity, changes: JSON) -> None:
    if "region_id" in changes:
        changes["region"] = changes["region_id"]
    _check_endpoint(call, changes)


def _check_endpoint(call: Call, values: JSON) -> None:
    """What an endpoint refers to must exist."""
    for kind in ("service", "region"):
        value = values.get(f"{kind}_id")
        if value is not None and call.store.get(f"identity.{kind}s", value) is None:
            raise bad_request(f"Expecting to find endpoint {kind}_id in {kind} table.")


def _prepare_region(call: Call, values: JSON, private: JSON) -> None:
    if values.get("id") and call.store.get("identity.regions", values["id"]) is not None:
        raise conflict(f"Conflict occurred attempting to store region - Duplicate ID, {values['id']}..")
    _check_parent(call, values)


def _change_region(call: Call, entity: Entity, changes: JSON) -> None:
    if changes.get("id", entity.id) != entity.id:
        raise bad_request("Cannot change ID")
    if changes.get("description", "") is None:
        changes["description"] = ""
    _check_parent(call, changes)


def _check_parent(call: Call, values: JSON) -> None:
    parent = values.get("parent_region_id")
    if parent is not None and call.store.get("identity.regions", parent) is None:
        raise STYLE.missing("region", parent)


def _guard_region(call: Call, entity: Entity) -> None:
    below = _below(call, entity)
    if any(each.data["region_id"] in below for each in call.store.all("identity.endpoints")):
        raise forbidden(
            f"Unable to delete region {entity.id} because it or its child regions have associated endpoints."
        )


def _below(call: Call, entity: Entity) -> set[str]:
    """A region and all regions below it."""
    children = [
        each for each in call.store.all("identity.regions") if each.data["parent_region_id"] == entity.id
    ]
    return {entity.id}.union(*(_below(call, each) for each in children))


def _children(world: World, entity: Entity) -> list[Entity]:
    regions = world.store.all("identity.regions")
    return [each for each in regions if each.data["parent_region_id"] == entity.id]


def _release_region(world: World, entity: Entity) -> None:
    children = [
        each for each in world.store.all("identity.regions") if each.data["parent_region_id"] == entity.id
    ]
    for each in children:
        world.store.remove(each)
        _release_region(world, each)


def _release_service(world: World, entity: Entity) -> None:
    for endpoint in list(world.store.find("identity.endpoints", service_id=entity.id)):
        world.store.remove(endpoint)


def _region_id(call: Call, values: JSON) -> str:
    return str(values.get("id") or call.world.hex_id())


def _view_endpoint(call: Call, entity: Entity) -> JSON:
    return with_links(call, f"/endpoints/{entity.id}", entity.data)


REGIONS = Collection(
    kind="identity.regions", path="/regions", singular="region", plural="regions", label="region",
    fields={"id": Field(), "description": Field(""), "parent_region_id": Field()},
    sees=anyone, writer="admin", lister="anyone", projectless=True, choose_id=_region_id,
    prepare=_prepare_region, change=_change_region, guard=_guard_region, release=_release_region,
    view=self_linked("/regions"),
)  # fmt: skip
CATALOG_SERVICES = Collection(
    kind="identity.services", path="/services", singular="service", plural="services", label="service",
    fields={
        "name": Field(""), "type": Field(required=True), "enabled": Field(True), "description": Field(""),
    },
    sees=admin_only, writer="admin", lister="admin", projectless=True, release=_release_service,
    view=self_linked("/services"),
)  # fmt: skip
ENDPOINTS = Collection(
    kind="identity.endpoints", path="/endpoints", singular="endpoint", plural="endpoints", label="endpoint",
    fields={
        "interface": Field(required=True), "region_id": Field(), "region": Field(),
        "service_id": Field(required=True), "url": Field(required=True), "enabled": Field(True),
    },
    sees=admin_only, writer="admin", lister="admin", projectless=True, indexes=("service_id",),
    prepare=_prepare_endpoint, change=_change_endpoint, view=_view_endpoint,
)  # fmt: skip
COLLECTIONS: tuple[tuple[Collection, Style], ...] = tuple(
    (collection, STYLE) for collection in (REGIONS, CATALOG_SERVICES, ENDPOINTS)
)
