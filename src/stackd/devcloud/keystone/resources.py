"""Domains, projects, users, groups, roles, credentials: collections of Keystone."""

from __future__ import annotations

import hashlib
import json

from stackd.devcloud.collection import Collection, Field, Style, admin_only, anyone
from stackd.devcloud.keystone.style import STYLE, self_linked
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request, conflict, forbidden
from stackd.devcloud.world import World

DEFAULT_DOMAIN = "default"


def _in_default_domain(call: Call, values: JSON, private: JSON) -> None:
    if not values.get("domain_id"):
        values["domain_id"] = call.actor.domain_id or DEFAULT_DOMAIN
    if call.store.get("identity.domains", values["domain_id"]) is None:
        raise STYLE.missing("domain", values["domain_id"])


def _prepare_project(call: Call, values: JSON, private: JSON) -> None:
    _in_default_domain(call, values, private)
    values["parent_id"] = values.get("parent_id") or values["domain_id"]
    twin = call.store.first("identity.projects", domain_id=values["domain_id"], name=values["name"])
    if twin is not None:
        raise conflict(
            "Conflict occurred attempting to store project - it is not permitted to have two projects with "
            "either the same name or same id in the same domain: "
            f"name is {values['name']}, project id {twin.id}."
        )


def _project_created(call: Call, entity: Entity) -> None:
    for hook in call.world.on_new_project:
        hook(entity.id)


def _release_project(world: World, entity: Entity) -> None:
    forget_assignments(world, "target", entity.id)
    world.revoke(project_id=entity.id)


def _prepare_user(call: Call, values: JSON, private: JSON) -> None:
    _in_default_domain(call, values, private)
    private["password"] = values.pop("password", None)
    for name in ("default_project_id", "description", "email"):
        if values.get(name) is None:
            values.pop(name, None)


def _change_user(call: Call, entity: Entity, changes: JSON) -> None:
    if "password" in changes:
        entity.private["password"] = changes.pop("password")
        call.world.revoke(user_id=entity.id)
    if changes.get("enabled") is False:
        call.world.revoke(user_id=entity.id)


def _release_user(world: World, entity: Entity) -> None:
    forget_assignments(world, "actor", entity.id)
    world.revoke(user_id=entity.id)
    for kind in ("identity.credentials", "identity.application_credentials"):
        for owned in list(world.store.find(kind, user_id=entity.id)):
            world.store.remove(owned)
    for group in world.store.all("identity.groups"):
        group.private.get("members", set()).discard(entity.id)


def _sees_user(call: Call, entity: Entity) -> bool:
    return call.actor.is_admin or entity.id == call.actor.user_id


def _sees_project(call: Call, entity: Entity) -> bool:
    return call.actor.is_admin or entity.id == call.actor.project_id


def _guard_domain(call: Call, entity: Entity) -> None:
    if entity.data.get("enabled", True):
        raise forbidden(
            "Cannot delete a domain that is enabled, please disable it first.",
        )


def _release_domain(world: World, entity: Entity) -> None:
    forget_assignments(world, "target", entity.id)
    for kind in ("users", "projects", "groups", "roles"):
        for inner in list(world.store.find(f"identity.{kind}", domain_id=entity.id)):
            world.store.remove(inner)
            forget_assignments(world, "actor" if kind in ("users", "groups") else "target", inner.id)


def forget_assignments(world: World, field: str, value: str) -> None:
    """Remove the role assignments of a deleted actor or on a deleted target."""
    for assignment in list(world.store.find("identity.assignments", **{field: value})):
        world.store.remove(assignment)


def _release_role(world: World, entity: Entity) -> None:
    forget_assignments(world, "role_id", entity.id)


def _prepare_group(call: Call, values: JSON, private: JSON) -> None:
    _in_default_domain(call, values, private)
    private["members"] = set()


def _release_group(world: World, entity: Entity) -> None:
    forget_assignments(world, "actor", entity.id)


def _prepare_credential(call: Call, values: JSON, private: JSON) -> None:
    if not values.get("user_id"):
        values["user_id"] = call.actor.user_id
    if values["user_id"] != call.actor.user_id and not call.actor.is_admin:
        raise STYLE.denied("create_credential")
    if not isinstance(values.get("blob"), str):
        raise bad_request("Invalid input for field/attribute blob. It must be a string.")


def _credential_id(call: Call, values: JSON) -> str:
    """EC2 credentials are found by the digest of their access key."""
    if values["type"] != "ec2":
        return call.world.hex_id()
    try:
        access = str(json.loads(values["blob"])["access"])
    except (ValueError, KeyError, TypeError) as error:
        raise bad_request("Invalid blob in credential: it must be JSON with access and secret.") from error
    credential_id = hashlib.sha256(access.encode()).hexdigest()
    if call.store.get("identity.credentials", credential_id) is not None:
        raise STYLE.duplicate("credential", credential_id)
    return credential_id


def _sees_credential(call: Call, entity: Entity) -> bool:
    return call.actor.is_admin or entity.data.get("user_id") == call.actor.user_id


_COMMON = {"description": Field(""), "enabled": Field(True), "options": Field({})}

DOMAINS = Collection(
    kind="identity.domains", path="/domains", singular="domain", plural="domains", label="domain",
    fields={"name": Field(required=True), **_COMMON, "tags": Field([])},
    indexes=("name",), unique=(("name",),), sees=admin_only, writer="admin", lister="admin", projectless=True,
    guard=_guard_domain, release=_release_domain, view=self_linked("/domains"),
)  # fmt: skip
PROJECTS = Collection(
    kind="identity.projects", path="/projects", singular="project", plural="projects", label="project",
    fields={
        "name": Field(required=True), "domain_id": Field(put=False), **_COMMON, "parent_id": Field(put=False),
        "is_domain": Field(False), "tags": Field([]),
    },
    indexes=("name",), sees=_sees_project, writer="admin", lister="admin", projectless=True,
    prepare=_prepare_project,
    created=_project_created, release=_release_project, view=self_linked("/projects"),
)  # fmt: skip
USERS = Collection(
    kind="identity.users", path="/users", singular="user", plural="users", label="user",
    fields={
        "name": Field(required=True), "domain_id": Field(put=False), "enabled": Field(True),
        "password": Field(), "default_project_id": Field(), "description": Field(), "email": Field(),
        "password_expires_at": Field(), "options": Field({}),
    },
    indexes=("name",), unique=(("domain_id", "name"),), sees=_sees_user, writer="admin", lister="admin",
    projectless=True,
    prepare=_prepare_user, change=_change_user, release=_release_user, view=self_linked("/users"),
)  # fmt: skip
GROUPS = Collection(
    kind="identity.groups", path="/groups", singular="group", plural="groups", label="group",
    fields={"name": Field(required=True), "domain_id": Field(put=False), "description": Field("")},
    unique=(("domain_id", "name"),), sees=admin_only, writer="admin", lister="admin", projectless=True,
    prepare=_prepare_group, release=_release_group, view=self_linked("/groups"),
)  # fmt: skip
ROLES = Collection(
    kind="identity.roles", path="/roles", singular="role", plural="roles", label="role",
    fields={
        "name": Field(required=True), "domain_id": Field(), "description": Field(), "options": Field({}),
    },
    indexes=("name",), unique=(("domain_id", "name"),), sees=anyone, writer="admin", lister="anyone",
    projectless=True,
    release=_release_role, view=self_linked("/roles"),
)  # fmt: skip
CREDENTIALS = Collection(
    kind="identity.credentials", path="/credentials", singular="credential", plural="credentials",
    label="credential",
    fields={
        "user_id": Field(), "project_id": Field(), "type": Field(required=True), "blob": Field(required=True),
    },
    indexes=("user_id",), sees=_sees_credential, writer="anyone", lister="anyone", projectless=True,
    prepare=_prepare_credential, choose_id=_credential_id, view=self_linked("/credentials"),
)  # fmt: skip

COLLECTIONS: tuple[tuple[Collection, Style], ...] = tuple(
    (collection, STYLE)
    for collection in (
        DOMAINS, PROJECTS, USERS, GROUPS, ROLES, CREDENTIALS,
    )
)  # fmt: skip
