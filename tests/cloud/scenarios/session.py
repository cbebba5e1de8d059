"""A user of the cloud with a token, a project made for one test run, and what lies in it. Plain HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

IDENTITY = "http://127.0.0.1:5000/v3"
HEADERS = {
    "Client-ID": "5f6c5a52-6c1e-4d3c-8c4e-2d3b1c9f7a10",  # any UUID: without one there are no queues
    "X-OpenStack-Nova-API-Version": "2.72",
    "X-OpenStack-Ironic-API-Version": "1.72",
    "X-OpenStack-Manila-API-Version": "2.65",
}
SERVICE_TYPES = {
    "compute": "compute",
    "network": "network",
    "volume": "block-storage",
    "image": "image",
    "objects": "object-store",
    "balancers": "load-balancer",
    "metrics": "metric",
    "alarms": "alarming",
    "queues": "messaging",
    "keys": "key-manager",
    "names": "dns",
    "metal": "baremetal",
    "leases": "reservation",
    "clusters": "container-infra",
    "containers": "container",
    "shares": "shared-file-system",
    "databases": "database",
    "workflows": "workflowv2",
}
PREFIXES = {
    **{"network": "/v2.0", "image": "/v2", "keys": "/v1", "names": "/v2", "metal": "/v1"},
    "queues": "/v2",
}

# What a project can have: service, listing, and the key under which the answer has the list. Services that
# the cloud does not have are passed over.
LISTINGS = (
    ("compute", "/servers", "servers"),
    ("compute", "/os-server-groups", "server_groups"),
    ("compute", "/os-keypairs", "keypairs"),
    ("network", "/floatingips", "floatingips"),
    ("network", "/routers", "routers"),
    ("network", "/ports", "ports"),
    ("network", "/networks", "networks"),
    ("network", "/subnets", "subnets"),
    ("network", "/security-groups", "security_groups"),
    ("volume", "/volumes", "volumes"),
    ("volume", "/snapshots", "snapshots"),
    ("volume", "/backups", "backups"),
    ("image", "/images", "images"),
    ("network", "/trunks", "trunks"),
    ("network", "/qos/policies", "policies"),
    ("keys", "/secrets?limit=1000", "secrets"),
    ("names", "/zones", "zones"),
    ("balancers", "/v2/lbaas/loadbalancers", "loadbalancers"),
    ("shares", "/shares", "shares"),
    ("shares", "/share-networks", "share_networks"),
    ("shares", "/security-services", "security_services"),
    ("workflows", "/workflows", "workflows"),
    ("workflows", "/cron_triggers", "cron_triggers"),
    ("queues", "/queues", "queues"),
    ("containers", "/containers", "containers"),
    ("clusters", "/clusters/detail", "clusters"),
    ("clusters", "/clustertemplates/detail", "clustertemplates"),
    ("leases", "/leases", "leases"),
    ("databases", "/instances?include_clustered=true", "instances"),
    ("databases", "/clusters", "clusters"),
)

# What belongs to no project: objects are told by the stack's name in theirs.
GLOBAL_LISTINGS = (
    ("identity", "/projects", "projects"),
    ("identity", "/users", "users"),
    ("identity", "/groups", "groups"),
    ("identity", "/roles", "roles"),
    ("identity", "/domains", "domains"),
    ("identity", "/regions", "regions"),
    ("identity", "/services", "services"),
    ("compute", "/flavors?is_public=None", "flavors"),
    ("compute", "/os-aggregates", "aggregates"),
    ("volume", "/types?is_public=None", "volume_types"),
    ("volume", "/qos-specs", "qos_specs"),
    ("shares", "/types?is_public=all", "share_types"),
    ("metal", "/nodes", "nodes"),
)

Json = dict[str, Any]
Listing = tuple[str, str, str]


def _client() -> httpx.Client:
    """Designate leads from a recordset to where it is in its zone."""
    return httpx.Client(timeout=120, headers=HEADERS, follow_redirects=True)


@dataclass(slots=True)
class Session:
    """Somebody who is signed in: requests by service and path."""

    user: str
    password: str
    project: str
    domain: str = "default"
    http: httpx.Client = field(default_factory=_client)
    project_id: str = ""
    user_id: str = ""
    catalog: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        person = {"name": self.user, "domain": {"id": self.domain}, "password": self.password}
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": person}},
                "scope": {"project": {"name": self.project, "domain": {"id": self.domain}}},
            }
        }
        reply = self.http.post(f"{IDENTITY}/auth/tokens", json=body).raise_for_status()
        token = reply.json()["token"]
        self.project_id, self.user_id = token["project"]["id"], token["user"]["id"]
        self.http.headers["X-Auth-Token"] = reply.headers["X-Subject-Token"]
        types = {entry["type"]: entry["endpoints"] for entry in token["catalog"]}
        for service, kind in SERVICE_TYPES.items():
            if kind not in types:
                continue  # not booted; the scenarios that need it fail
            url = next(each["url"] for each in types[kind] if each["interface"] == "public")
            prefix = PREFIXES.get(service, "")
            self.catalog[service] = url.rstrip("/").removesuffix(prefix) + prefix
        self.catalog["identity"] = IDENTITY

    def request(self, method: str, service: str, path: str, **sent: Any) -> httpx.Response:
        """An answer, whatever its status; a request on a connection that the service closed is repeated."""
        url = path if service == "url" else self.catalog[service] + path
        for attempt in range(3):
            try:
                return self.http.request(method, url, **sent)
            except (httpx.RemoteProtocolError, httpx.ReadError):
                if attempt == 2:
                    raise
                time.sleep(0.1)
            except httpx.TransportError as error:
                error.add_note(f"{method} {url}")
                raise
        raise AssertionError("unreachable")

    def json(self, method: str, service: str, path: str, **sent: Any) -> Any:
        """The body of a good answer."""
        reply = self.request(method, service, path, **sent)
        assert reply.is_success, f"{method} {reply.url}: {reply.status_code} {reply.text}"
        return reply.json() if reply.content else None

    def look(self, service: str, path: str) -> Json | None:
        """What a service shows at a path, None when it has nothing there; of a container its headers."""
        reply = self.request("HEAD" if service == "objects" else "GET", service, path)
        if reply.status_code == httpx.codes.NOT_FOUND:
            return None
        assert reply.is_success, f"{reply.url}: {reply.status_code} {reply.text}"
        found: Json = dict(reply.headers) if service == "objects" else reply.json()
        return found

    def belongings(self) -> set[str]:
        """Everything that the project has, as `kind name id`."""
        found: set[str] = set()
        for service, path, key in self._booted(LISTINGS):
            # Administrators are shown everybody's, and everybody is shown what is public.
            own = f"{path}?project_id={self.project_id}" if service == "network" else path
            for each in self.json("GET", service, own)[key]:
                each = each.get("keypair", each)
                if (each.get("owner") or each.get("project_id") or self.project_id) == self.project_id:
                    identity = next((each[name] for name in ("id", "uuid", "secret_ref") if name in each), "")
                    found.add(f"{key} {each.get('name', identity)} {identity}")
        containers = self.json("GET", "objects", "?format=json") or []
        found |= {f"containers {each['name']}" for each in containers}
        return {each for each in found if not each.startswith("security_groups default ")}

    def traces(self, name: str) -> set[str]:
        """Everything outside of projects that has this name in its own."""
        listed = (
            (key, self.json("GET", service, path)[key])
            for service, path, key in self._booted(GLOBAL_LISTINGS)
        )
        called = ((key, str(each.get("name") or each.get("id"))) for key, found in listed for each in found)
        return {f"{key} {each}" for key, each in called if name in each}

    def _booted(self, listings: Iterable[Listing]) -> list[Listing]:
        """Those of services that the cloud has."""
        return [each for each in listings if each[0] in self.catalog]

    def trusts(self) -> list[Json]:
        """The trusts that the user has given."""
        path = f"/OS-TRUST/trusts?trustor_user_id={self.user_id}"
        found: list[Json] = self.json("GET", "identity", path)["trusts"]
        return found


@contextmanager
def fresh_project(name: str) -> Iterator[dict[str, Session]]:
    """A project of its own and two who work in it: `plain`, a member, and `admin`, an administrator."""
    root = Session("admin", "secret", "admin")
    body = {"project": {"name": name, "domain_id": "default"}}
    project = root.json("POST", "identity", "/projects", json=body)["project"]["id"]
    roles = {each["name"]: each["id"] for each in root.json("GET", "identity", "/roles")["roles"]}
    users: list[str] = []
    sessions: dict[str, Session] = {}
    try:
        for kind, given in (("plain", ["member", "heat_stack_owner"]), ("admin", ["member", "admin"])):
            user = {"name": f"{name}-{kind}", "domain_id": "default", "password": "secret"}
            users.append(root.json("POST", "identity", "/users", json={"user": user})["user"]["id"])
            for role in given:
                path = f"/projects/{project}/users/{users[-1]}/roles/{roles[role]}"
                root.json("PUT", "identity", path)
            sessions[kind] = Session(user["name"], "secret", name)
        yield sessions
    finally:
        for user_id in users:
            root.json("DELETE", "identity", f"/users/{user_id}")
        groups = root.json("GET", "network", f"/security-groups?project_id={project}")["security_groups"]
        for group in groups:
            root.json("DELETE", "network", f"/security-groups/{group['id']}")
        root.json("DELETE", "identity", f"/projects/{project}")
