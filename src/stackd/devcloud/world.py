"""The shared state of the dev cloud: its store, clock, ids, tokens and quotas."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from stackd.devcloud.delivery import Delivery
from stackd.devcloud.settings import DevCloudSettings
from stackd.devcloud.store import JSON, Clock, Store

_INITIAL = uuid.UUID("5e0f2d1c-7f0b-4f43-9d3e-0c1a5f3f6b27")


@dataclass(frozen=True, slots=True)
class Actor:
    """The user, scope and roles of a token."""

    token: str
    user_id: str
    project_id: str
    domain_id: str
    roles: frozenset[str]
    expires: float
    body: JSON
    """The token as Keystone shows it, without the catalog."""

    trust_id: str = ""
    app_credential_id: str = ""

    @property
    def is_admin(self) -> bool:
        """Whether services let this actor do everything."""
        return "admin" in self.roles


class World:
    """The state that outlives a request. All of it is lost when the process ends."""

    def __init__(
        self, settings: DevCloudSettings, base_url: str = "http://127.0.0.1", clock: Clock = time.time
    ) -> None:
        self.settings = settings
        self.base_url = base_url
        self.clock = clock
        self.store = Store(clock)
        self.random: random.Random = random.Random(settings.seed or 0)  # noqa: S311
        self.latency = settings.latency
        self.service_latency = dict(settings.service_latency)
        self.ready_after = settings.ready_after
        self.tokens: dict[str, Actor] = {}
        self.project_quotas: dict[tuple[str, str], int] = {}
        self.on_new_project: list[Callable[[str], None]] = []
        self.outbox: list[Delivery] = []
        """What services send to the outside, until it is sent."""

    def uuid(self) -> str:
        """A new id as most services make them, with dashes."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def hex_id(self) -> str:
        """A new id as Keystone makes them, without dashes."""
        return uuid.UUID(int=self.random.getrandbits(128), version=4).hex

    def finish_seeding(self) -> None:
        """Make all further ids random, unless a seed was given.

        The initial objects have the same ids at every start, so that stacks kept elsewhere still belong to
        their project and refer to flavors, images and networks that exist.
        """
        if self.settings.seed is None:
            self.random = random.SystemRandom()

    def named_id(self, kind: str, name: str) -> str:
        """The id of an initial object: the same at every start, whatever else there is at first."""
        return uuid.uuid5(_INITIAL, f"{kind}/{name}").hex

    def quota(self, project_id: str, name: str) -> int:
        """The quota of a project for one kind of object; -1 is no limit."""
        return self.project_quotas.get((project_id, name), self.settings.quotas.get(name, -1))

    def delay_of(self, service: str) -> float:
        """The latency of a service, in seconds."""
        return self.service_latency.get(service, self.latency)

    def revoke(self, **equal: str) -> None:
        """Revoke the tokens whose fields have these values."""
        gone = [
            token
            for token, actor in self.tokens.items()
            if all(getattr(actor, name) == value for name, value in equal.items())
        ]
        for token in gone:
            del self.tokens[token]


def stamp_seconds(at: float) -> str:
    """A time as Nova, Neutron and Glance write it: `2026-11-22T17:22:08Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp_plain(at: float) -> str:
    """A time as Octavia and Barbican write it: `2026-11-22T17:22:08`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def stamp_micros(at: float) -> str:
    """A time as Cinder writes it: `2026-11-22T17:22:11.000000`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def stamp_keystone(at: float) -> str:
    """A time as Keystone writes it: `2026-11-22T17:22:11.000000Z`."""
    return stamp_micros(at) + "Z"
