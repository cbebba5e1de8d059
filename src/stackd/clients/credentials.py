"""The kinds of credentials that Keystone turns into a token.

PasswordCredentials    a user's name or id and password, with a scope
TokenCredentials       a token from a request: it cannot be renewed
ApplicationCredential  an application credential of a user, which has its project built in
TrustCredentials       a trust, used by its trustee, the service user
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Scope:
    """The scope of a token: a project (by id, or name and domain), a domain, the system, or none."""

    project_id: str = ""
    project_name: str = ""
    project_domain_id: str = ""
    project_domain_name: str = ""
    domain_id: str = ""
    domain_name: str = ""
    system: bool = False


@dataclass(frozen=True, slots=True)
class PasswordCredentials:
    """A user with a password; a user's name needs the user's domain."""

    password: str = field(repr=False)
    user_id: str = ""
    user_name: str = ""
    user_domain_id: str = ""
    user_domain_name: str = ""
    scope: Scope = Scope()


@dataclass(frozen=True, slots=True)
class TokenCredentials:
    """A token as a caller sent it. It cannot be renewed when it expires."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApplicationCredential:
    """An application credential: its id and secret, or its name, owner and secret."""

    secret: str = field(repr=False)
    id: str = ""
    name: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class TrustCredentials:
    """A trust of a user, used by the service user with this password."""

    trust_id: str
    trustee: PasswordCredentials


Credentials = PasswordCredentials | TokenCredentials | ApplicationCredential | TrustCredentials


def credentials_key(credentials: Credentials) -> str:
    """A cache key for these credentials that reveals no secret."""
    return hashlib.sha256(repr((credentials, _secret(credentials))).encode()).hexdigest()


def _secret(credentials: Credentials) -> str:
    match credentials:
        case PasswordCredentials():
            return credentials.password
        case TokenCredentials():
            return credentials.token
        case ApplicationCredential():
            return credentials.secret
        case TrustCredentials():
            return credentials.trustee.password


def auth_request(credentials: Credentials) -> dict[str, Any]:
    """The body of POST /v3/auth/tokens. A ``TokenCredentials`` is not exchanged: it is a token already."""
    match credentials:
        case PasswordCredentials():
            return _auth(_password(credentials), _scope(credentials.scope))
        case TrustCredentials():
            return _auth(_password(credentials.trustee), {"OS-TRUST:trust": {"id": credentials.trust_id}})
        case ApplicationCredential():
            return _auth({"methods": ["application_credential"], **_application(credentials)}, None)
        case TokenCredentials():
            raise TypeError("a token is not exchanged for another one")


def _auth(identity: dict[str, Any], scope: Any) -> dict[str, Any]:
    return {"auth": {"identity": identity} | ({"scope": scope} if scope else {})}


def _password(credentials: PasswordCredentials) -> dict[str, Any]:
    user = _named(
        credentials.user_id, credentials.user_name, credentials.user_domain_id, credentials.user_domain_name
    )
    return {"methods": ["password"], "password": {"user": user | {"password": credentials.password}}}


def _application(credentials: ApplicationCredential) -> dict[str, Any]:
    known: dict[str, Any] = {"secret": credentials.secret}
    if credentials.id:
        known["id"] = credentials.id
    else:
        known |= {"name": credentials.name, "user": {"id": credentials.user_id}}
    return {"application_credential": known}


def _scope(scope: Scope) -> dict[str, Any] | str | None:
    if scope.project_id or scope.project_name:
        project = _named(
            scope.project_id, scope.project_name, scope.project_domain_id, scope.project_domain_name
        )
        return {"project": project}
    if scope.domain_id or scope.domain_name:
        return {"domain": {"id": scope.domain_id} if scope.domain_id else {"name": scope.domain_name}}
    return {"system": {"all": True}} if scope.system else None


def _named(identity: str, name: str, domain_id: str, domain_name: str) -> dict[str, Any]:
    if identity:
        return {"id": identity}
    domain = {"name": domain_name} if domain_name and not domain_id else {"id": domain_id or "default"}
    return {"name": name, "domain": domain}
