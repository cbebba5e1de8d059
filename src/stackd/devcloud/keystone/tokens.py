"""Tokens: authentication by password, token, application credential; scopes; validation; the catalog."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stackd.devcloud.keystone.assignments import domain_ref, expand, role_refs, roles_of, targets_of
from stackd.devcloud.keystone.style import STYLE, with_links
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, forbidden, not_found
from stackd.devcloud.world import Actor, World, stamp_keystone

ADMIN_PROJECT = ("admin", "default")
"""Name and domain of the project whose administrators are the cloud's, as ``admin_project_name`` has it."""


@dataclass(slots=True)
class Login:
    """The facts proven by an authentication so far."""

    user: Entity
    methods: list[str]
    previous: Actor | None = None
    app_credential: Entity | None = None
    audit_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Grant:
    """The content of a token: the user, the scope and the roles (ids)."""

    user: Entity
    methods: list[str]
    project: Entity | None = None
    domain: Entity | None = None
    system: bool = False
    role_ids: list[str] = field(default_factory=list)
    trust: Entity | None = None
    app_credential: Entity | None = None


def unauthorized() -> Fault:
    """The one answer to every failed authentication."""
    return Fault(401, "The request you have made requires authentication.")


def issue(world: World, grant: Grant) -> Actor:
    """Make a token for a grant."""
    token = "gAAAAAB" + f"{world.random.getrandbits(512):0128x}"
    now = world.clock()
    expires = now + world.settings.token_seconds
    domain_id = grant.domain.id if grant.domain else ""
    refs = role_refs(world, grant.role_ids)
    actor = Actor(
        token=token,
        user_id=grant.user.id,
        project_id=grant.project.id if grant.project else "",
        domain_id=domain_id,
        roles=frozenset(ref["name"] for ref in refs),
        expires=expires,
        body=_token_body(world, grant, refs, now, expires),
        trust_id=grant.trust.id if grant.trust else "",
        app_credential_id=grant.app_credential.id if grant.app_credential else "",
    )
    world.tokens[token] = actor
    return actor


def _token_body(world: World, grant: Grant, refs: list[JSON], now: float, expires: float) -> JSON:
    user = grant.user.data
    body: JSON = {
        "methods": grant.methods,
        "user": {
            "domain": domain_ref(world, user["domain_id"]), "id": grant.user.id, "name": user["name"],
            "password_expires_at": None,
        },
        "audit_ids": [world.hex_id()[:22]],
        "expires_at": stamp_keystone(expires),
        "issued_at": stamp_keystone(now),
    }  # fmt: skip
    if grant.project is not None:
        project = grant.project.data
        body["project"] = {
            "domain": domain_ref(world, project["domain_id"]), "id": grant.project.id,
            "name": project["name"],
        }  # fmt: skip
        body["is_domain"] = False
        body["is_admin_project"] = (project["name"], project["domain_id"]) == ADMIN_PROJECT
    if grant.domain is not None:
        body["domain"] = domain_ref(world, grant.domain.id)
    if grant.system:
        body["system"] = {"all": True}
    if refs:
        body["roles"] = refs
    if (trust := grant.trust) is not None:
        body["OS-TRUST:trust"] = {
            "id": trust.id, "impersonation": trust.data["impersonation"],
            "trustee_user": {"id": trust.data["trustee_user_id"]},
            "trustor_user": {"id": trust.data["trustor_user_id"]},
        }  # fmt: skip
    if (credential := grant.app_credential) is not None:
        restricted = not credential.data.get("unrestricted", False)
        body["application_credential"] = {
            "id": credential.id, "name": credential.data["name"], "restricted": restricted,
        }  # fmt: skip
    return body


def catalog(world: World, project_id: str) -> list[JSON]:
    """The service catalog as a token of this project shows it."""
    entries = []
    for service in world.store.all("identity.services"):
        endpoints = []
        for endpoint in world.store.find("identity.endpoints", service_id=service.id):
            url: str = endpoint.data["url"]
            if "project_id)s" in url or "tenant_id)s" in url:
                if not project_id:
                    continue
                for mark in ("$(project_id)s", "%(project_id)s", "$(tenant_id)s", "%(tenant_id)s"):
                    url = url.replace(mark, project_id)
            endpoints.append({
                "id": endpoint.id, "interface": endpoint.data["interface"], "url": url,
                "region_id": endpoint.data["region_id"], "region": endpoint.data["region_id"],
            })  # fmt: skip
        if service.data.get("enabled", True):
            data = service.data
            entries.append({
                "endpoints": endpoints, "id": service.id, "type": data["type"], "name": data["name"],
            })  # fmt: skip
    return entries


def token_reply(world: World, actor: Actor, status: int, with_catalog: bool = True) -> Reply:
    """A token as Keystone answers with it."""
    body = dict(actor.body)
    if with_catalog and (actor.project_id or actor.domain_id or "system" in body):
        body["catalog"] = catalog(world, actor.project_id)
    return Reply(status, {"token": body}, {"x-subject-token": actor.token, "vary": "X-Auth-Token"})


def _find(world: World, kind: str, ref: JSON) -> Entity | None:
    """An object by id, or by name within a domain."""
    if ref.get("id"):
        return world.store.get(f"identity.{kind}", str(ref["id"]))
    if not ref.get("name"):
        return None
    if kind == "domains":
        return world.store.first("identity.domains", name=ref["name"])
    domain = _find(world, "domains", ref.get("domain") or {"id": "default"})
    if domain is None:
        return None
    return world.store.first(f"identity.{kind}", name=ref["name"], domain_id=domain.id)


def _by_password(call: Call, method: JSON) -> Login:
    ref = method.get("user", {})
    user = _find(call.world, "users", ref)
    if user is None or not ref.get("password") or user.private.get("password") != ref["password"]:
        raise unauthorized()
    return Login(user, ["password"])


def _by_token(call: Call, method: JSON) -> Login:
    actor = call.world.tokens.get(str(method.get("id")))
    if actor is None or actor.expires <= call.world.clock():
        raise unauthorized()
    user = call.store.get("identity.users", actor.user_id)
    if user is None:
        raise unauthorized()
    methods = [*actor.body["methods"], *([] if "token" in actor.body["methods"] else ["token"])]
    return Login(user, methods, previous=actor)


def _by_app_credential(call: Call, method: JSON) -> Login:
    kind = "identity.application_credentials"
    if method.get("id"):
        credential = call.store.get(kind, str(method["id"]))
    else:
        owner = _find(call.world, "users", method.get("user", {}))
        owner_id = owner.id if owner else ""
        credential = call.store.first(kind, name=method.get("name"), user_id=owner_id)
    if credential is None or credential.private["secret"] != method.get("secret"):
        raise unauthorized()
    user = call.store.get("identity.users", credential.data["user_id"])
    if user is None:
        raise unauthorized()
    return Login(user, ["application_credential"], app_credential=credential)


METHODS: dict[str, Callable[[Call, JSON], Login]] = {
    "password": _by_password,
    "token": _by_token,
    "application_credential": _by_app_credential,
}


def _authenticate(call: Call) -> Reply:
    auth = call.unwrap("auth")
    identity = auth.get("identity")
    if not isinstance(identity, dict) or not isinstance(identity.get("methods"), list):
        raise bad_request("Invalid input for field/attribute auth. 'identity' is a required property")
    login: Login | None = None
    for name in identity["methods"]:
        if name not in METHODS:
            raise unauthorized()
        proven = METHODS[name](call, identity.get(name) or {})
        if login is not None and login.user is not proven.user:
            raise unauthorized()
        if login is not None:
            proven.methods = [*login.methods, *proven.methods]
        login = proven
    if login is None or not login.user.data.get("enabled", True):
        raise unauthorized()
    grant = _scoped(call, login, auth.get("scope"))
    return token_reply(call.world, issue(call.world, grant), 201, "nocatalog" not in dict(call.query))


def _scoped(call: Call, login: Login, scope: object) -> Grant:
    world = call.world
    if login.app_credential is not None:
        credential = login.app_credential
        project = _enabled(world.store.get("identity.projects", credential.private["project_id"]))
        role_ids = expand(world, credential.private["role_ids"])
        has = roles_of(world, login.user.id, ("project", project.id))
        if not set(credential.private["role_ids"]) <= set(has):
            raise unauthorized()
        return Grant(
            login.user, login.methods, project, role_ids=role_ids, app_credential=login.app_credential
        )
    if isinstance(scope, dict) and "OS-TRUST:trust" in scope:
        return _trust_scope(call, login, str(scope["OS-TRUST:trust"].get("id")))
    if login.previous is not None and (login.previous.trust_id or login.previous.app_credential_id) and scope:
        raise forbidden(
            "Using trust-scoped or application credential token to create another token is forbidden."
        )
    if isinstance(scope, dict):
        return _named_scope(world, login, scope)
    if scope == "unscoped":
        return Grant(login.user, login.methods)
    default = login.user.data.get("default_project_id")
    if default and (role_ids := roles_of(world, login.user.id, ("project", default))):
        home = world.store.get("identity.projects", default)
        return Grant(login.user, login.methods, home, role_ids=role_ids)
    return Grant(login.user, login.methods)


def _named_scope(world: World, login: Login, scope: JSON) -> Grant:
    grant = Grant(login.user, login.methods)
    if "project" in scope:
        grant.project = _enabled(_find(world, "projects", scope["project"]))
        grant.role_ids = roles_of(world, login.user.id, ("project", grant.project.id))
    elif "domain" in scope:
        grant.domain = _enabled(_find(world, "domains", scope["domain"]))
        grant.role_ids = roles_of(world, login.user.id, ("domain", grant.domain.id))
    elif "system" in scope:
        grant.system = True
        admin = world.store.first("identity.roles", name="admin")
        everywhere = {
            role for target in targets_of(world, login.user.id, "project")
            for role in roles_of(world, login.user.id, ("project", target))
        }  # fmt: skip
        grant.role_ids = expand(world, [admin.id]) if admin and admin.id in everywhere else []
    else:
        raise bad_request("Invalid input for field/attribute scope.")
    if not grant.role_ids:
        raise unauthorized()
    return grant


def _enabled(target: Entity | None) -> Entity:
    if target is None or not target.data.get("enabled", True):
        raise unauthorized()
    return target


def _trust_scope(call: Call, login: Login, trust_id: str) -> Grant:
    grant = trust_grant(call.world, trust_id, login.user)
    grant.methods = login.methods
    return grant


def trust_grant(world: World, trust_id: str, trustee: Entity | None) -> Grant:
    """The grant of a trust to its trustee; to any user if `trustee` is None."""
    trust = world.store.get("identity.trusts", trust_id)
    if trust is None:
        raise unauthorized()
    if trust.private["expires"] is not None and trust.private["expires"] <= world.clock():
        raise unauthorized()
    trustor = world.store.get("identity.users", trust.data["trustor_user_id"])
    if trustor is None or (trustee is not None and trustee.id != trust.data["trustee_user_id"]):
        raise forbidden("You are not authorized to perform the requested action.")
    uses = trust.data["remaining_uses"]
    if uses is not None:
        if uses <= 0:
            raise unauthorized()
        trust.data["remaining_uses"] = uses - 1
    project = _enabled(world.store.get("identity.projects", trust.data["project_id"] or ""))
    still = set(roles_of(world, trustor.id, ("project", project.id)))
    role_ids = trust.private["role_ids"]
    if not set(role_ids) <= still:
        raise forbidden("You are not authorized to perform the requested action.")
    user = trustor if trust.data["impersonation"] or trustee is None else trustee
    return Grant(user, ["password"], project, role_ids=expand(world, role_ids), trust=trust)


def _subject(call: Call) -> Actor:
    actor = call.world.tokens.get(call.headers.get("x-subject-token", ""))
    if actor is None or actor.expires <= call.world.clock():
        raise not_found("Could not recognize Fernet token")
    if actor.user_id != call.actor.user_id and call.actor.roles.isdisjoint(("admin", "service")):
        raise STYLE.denied("validate_token")
    return actor


def _validate(call: Call) -> Reply:
    return token_reply(call.world, _subject(call), 200, "nocatalog" not in dict(call.query))


def _revoke(call: Call) -> Reply:
    del call.world.tokens[_subject(call).token]
    return Reply(204)


def _show_catalog(call: Call) -> Reply:
    links = {"self": f"{call.base}{call.path}"}
    return Reply(200, {"catalog": catalog(call.world, call.actor.project_id), "links": links})


def _own_targets(kind: str) -> Callable[[Call], Reply]:
    def handle(call: Call) -> Reply:
        user_id = call.params.get("user", call.actor.user_id)
        if user_id != call.actor.user_id and not call.actor.is_admin:
            raise STYLE.denied(f"list_user_{kind}")
        found = (
            call.store.get(f"identity.{kind}", target)
            for target in targets_of(call.world, user_id, kind.removesuffix("s"))
        )
        items = [with_links(call, f"/{kind}/{entity.id}", entity.data) for entity in found if entity]
        links = {"self": f"{call.base}{call.path}", "next": None, "previous": None}
        return Reply(200, {kind: items, "links": links})

    return handle


ROUTES = (
    Route("POST", "/auth/tokens", _authenticate, public=True),
    Route("GET", "/auth/tokens", _validate),
    Route("DELETE", "/auth/tokens", _revoke),
    Route("GET", "/auth/catalog", _show_catalog),
    Route("GET", "/auth/projects", _own_targets("projects")),
    Route("GET", "/auth/domains", _own_targets("domains")),
    Route("GET", "/users/{user}/projects", _own_targets("projects")),
)
