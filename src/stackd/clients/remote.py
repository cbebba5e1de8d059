"""Clouds other than stackd's own, and other regions of it, for resources that live there.

Who writes a template chooses the address of another cloud. So connections to it obey the rules of URLs from
users, and what it answers is bounded.
"""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from cachetools import LRUCache

from stackd.clients.addresses import AddressPolicy
from stackd.clients.cloud import Cloud
from stackd.clients.credentials import ApplicationCredential, Credentials, PasswordCredentials, Scope
from stackd.clients.egress import check_url, origin_of
from stackd.clients.http import Guard, HttpSettings, make_client
from stackd.clients.keystone import KeystoneSettings
from stackd.clients.session import Session
from stackd.clients.wire import RetrySettings, Wire
from stackd.errors import CloudError

_KEPT = 64
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Remote:
    """A place to reach: a region, of stackd's own cloud or of the one that ``auth`` names and signs in to.

    ``auth`` is what is stored for it as a secret: an ``auth_type`` and its data, ``auth``. ``ca_cert`` is the
    text of a certificate.
    """

    region: str = ""
    auth: Mapping[str, Any] | None = field(default=None, repr=False)
    ca_cert: str = ""
    insecure: bool = False

    @property
    def key(self) -> str:
        """A name for the place that reveals no secret."""
        parts = json.dumps([self.region, self.auth, self.ca_cert, self.insecure], sort_keys=True)
        return hashlib.sha256(parts.encode()).hexdigest()


class Remotes:
    """Opens remote clouds, and closes what was opened last."""

    def __init__(
        self, keystone: KeystoneSettings, policy: AddressPolicy, retry: RetrySettings, http: HttpSettings
    ) -> None:
        self._keystone = keystone
        self._policy = policy
        self._retry = retry
        self._http = http
        self._opened: LRUCache[str, Cloud] = LRUCache(_KEPT)
        self._wires: LRUCache[tuple[str, bool, bool], tuple[Wire, httpx.AsyncClient]] = LRUCache(_KEPT)

    def open(self, own: Cloud, remote: Remote) -> Cloud:
        """The cloud at a place; ``own`` is the one with the credentials of the stack."""
        if remote.auth is None:
            special = remote.ca_cert or remote.insecure
            return own.in_region(remote.region, self._wire(remote, is_own=True) if special else None)
        known = self._opened.get(remote.key)
        if known is None:
            known = self._opened[remote.key] = self._open(remote, remote.auth)
        return known

    def _open(self, remote: Remote, stored: Mapping[str, Any]) -> Cloud:
        auth_url, credentials = read_auth(stored)
        check_url(auth_url)
        is_own = origin_of(auth_url) == origin_of(self._keystone.auth_url)
        settings = KeystoneSettings(auth_url, region=remote.region)
        return Cloud(Session(self._wire(remote, is_own=is_own), settings, credentials))

    def _wire(self, remote: Remote, *, is_own: bool) -> Wire:
        """Connections that trust the place's certificate; guarded unless the place is our cloud."""
        key = (remote.ca_cert, remote.insecure, is_own)
        if key not in self._wires:
            guard = None if is_own else Guard(self._policy, _MOST_BYTES)
            http = replace(self._http, verify_tls=self._http.verify_tls and not remote.insecure)
            try:
                client = make_client(http, guard=guard, ca_data=remote.ca_cert)
            except (ssl.SSLError, ValueError, TypeError) as error:
                raise CloudError("The ca_cert is not the text of a certificate.") from error
            self._wires[key] = Wire(client, retry=self._retry), client
        return self._wires[key][0]

    async def close(self) -> None:
        """Close all connections."""
        for _, client in self._wires.values():
            await client.aclose()


def read_auth(stored: Mapping[str, Any]) -> tuple[str, Credentials]:
    """The URL of Keystone, and the credentials for it, in a secret; ``CloudError`` if it has none."""
    kind, auth = str(stored.get("auth_type", "")), stored.get("auth")
    if not isinstance(auth, Mapping) or not auth.get("auth_url"):
        raise CloudError("The secret with the credentials names no auth_url.")
    given = {str(key): str(value) for key, value in auth.items() if value is not None}
    match kind.removeprefix("v3"):
        case "applicationcredential":
            return given["auth_url"], ApplicationCredential(
                given.get("application_credential_secret", ""),
                id=given.get("application_credential_id", ""),
                name=given.get("application_credential_name", ""),
                user_id=given.get("user_id", ""),
            )
        case "password":
            return given["auth_url"], PasswordCredentials(
                given.get("password", ""),
                user_id=given.get("user_id", ""),
                user_name=given.get("username", ""),
                user_domain_id=given.get("user_domain_id", ""),
                user_domain_name=given.get("user_domain_name", ""),
                scope=Scope(
                    project_id=given.get("project_id", ""),
                    project_name=given.get("project_name", ""),
                    project_domain_id=given.get("project_domain_id", ""),
                    project_domain_name=given.get("project_domain_name", ""),
                ),
            )
    raise CloudError(
        f"The secret with the credentials has the auth_type {kind!r}; use v3applicationcredential."
    )
