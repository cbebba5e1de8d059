"""Trusts, application credentials, group membership, and passwords."""

from __future__ import annotations

from datetime import UTC, datetime

from stackd.devcloud.collection import demand
from stackd.devcloud.keystone.assignments import role_refs, roles_of
from stackd.devcloud.keystone.kept_trusts import TRUSTS, save_trusts
from stackd.devcloud.keystone.style import STYLE, missing, with_links
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, conflict, forbidden, not_found
from stackd.devcloud.world import World

APP_CREDENTIALS = "identity.application_credentials"
_DEEPEST = 3


def _role_ids(call: Call, refs: object, fallback: list[str]) -> list[str]:
    if not isinstance(refs, list) or not refs:
        return fallback
    ids = []
    for ref in refs:
        role = (
            call.store.get("identity.roles", str(ref["id"])) if ref.get("id")
            else call.store.first("identity.roles", name=ref.get("name"))
        )  # fmt: skip
        if role is None:
            raise missing("role", str(ref.get("id") or ref.get("name")))
        ids.append(role.id)
    return ids


def _time(text: object) -> float | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError as error:
        raise bad_request(f"Invalid input for field/attribute expires_at. Value: {text}.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _create_trust(call: Call) -> Reply:
    trust = create_trust(call, call.unwrap("trust"))
    return Reply(201, {"trust": _show_trust(call, trust, with_roles=True)})


def create_trust(call: Call, body: JSON) -> Entity:
    """The trust that a request asks for; from a token of a trust only if that may be delegated further."""
    for name in ("trustor_user_id", "trustee_user_id", "impersonation"):
        if name not in body:
            raise bad_request(
                f"Invalid input for field/attribute trust. Value: {body}. '{name}' is a required property"
            )
    actor = call.actor
    if body["trustor_user_id"] != actor.user_id:
        raise forbidden("The authenticated user should match the trustor.")
    parent = call.store.get(TRUSTS, actor.trust_id) if actor.trust_id else None
    if actor.trust_id and (parent is None or not parent.data["redelegation_count"]):
        raise forbidden("Redelegation is not allowed.")
    if "ec2credential" in actor.body["methods"]:
        raise forbidden("A token that was made for an EC2 signature delegates nothing.")
    if call.store.get("identity.users", str(body["trustee_user_id"])) is None:
        raise missing("user", str(body["trustee_user_id"]))
    project_id = body.get("project_id")
    mine = roles_of(call.world, actor.user_id, ("project", str(project_id)))
    role_ids = _role_ids(call, body.get("roles"), [])
    if project_id and not role_ids:
        raise forbidden("At least one role should be specified.")
    if lacking := [role_id for role_id in role_ids if role_id not in mine]:
        raise missing("role assignment with role", f"{lacking[0]}, user or group: {actor.user_id}")
    trust_id = call.world.hex_id()
    data = {
        "id": trust_id, "trustor_user_id": actor.user_id, "trustee_user_id": body["trustee_user_id"],
        "project_id": project_id, "impersonation": bool(body["impersonation"]), "deleted_at": None,
        "expires_at": body.get("expires_at"), "remaining_uses": body.get("remaining_uses"),
        "redelegation_count": _depth(body, parent), "redelegated_trust_id": actor.trust_id or None,
    }  # fmt: skip
    private = {"role_ids": role_ids, "expires": _time(body.get("expires_at"))}
    trust = call.store.add(TRUSTS, trust_id, "", data, private)
    save_trusts(call.world)
    return trust


def _depth(body: JSON, parent: Entity | None) -> int:
    """How often a trust can be delegated further."""
    if parent is not None:
        return int(parent.data["redelegation_count"]) - 1
    return int(body.get("redelegation_count") or _DEEPEST) if body.get("allow_redelegation") else 0


def _show_trust(call: Call, trust: Entity, with_roles: bool) -> JSON:
    shown = with_links(call, f"/OS-TRUST/trusts/{trust.id}", trust.data)
    if with_roles:
        refs = role_refs(call.world, trust.private["role_ids"])
        shown["roles"] = [with_links(call, f"/roles/{ref['id']}", ref) for ref in refs]
        shown["roles_links"] = {"next": None, "previous": None, "self": f"{shown['links']['self']}/roles"}
    return shown


def _trust(call: Call) -> Entity:
    trust = call.store.get(TRUSTS, call.params["trust"])
    if trust is None:
        raise missing("trust", call.params["trust"])
    parties = (trust.data["trustor_user_id"], trust.data["trustee_user_id"])
    if call.actor.user_id not in parties and not call.actor.is_admin:
        raise STYLE.denied("get_trust")
    return trust


def _get_trust(call: Call) -> Reply:
    return Reply(200, {"trust": _show_trust(call, _trust(call), with_roles=True)})


def _list_trusts(call: Call) -> Reply:
    wanted = {key: value for key, value in call.query if key in ("trustor_user_id", "trustee_user_id")}
    if call.actor.user_id not in wanted.values():
        demand(call, "admin", "list_trusts", STYLE)
    trusts = [_show_trust(call, trust, with_roles=False) for trust in call.store.find(TRUSTS, **wanted)]
    links = {"next": None, "previous": None, "self": f"{call.base}{call.path}"}
    return Reply(200, {"trusts": trusts, "links": links})


def _delete_trust(call: Call) -> Reply:
    trust = _trust(call)
    if call.actor.user_id != trust.data["trustor_user_id"] and not call.actor.is_admin:
        raise STYLE.denied("delete_trust")
    remove_trust(call.world, trust)
    return Reply(204)


def remove_trust(world: World, trust: Entity) -> None:
    """Delete a trust, with its tokens and with the trusts that were made from it."""
    for child in list(world.store.find(TRUSTS, redelegated_trust_id=trust.id)):
        remove_trust(world, child)
    world.store.remove(trust)
    save_trusts(world)
    world.revoke(trust_id=trust.id)


def _trust_roles(call: Call) -> Reply:
    trust = _trust(call)
    shown = _show_trust(call, trust, with_roles=True)
    return Reply(200, {"roles": shown["roles"], "links": shown["roles_links"]})


def _own_user(call: Call, action: str) -> str:
    user_id = call.params["user"]
    if user_id != call.actor.user_id and not call.actor.is_admin:
        raise STYLE.denied(action)
    if call.store.get("identity.users", user_id) is None:
        raise missing("user", user_id)
    return user_id


def _create_app_credential(call: Call) -> Reply:
    user_id = _own_user(call, "create_application_credential")
    body = call.unwrap("application_credential")
    actor = call.actor
    if user_id != actor.user_id or not actor.project_id or actor.app_credential_id:
        raise STYLE.denied("create_application_credential")
    name = body.get("name")
    if not name:
        raise bad_request("Invalid input for field/attribute application_credential. 'name' is required.")
    if call.store.first(APP_CREDENTIALS, user_id=user_id, name=name) is not None:
        raise conflict(
            "Conflict occurred attempting to store application_credential - "
            f"Duplicate entry found with name {name}."
        )
    mine = roles_of(call.world, user_id, ("project", actor.project_id))
    role_ids = _role_ids(call, body.get("roles"), mine)
    if not set(role_ids) <= set(mine):
        raise bad_request("Cannot create an application credential with roles that the user does not have.")
    secret = body.get("secret") or call.world.hex_id() + call.world.hex_id()
    data = {
        "id": call.world.hex_id(), "name": name, "description": body.get("description"),
        "project_id": actor.project_id, "user_id": user_id, "expires_at": body.get("expires_at"),
        "unrestricted": bool(body.get("unrestricted")), "roles": role_refs(call.world, role_ids),
    }  # fmt: skip
    private = {"secret": secret, "role_ids": role_ids, "project_id": actor.project_id}
    entity = call.store.add(APP_CREDENTIALS, data["id"], "", data, private)
    shown = with_links(call, f"/users/{user_id}/application_credentials/{entity.id}", entity.data)
    return Reply(201, {"application_credential": shown | {"secret": secret}})


def _app_credential(call: Call) -> Entity:
    user_id = _own_user(call, "get_application_credential")
    entity = call.store.get(APP_CREDENTIALS, call.params["credential"])
    if entity is None or entity.data["user_id"] != user_id:
        raise missing("Application Credential", call.params["credential"])
    return entity


def _get_app_credential(call: Call) -> Reply:
    return Reply(200, {"application_credential": with_links(call, call.path, _app_credential(call).data)})


def _list_app_credentials(call: Call) -> Reply:
    user_id = _own_user(call, "list_application_credentials")
    wanted = {key: value for key, value in call.query if key == "name"}
    found = [entity.data for entity in call.store.find(APP_CREDENTIALS, user_id=user_id, **wanted)]
    links = {"next": None, "previous": None, "self": f"{call.base}{call.path}"}
    return Reply(200, {"application_credentials": found, "links": links})


def _delete_app_credential(call: Call) -> Reply:
    entity = _app_credential(call)
    call.store.remove(entity)
    call.world.revoke(app_credential_id=entity.id)
    return Reply(204)


def _change_password(call: Call) -> Reply:
    user = call.store.get("identity.users", call.params["user"])
    body = call.unwrap("user")
    if user is None or user.private.get("password") != body.get("original_password"):
        raise STYLE.denied("change_password")
    user.private["password"] = body.get("password")
    call.world.revoke(user_id=user.id)
    return Reply(204)


def _group(call: Call) -> set[str]:
    demand(call, "admin", "list_users_in_group", STYLE)
    group = call.store.get("identity.groups", call.params["group"])
    if group is None:
        raise missing("group", call.params["group"])
    if "user" in call.params and call.store.get("identity.users", call.params["user"]) is None:
        raise missing("user", call.params["user"])
    members: set[str] = group.private["members"]
    return members


def _add_member(call: Call) -> Reply:
    _group(call).add(call.params["user"])
    return Reply(204)


def _check_member(call: Call) -> Reply:
    if call.params["user"] not in _group(call):
        raise not_found(f"Could not find user: {call.params['user']}.")
    return Reply(204)


def _remove_member(call: Call) -> Reply:
    _check_member(call)
    _group(call).discard(call.params["user"])
    return Reply(204)


def _list_members(call: Call) -> Reply:
    users = [call.store.get("identity.users", user_id) for user_id in sorted(_group(call))]
    links = {"next": None, "previous": None, "self": f"{call.base}{call.path}"}
    return Reply(200, {"users": [user.data for user in users if user], "links": links})


def _list_groups(call: Call) -> Reply:
    user_id = _own_user(call, "list_groups_for_user")
    groups = call.store.all("identity.groups")
    found = [group.data for group in groups if user_id in group.private["members"]]
    links = {"next": None, "previous": None, "self": f"{call.base}{call.path}"}
    return Reply(200, {"groups": found, "links": links})


_CREDENTIAL = "/users/{user}/application_credentials/{credential}"
_MEMBER = "/groups/{group}/users/{user}"
ROUTES = (
    Route("POST", "/OS-TRUST/trusts", _create_trust),
    Route("GET", "/OS-TRUST/trusts", _list_trusts),
    Route("GET", "/OS-TRUST/trusts/{trust}", _get_trust),
    Route("DELETE", "/OS-TRUST/trusts/{trust}", _delete_trust),
    Route("GET", "/OS-TRUST/trusts/{trust}/roles", _trust_roles),
    Route("POST", "/users/{user}/application_credentials", _create_app_credential),
    Route("GET", "/users/{user}/application_credentials", _list_app_credentials),
    Route("GET", _CREDENTIAL, _get_app_credential),
    Route("DELETE", _CREDENTIAL, _delete_app_credential),
    Route("POST", "/users/{user}/password", _change_password),
    Route("GET", "/users/{user}/groups", _list_groups),
    Route("GET", "/groups/{group}/users", _list_members),
    Route("PUT", _MEMBER, _add_member),
    Route("GET", _MEMBER, _check_member),
    Route("DELETE", _MEMBER, _remove_member),
)
