"""A stack under test: driven with the official client, and compared with what the cloud's services say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cloud.scenarios.openstack import CommandFailed, OpenStack

TEMPLATES = Path(__file__).parent / "templates"

# How the client calls the real object behind a resource of each type. A type that is not here has none of
# its own (a router interface, an attachment, an assignment of roles): the scenarios look at its effect.
KINDS = {
    "OS::Cinder::Volume": "volume",
    "OS::Cinder::VolumeType": "volume type",
    "OS::Glance::WebImage": "image",
    "OS::Keystone::Group": "group",
    "OS::Keystone::Project": "project",
    "OS::Keystone::Region": "region",
    "OS::Keystone::Role": "role",
    "OS::Keystone::User": "user",
    "OS::Neutron::FloatingIP": "floating ip",
    "OS::Neutron::Net": "network",
    "OS::Neutron::Port": "port",
    "OS::Neutron::QoSPolicy": "network qos policy",
    "OS::Neutron::Router": "router",
    "OS::Neutron::SecurityGroup": "security group",
    "OS::Neutron::Subnet": "subnet",
    "OS::Nova::Flavor": "flavor",
    "OS::Nova::KeyPair": "keypair",
    "OS::Nova::Server": "server",
    "OS::Nova::ServerGroup": "server group",
    "OS::Swift::Container": "container",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack by name, made from the template of that family."""

    openstack: OpenStack
    name: str
    template: Path

    def create(self, **parameters: str) -> dict[str, str]:
        """Create it and wait; every object it claims is then really there. The physical ids."""
        self._wait_for("create", *self._settings(parameters))
        assert self.status() == "CREATE_COMPLETE"
        return self._ids_of_what_is_there()

    def update(self, **parameters: str) -> dict[str, str]:
        """Change some parameters and wait; every object it claims is then really there. The physical ids."""
        self._wait_for("update", "--existing", *self._settings(parameters))
        assert self.status() == "UPDATE_COMPLETE"
        return self._ids_of_what_is_there()

    def delete(self) -> None:
        """Delete it and wait; nothing of what it had is left in the cloud."""
        had = self.resources()
        self.openstack("stack", "delete", "--yes", "--wait", self.name)
        assert not self.exists()
        assert [row["resource_name"] for row in had if self._object_of(row)] == []

    def exists(self) -> bool:
        """Whether the orchestration service knows it."""
        return self.openstack.show("stack", self.name) is not None

    def status(self) -> str:
        """Its action and status."""
        return str(self.openstack.json("stack", "show", self.name)["stack_status"])

    def resources(self) -> list[dict[str, Any]]:
        """Its resources, those of nested stacks included."""
        rows: list[dict[str, Any]] = self.openstack.json("stack", "resource", "list", "-n", "5", self.name)
        return rows

    def events(self) -> list[tuple[str, str]]:
        """Name and status of what happened, oldest first."""
        rows = self.openstack.json("stack", "event", "list", self.name)
        return [(row["resource_name"], row["resource_status"]) for row in rows]

    def output(self, key: str) -> str:
        """The value of one output as text."""
        shown = self.openstack("stack", "output", "show", self.name, key, "-f", "value", "-c", "output_value")
        return shown.strip()

    def real(self, resource: str) -> dict[str, Any]:
        """The object behind one of its resources, as the service that has it tells it."""
        row = self.openstack.json("stack", "resource", "show", self.name, resource)
        found = self._object_of(row)
        assert found is not None, f"{resource} {row['physical_resource_id']} is not in the cloud"
        return found

    def is_gone(self, resource_type: str, physical_id: str) -> bool:
        """Whether the cloud has no such object (any more)."""
        return self.openstack.show(KINDS[resource_type], physical_id) is None

    def _object_of(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """What the cloud has behind a resource; None also for a type without an object of its own."""
        kind = KINDS.get(row["resource_type"])
        return self.openstack.show(kind, row["physical_resource_id"]) if kind else None

    def _ids_of_what_is_there(self) -> dict[str, str]:
        """The physical id of each resource, all complete and each object they stand for in the cloud."""
        rows = self.resources()
        unfinished = [
            row["resource_name"] for row in rows if not row["resource_status"].endswith("_COMPLETE")
        ]
        assert unfinished == []
        told = [row for row in rows if row["resource_type"] in KINDS]
        assert [row["resource_name"] for row in told if not self._object_of(row)] == []
        return {row["resource_name"]: row["physical_resource_id"] for row in rows}

    def _settings(self, parameters: dict[str, str]) -> list[str]:
        words = ["-t", str(self.template)]
        for key, value in parameters.items():
            words += ["--parameter", f"{key}={value}"]
        return words

    def _wait_for(self, verb: str, *words: str) -> None:
        poll = ["--poll", "1"] if verb == "create" else []
        try:
            self.openstack("stack", verb, "--wait", *poll, *words, self.name)
        except CommandFailed as error:
            failures = self.openstack("stack", "failures", "list", "--long", self.name)
            raise CommandFailed(f"{error}\n{failures}") from error
