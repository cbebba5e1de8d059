"""Getting and reading tokens of the Identity service, v3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from stackd.clients.catalog import Endpoint, complete_url, parse_catalog
from stackd.clients.credentials import Credentials, TokenCredentials, auth_request
from stackd.clients.failures import failure
from stackd.clients.wire import Outgoing, Reply, Wire
from stackd.errors import CloudError, CloudNotFound, CloudUnauthorized


@dataclass(frozen=True, slots=True)
class KeystoneSettings:
    """The URL of Keystone, and which endpoints of its catalog are used.

    ``interfaces`` overrides ``interface`` and ``endpoints`` the catalog, both by service type;
    ``microversions`` overrides the versions that stackd asks for. ``renew_before`` is how many seconds
    before its expiry a token is replaced.
    """

    auth_url: str
    region: str = ""
    interface: str = "public"
    interfaces: Mapping[str, str] = field(default_factory=dict)
    endpoints: Mapping[str, str] = field(default_factory=dict)
    microversions: Mapping[str, str] = field(default_factory=dict)
    renew_before: float = 120.0

    @property
    def identity_url(self) -> str:
        """The v3 API of Keystone, without a slash at its end."""
        return complete_url("identity", self.auth_url, "")


@dataclass(frozen=True, slots=True)
class Token:
    """A token with its data: user, project, roles, expiry and catalog."""

    id: str = field(repr=False)
    expires_at: datetime
    user_id: str
    user_name: str
    user_domain_id: str = ""
    project_id: str = ""
    project_name: str = ""
    project_domain_id: str = ""
    domain_id: str = ""
    roles: tuple[str, ...] = ()
    trust_id: str = ""
    trustor_id: str = ""
    application_credential_id: str = ""
    system_scope: str = ""
    is_admin_project: bool = False
    methods: tuple[str, ...] = ()
    catalog: tuple[Endpoint, ...] = field(default=(), repr=False)


def parse_token(token_id: str, body: Mapping[str, Any]) -> Token:
    """The token in an answer of /v3/auth/tokens."""
    data = body["token"]
    user, project, trust = data["user"], data.get("project") or {}, data.get("OS-TRUST:trust") or {}
    return Token(
        id=token_id,
        expires_at=datetime.fromisoformat(data["expires_at"]).astimezone(UTC),
        user_id=user["id"],
        user_name=user.get("name", ""),
        user_domain_id=(user.get("domain") or {}).get("id") or "",
        project_id=project.get("id", ""),
        project_name=project.get("name", ""),
        project_domain_id=(project.get("domain") or {}).get("id") or "",
        domain_id=(data.get("domain") or {}).get("id", ""),
        roles=tuple(role["name"] for role in data.get("roles", ())),
        trust_id=trust.get("id", ""),
        trustor_id=(trust.get("trustor_user") or {}).get("id", ""),
        application_credential_id=(data.get("application_credential") or {}).get("id", ""),
        system_scope="all" if (data.get("system") or {}).get("all") else "",
        is_admin_project=data.get("is_admin_project") is True,
        methods=tuple(data.get("methods", ())),
        catalog=parse_catalog(data.get("catalog", ())),
    )


async def authenticate(wire: Wire, settings: KeystoneSettings, credentials: Credentials) -> Token:
    """A new token with its catalog. The request is idempotent, so every failure is retried."""
    if isinstance(credentials, TokenCredentials):
        return await read_token(wire, settings, credentials.token, own=credentials.token)
    reply = await _call(wire, settings, "POST", {}, auth_request(credentials))
    if reply.status != 201:
        raise _refused(reply)
    return parse_token(reply.headers["x-subject-token"], reply.body)


async def read_token(
    wire: Wire, settings: KeystoneSettings, token: str, *, own: str, catalog: bool = True
) -> Token:
    """The data of ``token``, validated by Keystone with the service's token ``own``.

    ``CloudUnauthorized`` if ``token`` is invalid or has expired, or ``own`` is not accepted.
    """
    headers = {"X-Auth-Token": own, "X-Subject-Token": token}
    reply = await _call(
        wire, settings, "GET", headers, None, path="/auth/tokens" if catalog else "/auth/tokens?nocatalog"
    )
    if reply.status != 200:
        raise _refused(reply)
    return parse_token(token, reply.body)


async def check_signature(
    wire: Wire, settings: KeystoneSettings, signed: Mapping[str, Any], *, own: str
) -> Token:
    """The token for a request with a valid EC2 signature, validated with the service's token ``own``.

    ``signed`` has access, signature, host, verb, path, params, headers and body_hash.
    """
    reply = await _call(
        wire, settings, "POST", {"X-Auth-Token": own}, {"ec2Credentials": signed}, path="/ec2tokens"
    )
    if reply.status not in (200, 201):
        raise _refused(reply)
    return parse_token(reply.headers["x-subject-token"], reply.body)


async def _call(
    wire: Wire,
    settings: KeystoneSettings,
    method: str,
    headers: Mapping[str, str],
    body: Any,
    *,
    path: str = "/auth/tokens",
) -> Reply:
    sent = {"Accept": "application/json", **headers}
    if body is not None:
        sent["Content-Type"] = "application/json"
    request = Outgoing(
        method=method,
        url=settings.identity_url + path,
        headers=sent,
        content=orjson.dumps(body) if body is not None else None,
        service="identity",
        idempotent=True,
    )
    return await wire.send(request, wire.limiter("identity", request.url))


def _refused(reply: Reply) -> CloudError:
    refusal = failure("identity", reply.status, reply.body, request_id=reply.request_id)
    if isinstance(refusal, CloudNotFound):
        return CloudUnauthorized(
            refusal.message, service="identity", status=reply.status, request_id=reply.request_id
        )
    return refusal
