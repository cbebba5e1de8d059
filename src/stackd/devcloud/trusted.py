"""Trusts that services make of their callers, and what they do by them later."""

from __future__ import annotations

from datetime import UTC, datetime

from stackd.devcloud.keystone.delegation import create_trust, remove_trust
from stackd.devcloud.keystone.kept_trusts import TRUSTS
from stackd.devcloud.keystone.tokens import Grant, issue
from stackd.devcloud.wire import Call, Fault
from stackd.devcloud.world import Actor, World


def make_trust(call: Call, service: str, expires: float | None = None) -> str:
    """The id of a new trust of the caller to the user of a service; raises Keystone's fault."""
    trustee = call.store.first("identity.users", name=service, domain_id="default")
    asked = {
        "trustor_user_id": call.actor.user_id,
        "trustee_user_id": trustee.id if trustee else "",
        "project_id": call.actor.project_id,
        "impersonation": True,
        "roles": [{"name": role} for role in sorted(call.actor.roles)],
        "expires_at": None if expires is None else datetime.fromtimestamp(expires, UTC).isoformat(),
    }
    return create_trust(call, asked).id


def service_trust(call: Call, service: str) -> str:
    """The same; that Keystone refuses it is an error of the service."""
    try:
        return make_trust(call, service)
    except Fault as refusal:
        raise Fault(500, f"{refusal.message} (HTTP {refusal.status})") from refusal


def release_trust(world: World, trust_id: str | None) -> None:
    """Remove a trust. Idempotent."""
    trust = world.store.get(TRUSTS, trust_id or "")
    if trust is not None:
        remove_trust(world, trust)


def trusted(world: World, trust_id: str | None) -> Actor | None:
    """A token of a trust; None when it, or its user, is gone."""
    trust = world.store.get(TRUSTS, trust_id or "")
    user = world.store.get("identity.users", trust.data["trustor_user_id"]) if trust else None
    if trust is None or user is None:
        return None
    project = world.store.get("identity.projects", trust.data["project_id"])
    grant = Grant(user, ["password"], project, role_ids=trust.private["role_ids"], trust=trust)
    return issue(world, grant)
