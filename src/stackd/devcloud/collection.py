"""Declared collections of objects: create, list, show, update and delete.

A `Collection` declares its objects; a `Style` declares the conventions of its service. `routes_of`
makes the routes. Other behaviour is in small functions, the hooks of the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from stackd.devcloud.listing import Filter, chosen, ordered, page
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Handler, Reply, Route, bad_request, forbidden
from stackd.devcloud.world import World, stamp_seconds

Prepare = Callable[[Call, JSON, JSON], None]
"""Checks and completes the values of a new object; the second object is private to the service."""

Change = Callable[[Call, Entity, JSON], None]
Hook = Callable[[Call, Entity], None]
View = Callable[[Call, Entity], JSON]
Sight = Callable[[Call, Entity], bool]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object: its default and who may set it when."""

    default: Any = None
    required: bool = False
    post: bool = True
    """Whether a create request may name it."""

    put: bool = True
    """Whether an update request may name it."""

    admin: bool = False
    """Whether only administrators may set it."""


@dataclass(frozen=True, slots=True)
class Progression:
    """A status that a new object has at first, and another that it has when it is ready."""

    working: str
    ready: str
    field: str = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The conventions of a service: its errors, pages, ids and times."""

    missing: Callable[[str, str], Fault]
    """The fault for a missing object (label, id)."""

    duplicate: Callable[[str, str], Fault]
    """The fault for a second object (label, value) of a unique name."""

    over_quota: Callable[[str, int], Fault]
    """The fault for one object too many (plural, limit)."""

    denied: Callable[[str], Fault]
    """The fault for an action (`create_network`) that policy forbids."""

    new_id: Callable[[World], str] = World.uuid
    stamp: Callable[[float], str] = stamp_seconds
    created_key: str = ""
    updated_key: str = ""
    updated_at_first: bool = True
    revision: bool = False
    update_method: str = "PUT"
    create_status: int = 201
    delete_status: int = 204
    page_links: Callable[[Call, str, list[JSON], str | None], JSON] | None = None
    default_limit: int | None = None
    largest_limit: int | None = None
    newest_first: bool = False
    refuses_hidden: bool = False
    """Whether an object that the caller may not see is a 403 rather than a 404."""

    strict: bool = False
    """Whether unknown fields are refused."""

    own_unless: str = ""
    """Query parameter without which even administrators list only their project."""

    project_keys: tuple[str, ...] = ("project_id", "tenant_id")
    """Fields that name the owning project."""


def own(call: Call, entity: Entity) -> bool:
    """Whether the object belongs to the caller's project, or the caller may see everything."""
    return entity.project_id == call.actor.project_id or call.actor.is_admin


def anyone(call: Call, entity: Entity) -> bool:
    """Every caller sees the object."""
    return True


def admin_only(call: Call, entity: Entity) -> bool:
    """Only administrators see the object."""
    return call.actor.is_admin


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Objects of one kind at one path."""

    kind: str
    path: str
    singular: str
    """Key around one object; empty where the service wraps nothing."""

    plural: str
    bare_requests: bool = False
    """Whether requests have no key around an object, though answers do."""

    label: str
    """The name of such an object in error messages."""

    fields: Mapping[str, Field]
    indexes: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    """Fields that must name an existing object of a kind."""

    filters: Mapping[str, Filter] = field(default_factory=dict)
    quota: str = ""
    progress: Progression | None = None
    broken: JSON = field(default_factory=lambda: {"status": "ERROR"})
    """The changes that an injected fault makes to a new object."""

    sees: Sight = own
    writer: str = "member"
    """The role that creates, changes and deletes; `admin` or `member`."""

    lister: str = "reader"
    methods: str = "list create show update delete"
    detail: bool = False
    """Whether the plain list is brief and `/detail` is whole."""

    bulk: bool = False
    id_field: str = "id"
    create_status: int | None = None
    delete_status: int | None = None
    deleting: str = ""
    """Status of an object while it is being deleted; empty where deletion is at once."""

    status_field: str = "status"
    """The field that has this status."""

    prepare: Prepare | None = None
    created: Hook | None = None
    change: Change | None = None
    changed: Hook | None = None
    guard: Hook | None = None
    """Raises a fault if the object must not be deleted."""

    release: Callable[[World, Entity], None] | None = None
    """Deletes what belongs to the object after its deletion."""

    view: View | None = None
    brief: View | None = None
    choose_id: Callable[[Call, JSON], str] | None = None
    projectless: bool = False
    """Whether objects belong to no project."""


ROLE_GRANTS = {
    "reader": frozenset({"reader", "member", "manager", "admin", "service"}),
    "member": frozenset({"member", "manager", "admin"}),
    "admin": frozenset({"admin"}),
    "anyone": frozenset(),
}


def demand(call: Call, role: str, action: str, style: Style) -> None:
    """Refuse callers who do not have a role, directly or by a higher one."""
    if role != "anyone" and ROLE_GRANTS[role].isdisjoint(call.actor.roles):
        raise style.denied(action)


def show(coll: Collection, call: Call, entity: Entity) -> JSON:
    """One object as the API shows it."""
    return coll.view(call, entity) if coll.view is not None else entity.data


def fetch(coll: Collection, style: Style, call: Call, entity_id: str) -> Entity:
    """An object that the caller can see; a fault if there is none."""
    entity = call.store.get(coll.kind, entity_id)
    if entity is None or not coll.sees(call, entity):
        if style.refuses_hidden and not call.actor.is_admin:
            raise style.denied(f"get_{coll.singular}")
        raise style.missing(coll.label, entity_id)
    return entity


def create(coll: Collection, style: Style, call: Call, body: JSON) -> Entity:
    """Make one object from a request, or refuse."""
    values = filled(coll, style, call, body)
    project_id = _owner(coll, style, call, body)
    for key in () if coll.projectless else style.project_keys:
        values[key] = project_id
    for name, kind in coll.references.items():
        if (value := values.get(name)) and call.store.get(kind, value) is None:
            raise style.missing(kind.rpartition(".")[2].removesuffix("s").capitalize(), value)
    private: JSON = {}
    if coll.prepare is not None:
        coll.prepare(call, values, private)
    entity_id = coll.choose_id(call, values) if coll.choose_id else style.new_id(call.world)
    check_unique(coll, style, call, values, None)
    if coll.quota:
        check_quota(coll, style, call, project_id)
    data = {coll.id_field: entity_id} | values if coll.id_field else dict(values)
    _stamp_new(style, call, data)
    if coll.progress is not None:
        data[coll.progress.field] = coll.progress.working
    entity = call.store.add(coll.kind, entity_id, project_id, data, private)
    if coll.progress is not None:
        ready = {coll.progress.field: coll.progress.ready}
        call.store.later(entity, call.world.ready_after, ready)
    call.touched.append(entity)
    if coll.created is not None:
        coll.created(call, entity)
    return entity


def update(coll: Collection, style: Style, call: Call, entity: Entity, body: JSON) -> None:
    """Change an object as a request asks, or refuse."""
    changes: JSON = {}
    for name, value in body.items():
        spec = coll.fields.get(name)
        if spec is None or not spec.put:
            if style.strict and entity.data.get(name) != value:
                problem = "Unrecognized attribute(s)" if spec is None else "Cannot update read-only attribute"
                raise bad_request(f"{problem} '{name}'", "HTTPBadRequest")
            if spec is not None or style.strict:
                continue
        if spec is not None and spec.admin and not call.actor.is_admin:
            raise style.denied(f"update_{coll.singular}:{name}")
        changes[name] = value
    if coll.change is not None:
        coll.change(call, entity, changes)
    check_unique(coll, style, call, entity.data | changes, entity)
    call.store.update(entity, changes)
    touch(style, call.world, entity)
    if coll.changed is not None:
        coll.changed(call, entity)


def delete(coll: Collection, call: Call, entity: Entity) -> None:
    """Delete an object, at once or after its time in the deleting status."""
    if coll.guard is not None:
        coll.guard(call, entity)
    release = coll.release

    def gone() -> None:
        if release is not None:
            release(call.world, entity)

    if coll.deleting:
        call.store.update(entity, {coll.status_field: coll.deleting})
        call.store.later(entity, call.world.ready_after, None, gone)
    else:
        call.store.remove(entity)
        gone()


def touch(style: Style, world: World, entity: Entity) -> None:
    """Set the time of the object's last change."""
    if style.updated_key and style.updated_key in entity.data:
        entity.data[style.updated_key] = style.stamp(world.clock())
    if style.revision and "revision_number" in entity.data:
        entity.data["revision_number"] += 1


def check_unique(
    coll: Collection, style: Style, call: Call, values: Mapping[str, Any], but: Entity | None
) -> None:
    """Refuse a second object with the same value of fields that are unique together."""
    for names in coll.unique:
        twin = call.store.first(coll.kind, **{name: values.get(name) for name in names})
        if twin is not None and twin is not but:
            raise style.duplicate(coll.label, str(values.get(names[-1])))


def check_quota(coll: Collection, style: Style, call: Call, project_id: str, more: int = 1) -> None:
    """Refuse one object more than the project may have, or so many."""
    limit = call.world.quota(project_id, coll.quota)
    if limit >= 0:
        used = sum(1 for entity in call.store.all(coll.kind) if entity.project_id == project_id)
        if used + more > limit:
            raise style.over_quota(coll.quota, limit)


def visible(coll: Collection, style: Style, call: Call) -> list[Entity]:
    """The objects that a list may show the caller, before filters."""
    everything = _candidates(coll, call)
    if style.own_unless and coll.sees is own:
        asked = call.first(style.own_unless, "0").lower() in ("1", "true", "yes", "t", "")
        if not (asked and call.actor.is_admin):
            mine = call.actor.project_id
            return [entity for entity in everything if entity.project_id == mine]
    return [entity for entity in everything if coll.sees(call, entity)]


def _candidates(coll: Collection, call: Call) -> Iterable[Entity]:
    """Every object, or those that an indexed filter of the query leaves."""
    for name in coll.indexes:
        if name not in coll.filters and (values := [value for key, value in call.query if key == name]):
            return [entity for value in values for entity in call.store.find(coll.kind, **{name: value})]
    return call.store.all(coll.kind)


def listing(coll: Collection, style: Style, call: Call, view: View | None) -> JSON:
    """A list of objects: filtered, ordered, one page of it."""
    entities = chosen(call, visible(coll, style, call), coll.filters, coll.fields)
    entities = ordered(call, entities, style.newest_first)
    entities, following = page(call, entities, style.default_limit, style.largest_limit)
    items = [view(call, entity) for entity in entities] if view else [entity.data for entity in entities]
    if names := [value for key, value in call.query if key == "fields"]:
        items = [{name: item[name] for name in names if name in item} for item in items]
    if style.page_links is not None:
        return style.page_links(call, coll.plural, items, following)
    return {coll.plural: items}


def routes_of(coll: Collection, style: Style) -> list[Route]:
    """The routes of a collection."""
    one = f"{coll.path}/{{id}}"
    brief = coll.brief if coll.detail else coll.view
    table: dict[str, list[tuple[str, str, Handler]]] = {
        "list": [("GET", coll.path, _list_handler(coll, style, brief))],
        "create": [("POST", coll.path, _create_handler(coll, style))],
        "show": [("GET", one, _show_handler(coll, style))],
        "update": [(style.update_method, one, _update_handler(coll, style))],
        "delete": [("DELETE", one, _delete_handler(coll, style))],
    }
    if coll.detail:
        table["list"].append(("GET", f"{coll.path}/detail", _list_handler(coll, style, coll.view)))
    return [Route(*route) for name in coll.methods.split() for route in table[name]]


def wrapped(coll: Collection, shown: JSON) -> JSON:
    """One object under its key, where the service has one."""
    return {coll.singular: shown} if coll.singular else shown


def _unwrapped(coll: Collection, call: Call) -> JSON:
    """The object in a request."""
    if coll.singular and not coll.bare_requests:
        return call.unwrap(coll.singular)
    body = call.json()
    return body if isinstance(body, dict) else call.unwrap("")


def _list_handler(coll: Collection, style: Style, view: View | None) -> Handler:
    def handle(call: Call) -> Reply:
        demand(call, coll.lister, f"list_{coll.plural}", style)
        return Reply(200, listing(coll, style, call, view))

    return handle


def _show_handler(coll: Collection, style: Style) -> Handler:
    def handle(call: Call) -> Reply:
        demand(call, "anyone" if coll.projectless else "reader", f"get_{coll.singular}", style)
        entity = fetch(coll, style, call, call.params["id"])
        return Reply(200, wrapped(coll, show(coll, call, entity)))

    return handle


def _create_handler(coll: Collection, style: Style) -> Handler:
    status = coll.create_status or style.create_status

    def handle(call: Call) -> Reply:
        demand(call, coll.writer, f"create_{coll.singular}", style)
        body = call.json()
        if coll.bulk and isinstance(body, dict) and isinstance(body.get(coll.plural), list):
            made = create_many(coll, style, call, body[coll.plural])
            return Reply(status, {coll.plural: [show(coll, call, entity) for entity in made]})
        inner = _unwrapped(coll, call)
        entity = create(coll, style, call, inner)
        return Reply(status, wrapped(coll, show(coll, call, entity)))

    return handle


def create_many(coll: Collection, style: Style, call: Call, bodies: Iterable[JSON]) -> list[Entity]:
    """Make several objects from a request, or none."""
    made: list[Entity] = []
    try:
        for body in bodies:
            made.append(create(coll, style, call, body))  # noqa: PERF401  # what was made must be undone
    except Fault:
        for entity in made:
            call.store.remove(entity)
            if coll.release is not None:
                coll.release(call.world, entity)
        raise
    return made


def _update_handler(coll: Collection, style: Style) -> Handler:
    def handle(call: Call) -> Reply:
        entity = fetch(coll, style, call, call.params["id"])
        _demand_owner(coll, style, call, entity, "update")
        update(coll, style, call, entity, _unwrapped(coll, call))
        return Reply(200, wrapped(coll, show(coll, call, entity)))

    return handle


def _delete_handler(coll: Collection, style: Style) -> Handler:
    status = coll.delete_status or style.delete_status

    def handle(call: Call) -> Reply:
        entity = fetch(coll, style, call, call.params["id"])
        _demand_owner(coll, style, call, entity, "delete")
        delete(coll, call, entity)
        return Reply(status)

    return handle


def _demand_owner(coll: Collection, style: Style, call: Call, entity: Entity, verb: str) -> None:
    demand(call, coll.writer, f"{verb}_{coll.singular}", style)
    if not coll.projectless and not own(call, entity):
        raise style.denied(f"{verb}_{coll.singular}")


def filled(coll: Collection, style: Style, call: Call, body: JSON) -> JSON:
    """The attributes of a new object, given or default; raises a fault for those that cannot be set."""
    given = dict(body)
    for key in style.project_keys:
        if key not in coll.fields and not (coll.projectless and style.strict):
            given.pop(key, None)
    unknown = given.keys() - coll.fields.keys()
    if style.strict and unknown:
        names = ", ".join(sorted(unknown))
        raise bad_request(f"Unrecognized attribute(s) '{names}'", "HTTPBadRequest")
    values: JSON = {}
    for name, spec in coll.fields.items():
        if name not in given:
            if spec.required:
                raise bad_request(
                    f"Failed to parse request. Required attribute '{name}' not specified", "HTTPBadRequest"
                )
            values[name] = spec.default() if callable(spec.default) else copy(spec.default)
            continue
        if not spec.post:
            raise bad_request(f"Attribute '{name}' not allowed in POST", "HTTPBadRequest")
        if spec.admin and not call.actor.is_admin and given[name] != spec.default:
            raise style.denied(f"create_{coll.singular}:{name}")
        values[name] = given[name]
    if not style.strict:
        values |= {name: given[name] for name in unknown}
    return values


def _owner(coll: Collection, style: Style, call: Call, body: JSON) -> str:
    if coll.projectless:
        return ""
    asked = next((str(body[key]) for key in style.project_keys if body.get(key)), "")
    mine = call.actor.project_id
    if asked and asked != mine and not call.actor.is_admin:
        raise forbidden(
            f"create_{coll.singular} for another project is disallowed by policy", "AdminRequired"
        )
    return asked or mine


def _stamp_new(style: Style, call: Call, data: JSON) -> None:
    now = style.stamp(call.world.clock())
    if style.created_key:
        data[style.created_key] = now
    if style.updated_key:
        data[style.updated_key] = now if style.updated_at_first else None
    if style.revision:
        data["revision_number"] = 1
