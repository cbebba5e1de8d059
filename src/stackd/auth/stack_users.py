"""Projects and users in the stack domain: the identities of software inside servers.

They belong to no tenant, have one role that permits only signals and metadata, and are created when a
resource first needs one. Everything here is idempotent: an existing object with the name is adopted.
"""

from __future__ import annotations

import hashlib
import secrets
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from stackd.clients.cloud import Cloud
from stackd.clients.failures import AnswerLost
from stackd.clients.wire import Permit
from stackd.errors import CloudConflict, CloudError, CloudNotFound, MissingCredential

STACK_USER_ROLE = "heat_stack_user"
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Ec2Keypair:
    """Access key and secret with which a stack user signs requests. ``id`` is Keystone's for the pair."""

    access: str
    secret: str = field(repr=False)

    @classmethod
    def drawn(cls) -> Self:
        """A pair drawn at random, which Keystone does not know yet."""
        return cls(secrets.token_hex(16), secrets.token_hex(16))

    @property
    def id(self) -> str:
        """The id of a key pair in Keystone: the hash of its access key."""
        return hashlib.sha256(self.access.encode()).hexdigest()


class StackUsers:
    """The stack domain, through the cloud of its administrator."""

    def __init__(self, admin: Cloud, domain_id: str, *, role: str = STACK_USER_ROLE) -> None:
        self._admin = admin
        self._domain_id = domain_id
        self._role = role
        self._role_ids: dict[str, str] = {}

    def with_permit(self, permit: Permit | None) -> Self:
        """The same domain for an operation whose changes need ``permit``."""
        other = copy(self)
        other._admin = self._admin.with_permit(permit)
        return other

    async def create_project(self, name: str, description: str = "") -> str:
        """The id of the project ``name``, created if missing."""
        body = {"name": name[:_LONGEST_NAME], "description": description}
        return await self._ensure("project", body)

    async def find_project(self, name: str) -> str:
        """The id of the project with this name; empty if there is none."""
        return await self._find("project", name[:_LONGEST_NAME])

    async def delete_project(self, project_id: str) -> None:
        """Deletes a project. Idempotent: ignores 404. A project outside of the stack domain is left alone."""
        await self._delete("project", project_id)

    async def create_user(self, name: str, project_id: str, password: str = "") -> str:
        """The id of a user whose only role in ``project_id`` is the one of stack users; created if missing.

        Without a ``password`` a random one is set and not stored, for users who only sign requests.
        """
        wanted = {
            "name": name[:_LONGEST_NAME],
            "default_project_id": project_id,
            "password": password or generate_password(),
            "enabled": True,
        }
        user_id = await self._ensure("user", wanted)
        role_id = await self._find_role()
        await self._admin.identity.put(f"/projects/{project_id}/users/{user_id}/roles/{role_id}")
        return user_id

    async def find_user(self, name: str) -> str:
        """The id of the user with this name; empty if there is none."""
        return await self._find("user", name[:_LONGEST_NAME])

    async def delete_user(self, user_id: str) -> None:
        """Deletes a user with its key pairs; as for ``delete_project``."""
        await self._delete("user", user_id)

    async def set_enabled(self, user_id: str, enabled: bool) -> None:
        """Enables a user, or disables it while its stack is suspended."""
        await self._admin.identity.patch(f"/users/{user_id}", {"user": {"enabled": enabled}})

    async def create_keypair(
        self, user_id: str, project_id: str, pair: Ec2Keypair | None = None
    ) -> Ec2Keypair:
        """A new EC2 key pair, whose secret the caller must store; idempotent for one that is given."""
        pair = pair or Ec2Keypair.drawn()
        blob = orjson.dumps({"access": pair.access, "secret": pair.secret}).decode()
        body = {"type": "ec2", "user_id": user_id, "project_id": project_id, "blob": blob}
        try:
            await self._admin.identity.post("/credentials", {"credential": body})
        except (AnswerLost, CloudConflict):
            await self._admin.identity.get(f"/credentials/{pair.id}")
        return pair

    async def delete_keypair(self, access: str) -> None:
        """Revokes a key pair. Idempotent: ignores 404."""
        try:
            await self._admin.identity.delete(f"/credentials/{Ec2Keypair(access, '').id}")
        except CloudNotFound:
            return

    async def _ensure(self, kind: str, body: dict[str, Any]) -> str:
        """Creates a project or user, or adopts the existing one with the name."""
        whole = {kind: body | {"domain_id": self._domain_id}}
        try:
            return str((await self._admin.identity.post(f"/{kind}s", whole))[kind]["id"])
        except (CloudConflict, AnswerLost) as error:
            found = await self._find(kind, body["name"])
            if not found:
                raise error from None
        await self._admin.identity.patch(f"/{kind}s/{found}", {kind: body})
        return found

    async def _find(self, kind: str, name: str) -> str:
        query = {"name": name, "domain_id": self._domain_id}
        entries = (await self._admin.identity.get(f"/{kind}s", query))[f"{kind}s"]
        return str(entries[0]["id"]) if entries else ""

    async def _delete(self, kind: str, object_id: str) -> None:
        path = f"/{kind}s/{object_id}"
        try:
            found = (await self._admin.identity.get(path))[kind]
            if found["domain_id"] != self._domain_id:
                raise CloudError(f"The {kind} {object_id} is not in the stack domain", service="identity")
            await self._admin.identity.delete(path)
        except CloudNotFound:
            return

    async def _find_role(self) -> str:
        if self._role not in self._role_ids:
            roles = (await self._admin.identity.get("/roles", {"name": self._role}))["roles"]
            if not roles:
                raise MissingCredential(f"Missing required credential: Keystone has no role {self._role!r}")
            self._role_ids[self._role] = str(roles[0]["id"])
        return self._role_ids[self._role]


def generate_password() -> str:
    """A password that satisfies the usual rules: upper and lower case, digits, a punctuation mark."""
    return f"{secrets.token_urlsafe(30)}aA1!"
