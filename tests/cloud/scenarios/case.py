"""Files of two YAML documents on the real services: what is done and must then be true, and the template.

Steps are the creation and updates; `afterwards` are requests once the stack is gone. A step may have

    set       parameters, on top of those of the step before
    template  values by dotted path that take the place of those in the template; null takes away
    replaced  names of resources that have another object afterwards; all others keep theirs
    renewed   names of resources whose ids are not compared
    ends      how the stack ends, if not COMPLETE
    rollback  whether a failure is undone
    do        requests before the step: method, service, path and body
    outputs   what outputs are
    objects   by name of resource, what the service says of its object
    look      by `service path`, what the service says there; null for nothing

Expected values match when they are contained: a map needs the keys that are named, a list as many
elements. `$name` stands for the id of that resource, `<any>` for anything but nothing. Parameters
`stamp` (unique), `project` and `image_url` are given to templates that declare them. Where `reports` stands
beside the steps, guests report to the handles of wait conditions.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.cloud.scenarios.conftest import PORT
from tests.cloud.scenarios.matching import filled, require
from tests.cloud.scenarios.session import Json, Session
from tests.cloud.scenarios.stack import changing
from tests.support.cases import Step, read
from tests.support.guests import REPORTS

LONGEST_STEP = 240

# Where the object of a resource is shown: service, path and the key that holds it.
OBJECTS = {
    "AWS::EC2::EIP": ("network", "/floatingips/{}", "floatingip"),
    "AWS::EC2::Instance": ("compute", "/servers/{}", "server"),
    "AWS::EC2::NetworkInterface": ("network", "/ports/{}", "port"),
    "AWS::EC2::RouteTable": ("network", "/routers/{}", "router"),
    "AWS::EC2::SecurityGroup": ("network", "/security-groups/{}", "security_group"),
    "AWS::EC2::Subnet": ("network", "/subnets/{}", "subnet"),
    "AWS::EC2::Volume": ("volume", "/volumes/{}", "volume"),
    "AWS::EC2::VPC": ("network", "/networks/{}", "network"),
    "OS::Barbican::CertificateContainer": ("url", "{}", None),
    "OS::Barbican::GenericContainer": ("url", "{}", None),
    "OS::Barbican::Order": ("url", "{}", None),
    "OS::Barbican::RSAContainer": ("url", "{}", None),
    "OS::Barbican::Secret": ("url", "{}", None),
    "OS::Blazar::Host": ("leases", "/os-hosts/{}", "host"),
    "OS::Blazar::Lease": ("leases", "/leases/{}", "lease"),
    "OS::Cinder::QoSSpecs": ("volume", "/qos-specs/{}", "qos_specs"),
    "OS::Cinder::Volume": ("volume", "/volumes/{}", "volume"),
    "OS::Cinder::VolumeType": ("volume", "/types/{}", "volume_type"),
    "OS::Designate::RecordSet": ("names", "/recordsets/{}", None),
    "OS::Designate::Zone": ("names", "/zones/{}", None),
    "OS::Glance::WebImage": ("image", "/images/{}", None),
    "OS::Ironic::Port": ("metal", "/ports/{}", None),
    "OS::Keystone::Domain": ("identity", "/domains/{}", "domain"),
    "OS::Keystone::Endpoint": ("identity", "/endpoints/{}", "endpoint"),
    "OS::Keystone::Group": ("identity", "/groups/{}", "group"),
    "OS::Keystone::Project": ("identity", "/projects/{}", "project"),
    "OS::Keystone::Region": ("identity", "/regions/{}", "region"),
    "OS::Keystone::Role": ("identity", "/roles/{}", "role"),
    "OS::Keystone::Service": ("identity", "/services/{}", "service"),
    "OS::Keystone::User": ("identity", "/users/{}", "user"),
    "OS::Magnum::BayModel": ("clusters", "/clustertemplates/{}", None),
    "OS::Magnum::Cluster": ("clusters", "/clusters/{}", None),
    "OS::Magnum::ClusterTemplate": ("clusters", "/clustertemplates/{}", None),
    "OS::Manila::SecurityService": ("shares", "/security-services/{}", "security_service"),
    "OS::Manila::Share": ("shares", "/shares/{}", "share"),
    "OS::Manila::ShareNetwork": ("shares", "/share-networks/{}", "share_network"),
    "OS::Manila::ShareType": ("shares", "/types/{}", "share_type"),
    "OS::Mistral::CronTrigger": ("workflows", "/cron_triggers/{}", None),
    "OS::Mistral::Workflow": ("workflows", "/workflows/{}", None),
    "OS::Neutron::AddressScope": ("network", "/address-scopes/{}", "address_scope"),
    "OS::Neutron::FloatingIP": ("network", "/floatingips/{}", "floatingip"),
    "OS::Neutron::FlowClassifier": ("network", "/sfc/flow_classifiers/{}", "flow_classifier"),
    "OS::Neutron::IKEPolicy": ("network", "/vpn/ikepolicies/{}", "ikepolicy"),
    "OS::Neutron::IPsecPolicy": ("network", "/vpn/ipsecpolicies/{}", "ipsecpolicy"),
    "OS::Neutron::Net": ("network", "/networks/{}", "network"),
    "OS::Neutron::Port": ("network", "/ports/{}", "port"),
    "OS::Neutron::IPsecSiteConnection": (
        *("network", "/vpn/ipsec-site-connections/{}", "ipsec_site_connection"),
    ),
    "OS::Neutron::TaaS::TapFlow": ("network", "/taas/tap_flows/{}", "tap_flow"),
    "OS::Neutron::TaaS::TapService": ("network", "/taas/tap_services/{}", "tap_service"),
    "OS::Neutron::PortChain": ("network", "/sfc/port_chains/{}", "port_chain"),
    "OS::Neutron::PortPair": ("network", "/sfc/port_pairs/{}", "port_pair"),
    "OS::Neutron::PortPairGroup": ("network", "/sfc/port_pair_groups/{}", "port_pair_group"),
    "OS::Neutron::MeteringLabel": ("network", "/metering/metering-labels/{}", "metering_label"),
    "OS::Neutron::MeteringRule": ("network", "/metering/metering-label-rules/{}", "metering_label_rule"),
    "OS::Neutron::ProviderNet": ("network", "/networks/{}", "network"),
    "OS::Neutron::QoSPolicy": ("network", "/qos/policies/{}", "policy"),
    "OS::Neutron::RBACPolicy": ("network", "/rbac-policies/{}", "rbac_policy"),
    "OS::Neutron::Router": ("network", "/routers/{}", "router"),
    "OS::Neutron::SecurityGroup": ("network", "/security-groups/{}", "security_group"),
    "OS::Neutron::SecurityGroupRule": ("network", "/security-group-rules/{}", "security_group_rule"),
    "OS::Neutron::Segment": ("network", "/segments/{}", "segment"),
    "OS::Neutron::Subnet": ("network", "/subnets/{}", "subnet"),
    "OS::Neutron::VPNService": ("network", "/vpn/vpnservices/{}", "vpnservice"),
    "OS::Neutron::SubnetPool": ("network", "/subnetpools/{}", "subnetpool"),
    "OS::Neutron::Trunk": ("network", "/trunks/{}", "trunk"),
    "OS::Nova::Flavor": ("compute", "/flavors/{}", "flavor"),
    "OS::Nova::FloatingIP": ("network", "/floatingips/{}", "floatingip"),
    "OS::Nova::HostAggregate": ("compute", "/os-aggregates/{}", "aggregate"),
    "OS::Nova::KeyPair": ("compute", "/os-keypairs/{}", "keypair"),
    "OS::Nova::Server": ("compute", "/servers/{}", "server"),
    "OS::Nova::ServerGroup": ("compute", "/os-server-groups/{}", "server_group"),
    "OS::Octavia::AvailabilityZone": ("balancers", "/v2/lbaas/availabilityzones/{}", "availability_zone"),
    "OS::Octavia::Flavor": ("balancers", "/v2/lbaas/flavors/{}", "flavor"),
    "OS::Octavia::FlavorProfile": ("balancers", "/v2/lbaas/flavorprofiles/{}", "flavorprofile"),
    "OS::Octavia::HealthMonitor": ("balancers", "/v2/lbaas/healthmonitors/{}", "healthmonitor"),
    "OS::Octavia::L7Policy": ("balancers", "/v2/lbaas/l7policies/{}", "l7policy"),
    "OS::Octavia::Listener": ("balancers", "/v2/lbaas/listeners/{}", "listener"),
    "OS::Octavia::LoadBalancer": ("balancers", "/v2/lbaas/loadbalancers/{}", "loadbalancer"),
    "OS::Octavia::Pool": ("balancers", "/v2/lbaas/pools/{}", "pool"),
    "OS::Swift::Container": ("objects", "/{}", None),
    "OS::Zun::Container": ("containers", "/containers/{}", None),
    "OS::Trove::Cluster": ("databases", "/clusters/{}", "cluster"),
    "OS::Trove::Instance": ("databases", "/instances/{}", "instance"),
}

Row = dict[str, Any]


class Stack:
    """A stack driven through the orchestration API."""

    def __init__(self, session: Session, name: str) -> None:
        self.session, self.name = session, name
        self.path = f"http://127.0.0.1:{PORT}/v1/{session.project_id}/stacks"

    def create(self, body: Json) -> None:
        """Begin the creation."""
        made = self.session.json("POST", "url", self.path, json={**body, "stack_name": self.name})
        self.path = f"{self.path}/{self.name}/{made['stack']['id']}"

    def update(self, body: Json) -> None:
        """Begin an update."""
        self.session.json("PUT", "url", self.path, json=body)

    def would_change(self, body: Json) -> Json:
        """What an update with this body would do to which resources, nested ones included."""
        path = f"{self.path}/preview?show_nested=true"
        found: Json = self.session.json("PUT", "url", path, json=body)["resource_changes"]
        return changing(found)

    def delete(self, patience: float = LONGEST_STEP) -> None:
        """Delete it and wait until it is gone."""
        reply = self.session.request("DELETE", "url", self.path)
        assert reply.status_code in (204, 404), reply.text
        if reply.status_code == 204:
            self.wait("DELETE_COMPLETE", patience=patience)

    def show(self) -> Json:
        """What the API shows."""
        reply = self.session.request("GET", "url", self.path)
        gone = {"stack": {"stack_status": "DELETE_COMPLETE", "stack_status_reason": "", "outputs": []}}
        shown: Json = (gone if reply.status_code == httpx.codes.NOT_FOUND else reply.json())["stack"]
        return shown

    def wait(
        self, wanted: str, meanwhile: Callable[[], None] | None = None, patience: float = LONGEST_STEP
    ) -> Json:
        """Wait for the end of an action, which must be the wanted one."""
        end = time.monotonic() + patience
        while (shown := self.show())["stack_status"].endswith("_IN_PROGRESS"):
            assert time.monotonic() < end, f"{self.name} is {shown['stack_status']}: {self.rows()}"
            if meanwhile:
                meanwhile()
            time.sleep(0.3)
        said = f"{self.name} is {shown['stack_status']}: {shown['stack_status_reason']}\n{self._failures()}"
        assert shown["stack_status"] == wanted, said
        return shown

    def rows(self) -> dict[str, Row]:
        """Its resources by name, those of nested stacks by the path of names."""
        found = self.session.look("url", f"{self.path}/resources?nested_depth=4") or {"resources": ()}
        inside = {self.path.rpartition("/")[2]: ""}  # what the names in a stack begin with
        rows: dict[str, Row] = {}
        waiting = list(found["resources"])
        while waiting:
            row = waiting.pop(0)
            links = {each["rel"]: each["href"].rpartition("/")[2] for each in row["links"]}
            if links["stack"] not in inside:
                waiting.append(row)
                continue
            name = inside[links["stack"]] + row["resource_name"]
            rows[name] = row
            if "nested" in links:
                inside[links["nested"]] = f"{name}/"
        return rows

    def attributes(self, resource: str) -> Json:
        """The attributes of one resource."""
        shown: Json = self.session.json("GET", "url", f"{self.path}/resources/{resource}")["resource"]
        found: Json = shown["attributes"]
        return found

    def _failures(self) -> str:
        if self.show()["stack_status"] == "DELETE_COMPLETE":
            return ""
        rows = self.rows().items()
        return "\n".join(
            f"{path}: {row['resource_status_reason']}"
            for path, row in rows
            if row["resource_status"].endswith("_FAILED")
        )


class Case:
    """One file, at work."""

    def __init__(self, path: Path, session: Session, given: Json) -> None:
        self.life = read(path)
        self.steps = list(self.life.steps(given))
        self.session = session
        self.name = f"{path.parent.name}-{path.stem}-{given['stamp']}"
        self.stack = Stack(session, self.name)
        self.parameters: Json = {}
        self.ids: dict[str, str] = {}
        self.reported: set[str] = set()

    def run(self) -> None:
        """All steps, then the end of everything."""
        try:
            for index, step in enumerate(self.steps):
                self._step("UPDATE" if index else "CREATE", step)
        except AssertionError as error:
            raise AssertionError(f"step {index} of {self.name}: {error}") from error
        finally:
            things = self._things()
            try:
                self.stack.delete()
            finally:
                self._do(self.life.header.get("afterwards", ()))
        assert {name for name, thing in things.items() if self.session.look(*thing[:2])} == set()

    def _step(self, action: str, definition: Step) -> None:
        step, self.parameters = definition.expected, definition.parameters
        body = {
            "template": yaml.safe_dump(definition.template),
            "parameters": self.parameters,
            "files": dict(self.life.files),
            "disable_rollback": not step.get("rollback", False),
            "timeout_mins": 10,
        }
        self._do(step.get("do", ()))
        before, old_things = self.ids, self._things() if self.ids else {}
        (self.stack.create if action == "CREATE" else self.stack.update)(body)
        meanwhile = self._report if self.life.header.get("reports") else None
        shown = self.stack.wait(step.get("ends", f"{action}_COMPLETE"), meanwhile)
        self.ids = {name: row["physical_resource_id"] for name, row in self.stack.rows().items()}
        if "ends" not in step:
            rows = self.stack.rows().items()
            assert {n: r["resource_status"] for n, r in rows if "COMPLETE" not in r["resource_status"]} == {}
            assert self.stack.would_change(body) == {}, "the same definition again is a change"
        self._compare_ids(before, old_things, step)
        self._see(step, shown)

    def _report(self) -> None:
        """Send to each handle that has become complete what a guest would, once."""
        for name, row in self.stack.rows().items():
            handle, kind = row["physical_resource_id"], row["resource_type"]
            if kind in REPORTS and handle not in self.reported and "COMPLETE" in row["resource_status"]:
                self.session.json(
                    "POST", "url", f"{self.stack.path}/resources/{name}/signal", json=REPORTS[kind]
                )
                self.reported.add(handle)

    def _do(self, requests: Sequence[tuple[str, str, str, Any]]) -> None:
        for method, service, place, sent in requests:
            self.session.json(method, service, self._filled(place), json=filled(sent, self._filled))

    def _compare_ids(self, before: dict[str, str], old_things: dict[str, Any], step: Json) -> None:
        """Only what should be replaced is, and what was replaced is gone."""
        renewed = set(step.get("renewed", ()))
        both = (before.keys() & self.ids.keys()) - renewed
        assert {name for name in both if before[name] != self.ids[name]} == set(step.get("replaced", ()))
        for name, (service, path, _) in old_things.items():
            if name not in renewed and before[name] != self.ids.get(name):
                assert self._is_gone(service, path), f"the old {name} is still there"

    def _is_gone(self, service: str, path: str) -> bool:
        """Nova shows a server as DELETED, measured 0.1 s, between removing it and knowing it no more."""
        found = self.session.look(service, path)
        return found is None or found.get("server", {}).get("status") == "DELETED"

    def _see(self, step: Json, shown: Json) -> None:
        """Compare outputs, objects and places with what is expected."""
        outputs = {each["output_key"]: each.get("output_value") for each in shown.get("outputs", ())}
        require("outputs", step.get("outputs", {}), outputs, self._filled)
        things = self._things()
        for name, expected in step.get("objects", {}).items():
            service, path, key = things[name]
            found = self.session.look(service, path)
            assert found is not None, f"{name} is not there"
            require(name, expected, found[key] if key else found, self._filled)
        for place, expected in step.get("look", {}).items():
            service, path = place.split(" ", 1)
            require(place, expected, self.session.look(service, self._filled(path)), self._filled)

    def _things(self) -> dict[str, tuple[str, str, str | None]]:
        """Where the objects of the resources are shown."""
        rows = self.stack.rows().items()
        return {
            name: (OBJECTS[kind][0], OBJECTS[kind][1].format(identity), OBJECTS[kind][2])
            for name, row in rows
            if (kind := row["resource_type"]) in OBJECTS and (identity := row["physical_resource_id"])
        }

    def _filled(self, text: str) -> str:
        """The text with ids in place of `$name`."""
        known = {**self.ids, "stack": self.name, **{k: str(v) for k, v in self.parameters.items()}}
        return re.sub(r"\$(\w+)", lambda found: str(known.get(found[1], found[0])), text)
