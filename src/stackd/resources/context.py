"""What the engine hands to a resource type while one action on one resource runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from stackd.clients.cloud import Cloud
from stackd.clients.lookup import Finder
from stackd.clients.remote import Remote
from stackd.records import Resource, SoftwareConfig, SoftwareDeployment
from stackd.resources.entity import Place

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StackUser:
    """A user of the stack-user domain whose only power is to read metadata of and signal resources."""

    user_id: str
    user_name: str
    password: str
    project_id: str
    domain_id: str
    access_key: str = ""
    secret_key: str = ""


@dataclass(frozen=True, slots=True)
class StackInfo:
    """The stack around a resource; ``path`` are the names of the owning resources, root first."""

    id: str
    name: str
    project_id: str
    root_id: str
    root_name: str
    path: tuple[str, ...] = ()
    timeout: float = 3600.0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the guest of a server reaches us; URLs without a trailing slash.

    ``watch`` is the CloudWatch API, nothing where it is not served. ``signed_urls_last`` is for how many
    seconds a signed URL is good; zero is as long as its resource exists.
    """

    native: str
    cfn: str
    auth: str
    region: str
    signed_urls_last: float = 0.0
    watch: str = ""


class Reach(Protocol):
    """A cloud, and other places."""

    cloud: Cloud

    def remote(self, place: Remote) -> Cloud:
        """Another region, or another cloud."""
        ...


class Probe(Reach, Protocol):
    """What a type may ask while a request is checked: the cloud as the caller sees it."""

    async def inherited(self) -> tuple[JSON, Mapping[str, str]]:
        """The environment and the files that a stack inside this resource would inherit."""
        ...


class Reading(Reach, Protocol):
    """One resource and its cloud, for reading what the resource shows."""

    @property
    def resource(self) -> Resource:
        """The resource as it is stored now."""
        ...

    @property
    def physical_id(self) -> str:
        """The object's id in the cloud; an error when there is none yet."""
        ...

    async def live(self, *, fresh: bool = False) -> JSON:
        """The object as the cloud shows it, from the newest answer at hand or (``fresh``) a new read."""
        ...

    async def sibling(self, reference: str) -> Resource | None:
        """The resource of the same stack with this reference id, physical id or name.

        Who only reads is given no other than those that this one requires.
        """
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass; the wait ends early when the operation has to stop."""
        ...


class Software(Protocol):
    """The software configurations of the project, and the one that a resource stands for."""

    async def config(self, config_id: str) -> SoftwareConfig | None:
        """A configuration of the project."""
        ...

    async def create_config(self, group: str, content: Mapping[str, Any]) -> None:
        """Store a configuration; its id becomes the resource's physical id."""
        ...

    async def delete_config(self) -> None:
        """Remove that configuration; fails while a deployment uses it."""
        ...

    async def deployment(self) -> SoftwareDeployment | None:
        """The resource's deployment, None if there is none."""
        ...

    async def deploy(
        self, name: str, group: str, content: Mapping[str, Any], **values: Any
    ) -> SoftwareDeployment:
        """Deploy a new configuration in place of the one before; the first time this is the physical id."""
        ...

    async def of_server(self, server_id: str) -> list[JSON]:
        """What a server is to do, as its guest sees it."""
        ...

    async def server(self, server_id: str) -> Resource | None:
        """The resource of the project, in any of its stacks, that is the server with this id."""
        ...

    async def publish(self, server_id: str) -> None:
        """Send what a server is to do to where it polls, unless it polls stackd."""
        ...

    async def change(self, data: Mapping[str, Any] | None = None, **values: Any) -> None:
        """Store new values of the deployment, in one write with ``data``, private values of the resource."""
        ...

    async def withdraw(self) -> None:
        """Remove the deployment and its configuration. Idempotent."""
        ...


class Alarms(Protocol):
    """The alarm that a resource stands for, stored together with its row."""

    async def put(self, name: str, request: Mapping[str, Any], *, enabled: bool = True) -> None:
        """Make the alarm, or change it; the first time its name becomes the resource's physical id.

        ``request`` has the members of PutMetricAlarm; raises ``ResourceFailure`` for one that is wrong.
        """
        ...

    async def suspend(self, suspended: bool) -> None:
        """Let the alarm rest, or begin anew."""
        ...

    async def delete(self) -> None:
        """Remove the alarm. Idempotent."""
        ...

    async def release(self) -> None:
        """Leave the alarm to the API, as it is. Idempotent."""
        ...


class Users(Protocol):
    """The user that speaks for a resource, in the stack-user domain, and key pairs of such users."""

    async def make(self, *, keypair: bool = False, password: str = "") -> StackUser:
        """Make (or return) this resource's user."""
        ...

    async def remove(self) -> None:
        """Delete that user. Idempotent: ignores 404."""
        ...

    async def keypair_of(self, owner: Resource) -> Mapping[str, str]:
        """Make (or return) a key pair for the user of another resource: its ``access`` and ``secret`` key.

        It belongs to this resource, and is one of its private values, ``user_keypair``. Safe to call again.
        """
        ...

    async def remove_keypair(self) -> None:
        """Revoke that key pair. Idempotent: ignores 404."""
        ...


class Context(Reading, Probe, Protocol):
    """One resource, its cloud, and the engine's services that a type may use.

    Every method that stores returns only after the change is durable.
    """

    find: Finder
    stack: StackInfo
    endpoints: Endpoints
    limits: Mapping[str, Any]

    @property
    def software(self) -> Software:
        """Software configurations, and the deployment of this resource."""
        ...

    @property
    def alarms(self) -> Alarms:
        """The alarm of this resource."""
        ...

    @property
    def users(self) -> Users:
        """The user that speaks for this resource."""
        ...

    @property
    def physical_name(self) -> str:
        """The deterministic name for the object: ``stack-resource-xxxxxxxxxxxx``, cut to the type's limit."""
        ...

    @property
    def data(self) -> Mapping[str, Any]:
        """The type's private values of this resource, encrypted at rest."""
        ...

    async def created(self, physical_id: str, live: JSON | None = None) -> None:
        """Store the new object's id; call it at once after the request that made the object.

        ``live`` is the object as the service answered it; it saves a read later.
        """
        ...

    async def put_data(self, **values: Any) -> None:
        """Change private values; None removes a key."""
        ...

    async def put_metadata(self, metadata: Mapping[str, Any]) -> None:
        """Replace the resource's metadata as guests see it."""
        ...

    async def poll(
        self, done: Callable[[JSON], bool], what: str = "it is ready", *, of: Place | None = None
    ) -> JSON:
        """Watch the object until ``done`` returns true; CloudNotFound if it does not exist.

        ``done`` must raise in any state that nothing will end. ``what`` completes "Waiting until", which a
        resource shows as its reason while it waits. ``of`` is another object to watch.
        """
        ...

    def turn(self, subject: str, group: str = "") -> AbstractAsyncContextManager[bool]:
        """The right to work on something that only one resource of the operation may change at a time.

        ``subject`` is its id. Those who wait get their turns in order; true for one that had to. Some dozens
        of one ``group`` at most have a turn together: what they then send by ``Service.join`` is one change.
        """
        ...

    async def until(self, done: Callable[[], Awaitable[bool]], what: str = "it is ready") -> None:
        """Repeat an asynchronous check until it returns true, within the deadline; as ``poll``."""
        ...

    async def claimants(self) -> Sequence[Resource]:
        """The other resources of the stack that have the same physical id, replaced ones too."""
        ...

    async def signalled(self, what: str = "a signal comes", *, own: bool = False) -> None:
        """Return after the next signal to any resource of the stack, or after a second at the latest.

        With ``own`` only a signal to this resource counts. ``what`` is shown as for ``poll``.
        """
        ...

    async def delegating(self) -> Cloud:
        """The cloud with a token of the stack's user by which services can make trusts of their own.

        ``MissingCredential`` when there is none at the moment.
        """
        ...
