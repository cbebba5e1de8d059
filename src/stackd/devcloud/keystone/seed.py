"""Initial data of Keystone: the users, projects and roles that every deployment has."""

from __future__ import annotations

from stackd.devcloud.keystone.assignments import grant, imply
from stackd.devcloud.keystone.kept_trusts import load_trusts
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.world import World

PASSWORD = "secret"  # noqa: S105  # everyone's, on a loopback address
ROLES = (
    "admin", "manager", "member", "reader", "service", "heat_stack_owner", "heat_stack_user", "creator",
)  # fmt: skip
IMPLIED = (("admin", "manager"), ("manager", "member"), ("member", "reader"))
DOMAINS = (("default", "Default", "The default domain"), ("", "heat", "Users of stacks"))
PROJECTS = ("admin", "demo", "service")
USERS = (
    ("admin", "Default", "admin", ("admin", "heat_stack_owner", "creator")),
    ("demo", "Default", "demo", ("member", "heat_stack_owner", "creator")),
    ("heat", "Default", "service", ("admin", "service")),
    ("aodh", "Default", "service", ("admin", "service")),
    ("blazar", "Default", "service", ("admin", "service")),
    ("mistral", "Default", "service", ("admin", "service")),
    ("zaqar", "Default", "service", ("admin", "service")),
)
"""Name, domain, project and roles there."""


def seed(world: World) -> None:
    """Make domains, roles, projects and users."""
    domains = {name: _domain(world, domain_id, name, text) for domain_id, name, text in DOMAINS}
    roles = {name: _role(world, name).id for name in ROLES}
    for prior, implied in IMPLIED:
        imply(world, roles[prior], roles[implied])
    _add(world, "regions", {"description": "", "parent_region_id": None}, world.settings.region)
    projects = {name: _project(world, name).id for name in PROJECTS}
    for name, domain, project, held in USERS:
        user = _user(world, name, domains[domain].id, projects[project])
        for role in held:
            grant(world, roles[role], ("user", user.id), ("project", projects[project]))
    keeper = _user(world, "heat_domain_admin", domains["heat"].id, None)
    grant(world, roles["admin"], ("user", keeper.id), ("domain", domains["heat"].id))
    load_trusts(world)


def register(world: World, kind: str, name: str, url: str) -> None:
    """Add a service with its three endpoints to the catalog."""
    data: JSON = {"name": name, "type": kind, "enabled": True, "description": ""}
    service = _add(world, "services", data)
    for interface in ("internal", "admin", "public"):
        region = world.settings.region
        endpoint = {
            "interface": interface, "region_id": region, "service_id": service.id, "url": url,
            "enabled": True, "region": region,
        }  # fmt: skip
        _add(world, "endpoints", endpoint)


def _add(world: World, plural: str, data: JSON, entity_id: str = "", private: JSON | None = None) -> Entity:
    entity_id = entity_id or world.hex_id()
    return world.store.add(f"identity.{plural}", entity_id, "", {"id": entity_id} | data, private)


def _domain(world: World, domain_id: str, name: str, description: str) -> Entity:
    data: JSON = {"name": name, "description": description, "enabled": True, "tags": [], "options": {}}
    return _add(world, "domains", data, domain_id or world.named_id("domain", name))


def _role(world: World, name: str) -> Entity:
    data: JSON = {"name": name, "domain_id": None, "description": None, "options": {}}
    return _add(world, "roles", data, world.named_id("role", name))


def _project(world: World, name: str) -> Entity:
    data: JSON = {
        "name": name, "domain_id": "default", "description": "", "enabled": True, "parent_id": "default",
        "is_domain": False, "tags": [], "options": {},
    }  # fmt: skip
    return _add(world, "projects", data, world.named_id("project", name))


def _user(world: World, name: str, domain_id: str, project_id: str | None) -> Entity:
    data: JSON = {
        "name": name, "domain_id": domain_id, "enabled": True, "password_expires_at": None, "options": {},
    }  # fmt: skip
    if project_id and name != "admin":
        data["default_project_id"] = project_id
    return _add(world, "users", data, world.named_id("user", name), {"password": PASSWORD})
