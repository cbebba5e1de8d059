"""An application of three tiers on the real services: made, scaled, resized, checked, and gone."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.cloud.scenarios.case import Stack
from tests.cloud.scenarios.session import Json, Session, fresh_project

pytestmark = [pytest.mark.cloud, pytest.mark.long]

EXAMPLES = Path(__file__).parents[3] / "examples"
SERVER = "three-tier/server.yaml"
LONGEST = 900
"""Seconds for an action on some 80 resources, with one load balancer that takes one change at a time."""

FURTHER = (
    ("network", "/trunks?project_id={}", "trunks"),
    ("network", "/qos/policies?project_id={}", "policies"),
    ("balancers", "/v2/lbaas/loadbalancers?project_id={}", "loadbalancers"),
    ("balancers", "/v2/lbaas/listeners?project_id={}", "listeners"),
    ("balancers", "/v2/lbaas/pools?project_id={}", "pools"),
    ("balancers", "/v2/lbaas/healthmonitors?project_id={}", "healthmonitors"),
    ("names", "/zones", "zones"),
    ("names", "/recordsets", "recordsets"),
    ("keys", "/secrets?limit=100", "secrets"),
    ("keys", "/containers?limit=100", "containers"),
)
"""What the application has of services that other scenarios do without: service, listing and key."""


@pytest.fixture
def session() -> Iterator[Session]:
    """An administrator, whom QoS policies take, of a project that only this test uses."""
    with fresh_project(f"tiers-{secrets.token_hex(4)}") as sessions:
        yield sessions["admin"]


def pair(name: str) -> tuple[str, str]:
    """A certificate that signs itself, and its private key, both in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    signed = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.PKCS8
    plain = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return signed.decode(), plain.decode()


def inventory(session: Session) -> set[str]:
    """Everything that the project has."""
    found = session.belongings()
    for service, path, key in FURTHER:
        listed = session.json("GET", service, path.format(session.project_id))[key]
        found |= {f"{key} {each.get('id') or each[f'{key[:-1]}_ref']}" for each in listed}
    return found


class Application:
    """The stack of the example, and what the services have of it."""

    def __init__(self, session: Session) -> None:
        self.session, stamp = session, secrets.token_hex(3)
        self.stack = Stack(session, f"tiers-{stamp}")
        self.domain = f"{stamp}.tiers.test."
        certificate, private_key = pair(f"www.{self.domain}")
        self.body: Json = {
            "template": (EXAMPLES / "three-tier.yaml").read_text(),
            "files": {SERVER: (EXAMPLES / SERVER).read_text()},
            "parameters": {
                "certificate": certificate,
                "private_key": private_key,
                "domain": self.domain,
            },
            "timeout_mins": 15,
        }

    def update(self, **parameters: Any) -> None:
        """Change parameters; afterwards the same again changes nothing."""
        self.body["parameters"] |= parameters
        self.stack.update(self.body)
        self.stack.wait("UPDATE_COMPLETE", patience=LONGEST)
        assert self.stack.would_change(self.body) == {}

    def ids(self, *names: str) -> list[str]:
        """The physical ids of the resources that are called so at the end of their paths, in order."""
        rows = self.stack.rows()
        found = [row for name, row in sorted(rows.items()) if name.rpartition("/")[2] in names]
        return [row["physical_resource_id"] for row in found]

    def show(self, service: str, path: str, key: str | None = None) -> Any:
        """What a service shows."""
        found = self.session.json("GET", service, path)
        return found[key] if key else found

    def is_whole(self, size: int, flavor: str) -> None:
        """Assert that all tiers are there and belong together."""
        self._is_connected()
        self._has_servers(size, flavor)
        self._is_balanced(size)
        self._has_names(size)

    def _is_connected(self) -> None:
        (router,), (gate,), (trunk,) = self.ids("router"), self.ids("gate"), self.ids("gate_trunk")
        port = self.show("network", f"/ports/{self.ids('gate_port')[0]}", "port")
        hop = port["fixed_ips"][0]["ip_address"]
        routes = self.show("network", f"/routers/{router}", "router")["routes"]
        assert routes == [{"destination": "10.99.0.0/16", "nexthop": hop}]
        assert port["device_id"] == gate
        sub_ports = self.show("network", f"/trunks/{trunk}", "trunk")["sub_ports"]
        assert [each["port_id"] for each in sub_ports] == self.ids("gate_data_port")
        addresses = self.show("network", f"/floatingips?project_id={self.session.project_id}", "floatingips")
        assert {each["port_id"] for each in addresses} == {port["id"], self._balancer()["vip_port_id"]}

    def _has_servers(self, size: int, flavor: str) -> None:
        servers = self.ids("server")
        assert len(servers) == size
        shown = [self.show("compute", f"/servers/{each}", "server") for each in servers]
        assert {(each["status"], each["flavor"]["original_name"]) for each in shown} == {("ACTIVE", flavor)}
        (apart,), (quality,) = self.ids("apart"), self.ids("quality")
        group = self.show("compute", f"/os-server-groups/{apart}", "server_group")
        assert set(group["members"]) == set(servers)
        volumes = [self.show("volume", f"/volumes/{each}", "volume") for each in self.ids("data")]
        assert [each["attachments"][0]["server_id"] for each in volumes] == servers
        ports = [
            self.show("network", f"/ports/{each}", "port") for each in self.ids("pages_port", "data_port")
        ]
        assert {each["qos_policy_id"] for each in ports} == {quality}
        assert {each["device_id"] for each in ports} == set(servers)

    def _balancer(self) -> Json:
        (balancer,) = self.ids("balancer")
        found: Json = self.show("balancers", f"/v2/lbaas/loadbalancers/{balancer}", "loadbalancer")
        return found

    def _is_balanced(self, size: int) -> None:
        assert self._balancer()["provisioning_status"] == "ACTIVE"
        (listener,), (pool,) = self.ids("listener"), self.ids("pool")
        shown = self.show("balancers", f"/v2/lbaas/listeners/{listener}", "listener")
        assert (shown["protocol"], shown["default_pool_id"]) == ("TERMINATED_HTTPS", pool)
        assert [shown["default_tls_container_ref"]] == self.ids("identity")
        members = self.show("balancers", f"/v2/lbaas/pools/{pool}/members", "members")
        assert len({each["address"] for each in members}) == size

    def _has_names(self, size: int) -> None:
        (zone,) = self.ids("zone")
        path = f"/zones/{zone}/recordsets?type=A"
        shown = self.show("names", path, "recordsets")
        records = {each["name"].removesuffix(f".{self.domain}"): each["records"] for each in shown}
        assert {name: len(values) for name, values in records.items()} == {"www": 1, "gate": 1, "data": size}


def test_three_tiers_are_made_scaled_resized_and_gone(stackd_log: Path, session: Session) -> None:
    assert stackd_log.exists()
    before = inventory(session)
    application = Application(session)
    stack = application.stack
    try:
        stack.create(application.body)
        stack.wait("CREATE_COMPLETE", patience=LONGEST)
        assert stack.would_change(application.body) == {}
        application.is_whole(6, "m1.tiny")
        first = application.ids("server")

        application.update(servers=9)
        application.is_whole(9, "m1.tiny")
        grown = application.ids("server")
        assert set(first) < set(grown)

        application.update(flavor="m1.small")
        application.is_whole(9, "m1.small")
        assert application.ids("server") == grown

        session.json("POST", "url", f"{stack.path}/actions", json={"check": None})
        stack.wait("CHECK_COMPLETE", patience=LONGEST)
        assert {row["resource_status"] for row in stack.rows().values()} == {"CHECK_COMPLETE"}
    finally:
        stack.delete(patience=LONGEST)
    assert inventory(session) == before
