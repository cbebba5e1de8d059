"""The rest of Neutron: RBAC policies, address scopes, quotas, tags, extensions, zones."""

from __future__ import annotations

import re

from stackd.devcloud.collection import Collection, Field, own
from stackd.devcloud.neutron import plugged
from stackd.devcloud.neutron.style import PLAIN, invalid, missing, own_or_shared
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Handler, Reply, Route, conflict, forbidden, not_found

ALIASES = (
    *plugged.ALIASES,
    "address-group", "address-scope", "agent", "allowed-address-pairs", "auto-allocated-topology",
    "availability_zone", "binding", "default-subnetpools", "dns-integration", "ext-gw-mode", "external-net",
    "extra_dhcp_opt", "floating-ip-port-forwarding", "metering", "qos-bw-minimum-ingress",
    "qos-pps-minimum", "segment", "trunk",
    "extraroute", "extraroute-atomic", "filter-validation", "ip-substring-filtering",
    "l3-ha",
    "multi-provider", "net-mtu", "net-mtu-writable", "network-ip-availability", "network_availability_zone",
    "pagination", "port-security", "project-id", "provider", "qos", "quotas", "quota_details",
    "rbac-policies",
    "revision-if-match", "router", "router_availability_zone", "security-group", "sorting",
    "standard-attr-description", "standard-attr-revisions", "standard-attr-tag", "standard-attr-timestamp",
    "stateful-security-group", "subnet-service-types", "subnet_allocation", "tag-creation",
)  # fmt: skip
QUOTAS = (
    "network", "subnet", "subnetpool", "port", "router", "floatingip", "security_group",
    "security_group_rule",
    "rbac_policy",
)  # fmt: skip
PROJECT_ID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}")
TAGGED = ("networks", "subnets", "subnetpools", "ports", "routers", "floatingips", "security-groups")


def _check_target(target: str) -> None:
    if target != "*" and not PROJECT_ID.fullmatch(target):
        raise invalid(f"'{target}' is not a valid target project ID; expected a UUID or '*'")


def _change_rbac(call: Call, entity: Entity, changes: JSON) -> None:
    if "target_tenant" in changes:
        _check_target(changes["target_tenant"])


def _prepare_rbac(call: Call, values: JSON, private: JSON) -> None:
    kind = f"network.{plural(values['object_type'])}"
    target = call.store.get(kind, str(values["object_id"])) if kind in call.store.tables else None
    if target is None or not own(call, target):
        raise missing("RbacPolicy object", str(values["object_id"]))
    _check_target(values["target_tenant"])
    if values["target_tenant"] == "*" and not call.actor.is_admin:
        raise forbidden(
            "rule:create_rbac_policy:target_tenant is disallowed by policy", "PolicyNotAuthorized"
        )
    for row in call.store.find("network.rbac_policies", object_id=values["object_id"]):
        if all(row.data[name] == values[name] for name in ("target_tenant", "action")):
            raise conflict("An RBAC policy already exists with those values.", "DuplicateRbacPolicy")


RBAC_POLICIES = Collection(
    kind="network.rbac_policies", path="/rbac-policies", singular="rbac_policy", plural="rbac_policies",
    label="RBAC policy",
    fields={
        "object_type": Field(required=True, put=False), "object_id": Field(required=True, put=False),
        "target_tenant": Field(required=True), "action": Field(required=True, put=False),
    },
    indexes=("object_id",), prepare=_prepare_rbac, change=_change_rbac,
)  # fmt: skip
ADDRESS_SCOPES = Collection(
    kind="network.address_scopes", path="/address-scopes", singular="address_scope",
    plural="address_scopes", label="Address scope",
    fields={"name": Field(required=True), "ip_version": Field(4, put=False), "shared": Field(False,
    admin=True)},
    sees=own_or_shared,
)  # fmt: skip
COLLECTIONS = ((RBAC_POLICIES, PLAIN), (ADDRESS_SCOPES, PLAIN))


def _extensions(call: Call) -> Reply:
    return Reply(200, {"extensions": [_extension(alias) for alias in ALIASES]})


def _extension(alias: str) -> JSON:
    return {
        "alias": alias, "name": alias, "description": alias, "links": [],
        "updated": "2020-01-01T00:00:00-00:00",
    }  # fmt: skip


def _one_extension(call: Call) -> Reply:
    alias = call.params["alias"]
    if alias not in ALIASES:
        raise not_found(f"Extension with alias {alias} does not exist", "ExtensionNotFound")
    return Reply(200, {"extension": _extension(alias)})


def _limits(call: Call) -> JSON:
    return {name: call.world.quota(call.params["project"], plural(name)) for name in QUOTAS}


def plural(resource: str) -> str:
    """The plural by which quotas are kept, of a resource as Neutron's quota API names it."""
    return resource[:-1] + "ies" if resource.endswith("y") else resource + "s"


def _quota(call: Call) -> Reply:
    return Reply(200, {"quota": _limits(call)})


def _update_quota(call: Call) -> Reply:
    if not call.actor.is_admin:
        raise forbidden("rule:update_quota is disallowed by policy", "PolicyNotAuthorized")
    for name, limit in call.unwrap("quota").items():
        if name in QUOTAS:
            call.world.project_quotas[call.params["project"], plural(name)] = int(limit)
    return _quota(call)


def _reset_quota(call: Call) -> Reply:
    if not call.actor.is_admin:
        raise forbidden("rule:delete_quota is disallowed by policy", "PolicyNotAuthorized")
    for name in QUOTAS:
        call.world.project_quotas.pop((call.params["project"], plural(name)), None)
    return Reply(204)


def _zones(call: Call) -> Reply:
    zones = [{"name": "nova", "resource": kind, "state": "available"} for kind in ("network", "router")]
    return Reply(200, {"availability_zones": zones})


def _empty(plural_name: str) -> Handler:
    def handle(call: Call) -> Reply:
        return Reply(200, {plural_name: []})

    return handle


def _tags(verb: str, collection: str) -> Handler:
    kind = f"network.{collection.replace('-', '_')}"

    def handle(call: Call) -> Reply:
        entity = call.store.get(kind, call.params["id"])
        if entity is None or not own(call, entity):
            raise missing(collection.rstrip("s").capitalize(), call.params["id"])
        tags, tag = entity.data.get("tags", []), call.params.get("tag", "")
        if verb == "get":
            return Reply(200, {"tags": tags})
        if verb == "set":
            entity.data["tags"] = list(call.json()["tags"])
            return Reply(200, {"tags": entity.data["tags"]})
        if verb == "add":
            entity.data["tags"] = [*tags, *([] if tag in tags else [tag])]
            return Reply(201)
        if verb == "check" and tag not in tags:
            raise not_found(f"Tag {tag} could not be found.", "TagNotFound")
        if verb in ("remove", "clear"):
            entity.data["tags"] = [item for item in tags if verb == "remove" and item != tag]
        return Reply(204)

    return handle


def _tag_routes() -> list[Route]:
    routes = []
    for name in TAGGED:
        path = f"/{name}/{{id}}/tags"
        for method, verb in (("GET", "get"), ("PUT", "set"), ("DELETE", "clear")):
            routes.append(Route(method, path, _tags(verb, name)))
        for method, verb in (("GET", "check"), ("PUT", "add"), ("DELETE", "remove")):
            routes.append(Route(method, path + "/{tag}", _tags(verb, name)))
    return routes


ROUTES = (
    *_tag_routes(),
    Route("GET", "/extensions", _extensions),
    Route("GET", "/extensions/{alias}", _one_extension),
    Route("GET", "/quotas/{project}", _quota),
    Route("PUT", "/quotas/{project}", _update_quota),
    Route("DELETE", "/quotas/{project}", _reset_quota),
    Route("GET", "/quotas", _empty("quotas")),
    Route("GET", "/availability_zones", _zones),
    Route("GET", "/agents", _empty("agents")),
)
