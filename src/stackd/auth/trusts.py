"""Trusts: roles of a user delegated to the service user, for work that outlives a request's token.

One trust serves all operations of one user, in one project, with one set of roles: by ``TrustKey``
requests share it. It is created with the caller's token, and deleted with its own, or by the service user
if that is an administrator. The store knows which stacks still need it.

Keystone gives a trust no name. Its ``expires_at`` is used as one: a random second of the next century, stored
before the trust is requested. So a trust whose creation was interrupted is found again, and no trust of
anybody else is ever taken for it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stackd.clients.cloud import Cloud
from stackd.clients.keystone import Token
from stackd.errors import CloudError, CloudForbidden, CloudNotFound, CloudUnauthorized, MissingCredential

_DELEGATED = (
    "The token was itself made from {what}, and Keystone lets no such token delegate authority to this "
    "service. Use a token that was made with a password or by single sign-on."
)
_FIRST_EXPIRY = datetime(2100, 1, 1, tzinfo=UTC)
_CENTURY = 100 * 365 * 86_400


@dataclass(frozen=True, slots=True)
class TrustKey:
    """The key of a trust: requests with the same key share one."""

    user_id: str
    project_id: str
    roles: tuple[str, ...]


def delegated_roles(held: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The roles to delegate, sorted: the operator's ``wanted`` ones, or without any all that are ``held``.

    ``MissingCredential`` if the user lacks a wanted role or has none at all.
    """
    missing = sorted(set(wanted) - set(held))
    if missing:
        names = ", ".join(missing)
        raise MissingCredential(f"Missing required credential: roles [{names}], which are to be delegated")
    roles = tuple(sorted(set(wanted or held)))
    if not roles:
        raise MissingCredential(
            "Missing required credential: the user has no role in the project to delegate"
        )
    return roles


def trust_key(token: Token, wanted: Sequence[str]) -> TrustKey:
    """The key of the trust for operations of the caller with this token."""
    return TrustKey(token.user_id, token.project_id, delegated_roles(token.roles, wanted))


def is_from_signature(token: Token) -> bool:
    """Whether Keystone issued a token for a request that was signed with an EC2 key."""
    return "ec2credential" in token.methods


def require_delegation(token: Token) -> None:
    """Raise ``MissingCredential`` for a caller who cannot delegate.

    Its token came from a trust, an application credential or a signature, or has no project.
    """
    if not token.project_id:
        raise MissingCredential("Missing required credential: the token is not for a project")
    if is_from_signature(token):
        raise MissingCredential(_DELEGATED.format(what="an EC2 key"))
    if token.trust_id or token.application_credential_id:
        what = "a trust" if token.trust_id else "an application credential"
        raise MissingCredential(_DELEGATED.format(what=what))


def new_expiry() -> datetime:
    """A random moment by which a trust that is about to be created will be recognised."""
    return _FIRST_EXPIRY + timedelta(seconds=secrets.randbelow(_CENTURY))


async def create_trust(
    caller: Cloud, trustee_user_id: str, roles: Sequence[str], expiry: datetime, *, redelegated: bool = False
) -> str:
    """Delegates ``roles`` of the caller in its project to the service user; returns the trust's id.

    With ``redelegated`` services that get a token of the trust can make one further trust from it.
    ``MissingCredential`` if Keystone does not let the caller do that.
    """
    token = await caller.token()
    require_delegation(token)
    body = {
        "trustor_user_id": token.user_id,
        "trustee_user_id": trustee_user_id,
        "project_id": token.project_id,
        "impersonation": True,
        "allow_redelegation": redelegated,
        "expires_at": f"{expiry:%Y-%m-%dT%H:%M:%S.%fZ}",
        "roles": [{"name": role} for role in roles],
    }
    body |= {"redelegation_count": 1} if redelegated else {}
    try:
        reply = await caller.identity.request(
            "POST", "/OS-TRUST/trusts", json={"trust": body}, idempotent=False
        )
    except CloudForbidden as refusal:
        raise MissingCredential(f"Keystone lets this token delegate nothing: {refusal.message}") from refusal
    except CloudNotFound as refusal:
        raise MissingCredential(f"The roles cannot be delegated: {refusal.message}") from refusal
    return str(reply.body["trust"]["id"])


async def find_trusts(service: Cloud, user_id: str, project_id: str, expiry: datetime) -> list[str]:
    """The trusts of this user and project that expire at this moment.

    Used when it is not known whether ``create_trust`` succeeded; there are several if Keystone went on with a
    request after whoever sent it had ended. The service user lists the trusts that were given to it, so the
    user's token is not needed.
    """
    trustee = (await service.token()).user_id
    entries = await service.identity.list_all("/OS-TRUST/trusts", "trusts", {"trustee_user_id": trustee})
    found = []
    for entry in entries:
        owner = (entry.get("trustor_user_id"), entry.get("project_id"))
        ends = entry.get("expires_at")
        if owner == (user_id, project_id) and ends and datetime.fromisoformat(ends) == expiry:
            found.append(str(entry["id"]))
    return found


async def delete_trust(trust_id: str, holder: Cloud, service: Cloud) -> None:
    """Deletes a trust. Idempotent: ignores 404.

    ``holder`` is the cloud of the trust itself, whose token may delete it. When that token cannot be obtained
    any more, since its user was disabled or lost a role, the ``service`` user tries, as an administrator.
    """
    try:
        await holder.identity.delete(f"/OS-TRUST/trusts/{trust_id}")
    except CloudNotFound:
        return
    except (CloudUnauthorized, CloudForbidden) as refusal:
        await _delete_as_service(trust_id, service, refusal)


async def _delete_as_service(trust_id: str, service: Cloud, refusal: CloudError) -> None:
    try:
        await service.identity.delete(f"/OS-TRUST/trusts/{trust_id}")
    except CloudNotFound:
        return
    except CloudForbidden:
        raise refusal from None
