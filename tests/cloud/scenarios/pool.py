"""A pool of a real balancer with one member, whose health is what a scenario says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.cloud.scenarios.client import CLIENTS, run
from tests.cloud.scenarios.session import Session

BASE = "/v2/lbaas"
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Pool:
    """The pool and its member."""

    id: str
    name: str
    member: str

    def set_status(self, status: str) -> None:
        """Write into the database of the service what its health manager would find."""
        socket = CLIENTS.parents[1] / "run/mariadb.sock"
        query = f"UPDATE member SET operating_status='{status}' WHERE id='{self.member}'"
        run("mariadb", "--protocol=socket", "-S", str(socket), "-uroot", "-psecret", "octavia", "-e", query)


@contextmanager
def pool_of(owner: Session, name: str) -> Iterator[Pool]:
    """A pool, and around it a balancer on a network of its own, all of this name."""
    net = owner.json("POST", "network", "/networks", json={"network": {"name": name}})["network"]["id"]
    body = {"network_id": net, "cidr": "10.67.0.0/24", "ip_version": 4, "name": name}
    subnet = owner.json("POST", "network", "/subnets", json={"subnet": body})["subnet"]["id"]
    balancer = ""
    try:
        balancer = _made(owner, "loadbalancer", {"name": name, "vip_subnet_id": subnet})
        _settled(owner, balancer)
        about = {"name": name, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}
        pool = _made(owner, "pool", about | {"loadbalancer_id": balancer})
        _settled(owner, balancer)
        member = _made(
            owner, "member", {"address": "10.67.0.9", "protocol_port": 80}, f"/pools/{pool}/members"
        )
        _settled(owner, balancer)
        yield Pool(pool, name, member)
    finally:
        if balancer:
            owner.json("DELETE", "balancers", f"{BASE}/loadbalancers/{balancer}?cascade=true")
            _settled(owner, balancer)
        owner.json("DELETE", "network", f"/networks/{net}")


def _made(owner: Session, key: str, body: dict[str, Any], path: str = "") -> str:
    made = owner.json("POST", "balancers", BASE + (path or f"/{key}s"), json={key: body})
    return str(made[key]["id"])


def _settled(owner: Session, balancer: str) -> None:
    """Wait until a balancer can be changed, or is gone."""
    end = time.monotonic() + LONGEST
    while shown := owner.look("balancers", f"{BASE}/loadbalancers/{balancer}"):
        if shown["loadbalancer"]["provisioning_status"] == "ACTIVE":
            return
        assert time.monotonic() < end, shown
        time.sleep(0.5)
