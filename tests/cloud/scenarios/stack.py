"""A stack under test: driven with the official client, and compared with what the cloud's services say."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.cloud.scenarios.client import CommandFailed, OpenStack

TEMPLATES = Path(__file__).parent / "templates"

# What kind of object stands behind a resource of each type. A type that is not here has none of its own (a
# router interface, an attachment, an assignment of roles): the scenarios look at its effect.
KINDS = {
    "OS::Cinder::Volume": "volume",
    "OS::Glance::WebImage": "image",
    "OS::Keystone::Group": "group",
    "OS::Keystone::Project": "project",
    "OS::Keystone::Role": "role",
    "OS::Keystone::User": "user",
    "OS::Neutron::FloatingIP": "floating_ip",
    "OS::Neutron::Net": "network",
    "OS::Neutron::Port": "port",
    "OS::Neutron::Router": "router",
    "OS::Neutron::SecurityGroup": "security_group",
    "OS::Neutron::Subnet": "subnet",
    "OS::Nova::KeyPair": "keypair",
    "OS::Nova::Server": "server",
    "OS::Nova::ServerGroup": "server_group",
    "OS::Swift::Container": "container",
}

Row = dict[str, Any]

LONGEST = 240
"""Seconds that anything on the services may take."""


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Ask again until it holds."""
    end = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(1)


def object_of(row: Row) -> str | None:
    """The object that a listed resource claims to have, as `observe` takes it; None for types without one."""
    kind = KINDS.get(row["resource_type"])
    return f"{kind}={row['physical_resource_id']}" if kind and row["physical_resource_id"] else None


def changing(lists: Mapping[str, Sequence[Row]]) -> dict[str, list[str]]:
    """The names in the lists of a preview but for what stays, which may be listed as it contains a stack."""
    stays = "it contains a stack; nothing changes"
    names = {
        verb: [row["resource_name"] for row in rows if row.get("reason") != stays]
        for verb, rows in lists.items()
        if verb != "unchanged"
    }
    return {verb: listed for verb, listed in names.items() if listed}


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack by name, made from the template of that family."""

    openstack: OpenStack
    name: str
    template: Path

    def create(self, **parameters: str) -> dict[str, str]:
        """Create it and wait; every object it claims is then really there. The physical ids."""
        assert self._wait_for("create", "--poll", "1", *self._settings(parameters)) == "CREATE_COMPLETE"
        assert self.would_change(*self._settings(parameters)) == {}
        return self._ids_of_what_is_there()

    def update(self, **parameters: str) -> dict[str, str]:
        """Change some parameters and wait; every object it claims is then really there. The physical ids."""
        assert self._wait_for("update", "--existing", *self._settings(parameters)) == "UPDATE_COMPLETE"
        assert self.would_change("--existing", *self._settings(parameters)) == {}
        return self._ids_of_what_is_there()

    def begin_update(self, **parameters: str) -> None:
        """Begin a change of some parameters and do not wait for it."""
        self.openstack("stack", "update", "--existing", *self._settings(parameters), self.name)

    def would_change(self, *words: str) -> dict[str, list[str]]:
        """What a dry run of an update lists, apart from what stays."""
        told = self.openstack.json("stack", "update", "--dry-run", "--show-nested", *words, self.name)
        return changing(told)

    def delete(self) -> None:
        """Delete it and wait; nothing of what it had is left in the cloud."""
        had = [thing for row in self.resources() if (thing := object_of(row))]
        self.openstack("stack", "delete", "--yes", "--wait", self.name)
        assert not self.exists()
        assert [thing for thing, found in self.openstack.observe(had).items() if found] == []

    def exists(self) -> bool:
        """Whether the orchestration service lists it."""
        return self.name in self.openstack("stack", "list", "-f", "value", "-c", "Stack Name").splitlines()

    def id(self) -> str:
        """Its id."""
        return self.openstack("stack", "show", self.name, "-f", "value", "-c", "id")

    def status(self) -> str:
        """Its action and status."""
        return self.openstack("stack", "show", self.name, "-f", "value", "-c", "stack_status")

    def resources(self) -> list[Row]:
        """Its resources, those of nested stacks included."""
        rows: list[Row] = self.openstack.json("stack", "resource", "list", "-n", "5", self.name)
        return rows

    def objects(self) -> dict[str, str]:
        """The physical ids by name of resource."""
        return {row["resource_name"]: row["physical_resource_id"] for row in self.resources()}

    def states(self) -> dict[str, str]:
        """Action and status by name of resource."""
        return {row["resource_name"]: row["resource_status"] for row in self.resources()}

    def events(self) -> list[tuple[str, str]]:
        """Name and status of what happened, oldest first."""
        rows = self.openstack.json("stack", "event", "list", self.name)
        return [(row["resource_name"], row["resource_status"]) for row in rows]

    def output(self, key: str) -> str:
        """The value of one output as text."""
        return self.openstack("stack", "output", "show", self.name, key, "-f", "value", "-c", "output_value")

    def outputs(self) -> dict[str, Any]:
        """The values of all outputs."""
        told = self.openstack.json("stack", "output", "show", "--all", self.name)
        parsed = {key: json.loads(value) if isinstance(value, str) else value for key, value in told.items()}
        return {key: output["output_value"] for key, output in parsed.items()}

    def real(self) -> dict[str, Row]:
        """The object behind each of its resources, as the service that has it tells it."""
        things = {row["resource_name"]: thing for row in self.resources() if (thing := object_of(row))}
        told = self.openstack.observe(things.values())
        return {name: found for name, thing in things.items() if (found := told[thing]) is not None}

    def is_gone(self, thing: str) -> bool:
        """Whether the cloud has no such object, written `kind=id`."""
        return self.openstack.observe([thing])[thing] is None

    def _ids_of_what_is_there(self) -> dict[str, str]:
        """The physical id of each resource, all complete and each object they stand for in the cloud."""
        rows = self.resources()
        unfinished = [
            row["resource_name"] for row in rows if not row["resource_status"].endswith("_COMPLETE")
        ]
        assert unfinished == []
        told = self.openstack.observe(thing for row in rows if (thing := object_of(row)))
        assert [thing for thing, found in told.items() if found is None] == []
        return {row["resource_name"]: row["physical_resource_id"] for row in rows}

    def _settings(self, parameters: dict[str, str]) -> list[str]:
        words = ["-t", str(self.template)]
        for key, value in parameters.items():
            words += ["--parameter", f"{key}={value}"]
        return words

    def _wait_for(self, verb: str, *words: str) -> str:
        """Run the verb to its end; the stack's status, which is printed after the events."""
        command = ("stack", verb, "--wait", *words, self.name, "-f", "value", "-c", "stack_status")
        try:
            return self.openstack(*command).splitlines()[-1]
        except CommandFailed as error:
            if not self.exists():
                raise
            failures = self.openstack("stack", "failures", "list", "--long", self.name)
            raise CommandFailed(f"{error}\n{failures}") from error


class StackOf(Protocol):
    """Makes a stack of the template of that name, of a user."""

    def __call__(self, template: str, user: str = "member") -> Stack: ...
