"""Role assignments: who has which role where, directly, by group or by implication."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stackd.devcloud.collection import demand
from stackd.devcloud.keystone.style import STYLE, with_links
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Handler, Reply, Route, not_found
from stackd.devcloud.world import World

KIND = "identity.assignments"
IMPLICATIONS = "identity.implications"
TARGETS = {"projects": "project", "domains": "domain"}
ACTORS = {"users": "user", "groups": "group"}


def grant(world: World, role_id: str, actor: tuple[str, str], target: tuple[str, str]) -> None:
    """Give an actor (`("user", id)` or `("group", id)`) a role on a target (`("project", id)` …)."""
    key = _key(role_id, actor, target)
    if world.store.get(KIND, key) is None:
        data = {
            "role_id": role_id,
            "actor_type": actor[0], "actor": actor[1],
            "target_type": target[0], "target": target[1],
        }  # fmt: skip
        world.store.add(KIND, key, "", data)


def imply(world: World, prior: str, implied: str) -> None:
    """Let one role (by id) imply another."""
    key = f"{prior}/{implied}"
    if world.store.get(IMPLICATIONS, key) is None:
        world.store.add(IMPLICATIONS, key, "", {"prior": prior, "implied": implied})


def expand(world: World, role_ids: Iterable[str]) -> list[str]:
    """The roles and all that they imply, each once."""
    found: list[str] = []
    waiting = list(role_ids)
    while waiting:
        role_id = waiting.pop(0)
        if role_id not in found:
            found.append(role_id)
            waiting += [row.data["implied"] for row in world.store.find(IMPLICATIONS, prior=role_id)]
    return found


def roles_of(world: World, user_id: str, target: tuple[str, str]) -> list[str]:
    """Ids of the roles that a user has on a target, in all ways."""
    direct = [row.data["role_id"] for row in _assigned(world, user_id) if _target(row) == target]
    return expand(world, direct)


def targets_of(world: World, user_id: str, target_type: str) -> list[str]:
    """Ids of the projects or domains where a user has any role."""
    rows = (row for row in _assigned(world, user_id) if row.data["target_type"] == target_type)
    return list(dict.fromkeys(row.data["target"] for row in rows))


def role_refs(world: World, role_ids: Iterable[str]) -> list[JSON]:
    """Roles as tokens and trusts show them."""
    roles = (world.store.get("identity.roles", role_id) for role_id in role_ids)
    return [{"id": role.id, "name": role.data["name"]} for role in roles if role is not None]


def _key(role_id: str, actor: tuple[str, str], target: tuple[str, str]) -> str:
    return "/".join((*target, *actor, role_id))


def _target(row: Entity) -> tuple[str, str]:
    return row.data["target_type"], row.data["target"]


def _groups_of(world: World, user_id: str) -> list[str]:
    groups = world.store.all("identity.groups")
    return [group.id for group in groups if user_id in group.private.get("members", ())]


def _assigned(world: World, user_id: str) -> Iterator[Entity]:
    yield from world.store.find(KIND, actor=user_id)
    for group_id in _groups_of(world, user_id):
        yield from world.store.find(KIND, actor=group_id)


def _grant_handler(verb: str, targets: str, actors: str) -> Handler:
    target_type, actor_type = TARGETS[targets], ACTORS[actors]

    def handle(call: Call) -> Reply:
        demand(call, "admin", f"{verb}_grant", STYLE)
        target, actor = (target_type, call.params["target"]), (actor_type, call.params["actor"])
        for kind, entity_id in (
            (targets, target[1]), (actors, actor[1]), ("roles", call.params.get("role", "")),
        ):  # fmt: skip
            if entity_id and call.store.get(f"identity.{kind}", entity_id) is None:
                raise STYLE.missing(kind.removesuffix("s"), entity_id)
        if verb == "list":
            rows = call.store.find(KIND, actor=actor[1])
            ids = [row.data["role_id"] for row in rows if _target(row) == target]
            roles = [_linked_role(call, role_id) for role_id in ids]
            self_url = f"{call.base}{call.path}"
            return Reply(200, {"roles": roles, "links": {"next": None, "self": self_url, "previous": None}})
        role_id = call.params["role"]
        if verb == "create":
            grant(call.world, role_id, actor, target)
            return Reply(204)
        row = call.store.get(KIND, _key(role_id, actor, target))
        if row is None:
            raise not_found(
                f"Could not find role assignment with role: {role_id}, user or group: {actor[1]}, "
                f"project, domain, or system: {target[1]}."
            )
        if verb == "revoke":
            call.store.remove(row)
            call.world.revoke(user_id=actor[1], **{f"{target_type}_id": target[1]})
        return Reply(204)

    return handle


def _linked_role(call: Call, role_id: str) -> JSON:
    role = call.store.get("identity.roles", role_id)
    return with_links(call, f"/roles/{role_id}", role.data if role else {"id": role_id})


def _grant_routes() -> Iterator[Route]:
    for targets in TARGETS:
        for actors in ACTORS:
            path = f"/{targets}/{{target}}/{actors}/{{actor}}/roles"
            yield Route("GET", path, _grant_handler("list", targets, actors))
            for method, verb in (("PUT", "create"), ("GET", "check"), ("DELETE", "revoke")):
                yield Route(method, path + "/{role}", _grant_handler(verb, targets, actors))


def _list_assignments(call: Call) -> Reply:
    demand(call, "admin", "list_role_assignments", STYLE)
    rows = list(call.store.all(KIND))
    effective = call.first("effective", "no") not in ("no", "0", "false", "False")
    shown = [item for row in rows for item in _effective(call, row, effective)]
    wanted = {
        "user": call.first("user.id"), "group": call.first("group.id"), "role": call.first("role.id"),
    }  # fmt: skip
    scopes = {"project": call.first("scope.project.id"), "domain": call.first("scope.domain.id")}
    kept = [
        item
        for item in shown
        if all(not value or item.get(key, {}).get("id") == value for key, value in wanted.items())
        and all(not value or item["scope"].get(key, {}).get("id") == value for key, value in scopes.items())
    ]
    if call.first("include_names", "no") not in ("no", "0", "false", "False"):
        for item in kept:
            _add_names(call, item)
    self_url = f"{call.base}{call.path}"
    links = {"next": None, "self": self_url, "previous": None}
    return Reply(200, {"role_assignments": kept, "links": links})


def _effective(call: Call, row: Entity, effective: bool) -> list[JSON]:
    data = row.data
    actors = [(data["actor_type"], data["actor"])]
    roles = [data["role_id"]]
    if effective:
        roles = expand(call.world, roles)
        if data["actor_type"] == "group":
            group = call.store.get("identity.groups", data["actor"])
            actors = [("user", member) for member in sorted(group.private["members"])] if group else []
    link = (
        f"{call.base}/{data['target_type']}s/{data['target']}/{data['actor_type']}s/{data['actor']}"
        f"/roles/{data['role_id']}"
    )
    return [
        {
            "role": {"id": role_id}, actor_type: {"id": actor_id},
            "scope": {data["target_type"]: {"id": data["target"]}}, "links": {"assignment": link},
        }
        for actor_type, actor_id in actors
        for role_id in roles
    ]  # fmt: skip


def _add_names(call: Call, item: JSON) -> None:
    places = [(key, item[key]) for key in ("role", "user", "group") if key in item]
    places += list(item["scope"].items())
    for key, place in places:
        entity = call.store.get(f"identity.{key}s", place["id"])
        if entity is None:
            continue
        place["name"] = entity.data["name"]
        if domain_id := entity.data.get("domain_id"):
            place["domain"] = domain_ref(call.world, domain_id)


def domain_ref(world: World, domain_id: str) -> JSON:
    """A domain as others refer to it."""
    domain = world.store.get("identity.domains", domain_id)
    return {"id": domain_id, "name": domain.data["name"] if domain else domain_id}


def _list_inferences(call: Call) -> Reply:
    demand(call, "admin", "list_role_inference_rules", STYLE)
    inferences: dict[str, list[JSON]] = {}
    for row in call.store.all(IMPLICATIONS):
        inferences.setdefault(row.data["prior"], []).append(_linked_role(call, row.data["implied"]))
    return Reply(200, {"role_inferences": [
        {"prior_role": _linked_role(call, prior), "implies": implied} for prior, implied in inferences.items()
    ]})  # fmt: skip


def _imply_handler(verb: str) -> Handler:
    def handle(call: Call) -> Reply:
        demand(call, "admin", f"{verb}_implied_role", STYLE)
        prior, implied = call.params["prior"], call.params.get("implied", "")
        for role_id in filter(None, (prior, implied)):
            if call.store.get("identity.roles", role_id) is None:
                raise STYLE.missing("role", role_id)
        if verb == "list":
            rows = call.store.find(IMPLICATIONS, prior=prior)
            roles = [_linked_role(call, row.data["implied"]) for row in rows]
            return Reply(200, {"role_inference": {"prior_role": _linked_role(call, prior), "implies": roles}})
        pair = {"prior_role": _linked_role(call, prior), "implies": _linked_role(call, implied)}
        if verb == "create":
            imply(call.world, prior, implied)
            return Reply(201, {"role_inference": pair})
        row = call.store.get(IMPLICATIONS, f"{prior}/{implied}")
        if row is None:
            raise not_found(f"{prior} does not imply {implied}.")
        if verb == "delete":
            call.store.remove(row)
            return Reply(204)
        return Reply(200, {"role_inference": pair})

    return handle


ROUTES: tuple[Route, ...] = (
    *_grant_routes(),
    Route("GET", "/role_assignments", _list_assignments),
    Route("GET", "/role_inferences", _list_inferences),
    Route("GET", "/roles/{prior}/implies", _imply_handler("list")),
    Route("PUT", "/roles/{prior}/implies/{implied}", _imply_handler("create")),
    Route("GET", "/roles/{prior}/implies/{implied}", _imply_handler("get")),
    Route("DELETE", "/roles/{prior}/implies/{implied}", _imply_handler("delete")),
)
