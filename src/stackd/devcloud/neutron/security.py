"""Security groups and their rules, address groups."""

from __future__ import annotations

from stackd.devcloud.collection import Collection, Field
from stackd.devcloud.neutron.style import STYLE, missing, own_or_shared
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request, conflict
from stackd.devcloud.world import World, stamp_seconds

GROUPS_KIND = "network.security_groups"
RULES_KIND = "network.security_group_rules"
SAME = (
    "direction", "ethertype", "protocol", "port_range_min", "port_range_max", "remote_ip_prefix",
    "remote_group_id", "remote_address_group_id",
)  # fmt: skip


def default_group(world: World, project_id: str) -> Entity:
    """The group named `default` that every project has, made when first needed."""
    for group in world.store.find(GROUPS_KIND, name="default"):
        if group.project_id == project_id:
            return group
    now = stamp_seconds(world.clock())
    data: JSON = {
        "id": world.uuid(), "name": "default", "description": "Default security group", "stateful": True,
        "shared": False, "tags": [], "project_id": project_id, "tenant_id": project_id, "created_at": now,
        "updated_at": now, "revision_number": 1,
    }  # fmt: skip
    group = world.store.add(GROUPS_KIND, data["id"], project_id, data)
    _egress(world, group)
    for ethertype in ("IPv4", "IPv6"):
        _rule(world, group, direction="ingress", ethertype=ethertype, remote_group_id=group.id)
    return group


def _egress(world: World, group: Entity) -> None:
    for ethertype in ("IPv4", "IPv6"):
        _rule(world, group, direction="egress", ethertype=ethertype)


def _rule(world: World, group: Entity, **values: object) -> None:
    now = stamp_seconds(world.clock())
    data: JSON = dict.fromkeys(SAME) | values
    data |= {
        "id": world.uuid(), "security_group_id": group.id, "description": None, "normalized_cidr": None,
        "project_id": group.project_id, "tenant_id": group.project_id, "tags": [], "revision_number": 0,
        "created_at": now, "updated_at": now, "belongs_to_default_sg": group.data["name"] == "default",
    }  # fmt: skip
    world.store.add(RULES_KIND, data["id"], group.project_id, data)


def _prepare_group(call: Call, values: JSON, private: JSON) -> None:
    values["tags"] = []
    values["shared"] = False
    project_id = values["project_id"]
    default_group(call.world, project_id)
    if values["name"] == "default":
        raise conflict("Default security group already exists.", "SecurityGroupDefaultAlreadyExists")


def _group_created(call: Call, entity: Entity) -> None:
    _egress(call.world, entity)


def _view_group(call: Call, entity: Entity) -> JSON:
    rules = call.store.find(RULES_KIND, security_group_id=entity.id)
    return entity.data | {"security_group_rules": [rule.data for rule in rules]}


def _change_group(call: Call, entity: Entity, changes: JSON) -> None:
    if entity.data["name"] == "default" and changes.get("name", "default") != "default":
        raise conflict("Updating default security group not allowed.", "SecurityGroupCannotUpdateDefault")


def _guard_group(call: Call, entity: Entity) -> None:
    if entity.data["name"] == "default" and not call.actor.is_admin:
        raise conflict(
            "Insufficient rights for removing default security group.", "SecurityGroupCannotRemoveDefault"
        )
    used = any(entity.id in port.data["security_groups"] for port in call.store.all("network.ports"))
    if used:
        raise conflict(f"Security Group {entity.id} in use.", "SecurityGroupInUse")


def _release_group(world: World, entity: Entity) -> None:
    for rule in list(world.store.find(RULES_KIND, security_group_id=entity.id)):
        world.store.remove(rule)
    for rule in list(world.store.find(RULES_KIND, remote_group_id=entity.id)):
        world.store.remove(rule)


def _prepare_rule(call: Call, values: JSON, private: JSON) -> None:
    group = call.store.get(GROUPS_KIND, str(values["security_group_id"]))
    if group is None or not own_or_shared(call, group):
        raise missing("Security group", str(values["security_group_id"]))
    if (remote := values["remote_group_id"]) and call.store.get(GROUPS_KIND, remote) is None:
        raise missing("Security group", remote)
    if values["direction"] not in ("ingress", "egress"):
        raise bad_request(
            f"Invalid input for direction. Reason: '{values['direction']}' is not in ['ingress', 'egress'].",
            "HTTPBadRequest",
        )
    if values["remote_ip_prefix"] and remote:
        raise bad_request(
            "Only remote_ip_prefix or remote_group_id may be provided.", "SecurityGroupMultipleRemoteEntites"
        )
    protocol = values["protocol"]
    values["protocol"] = None if protocol in (None, "any", "") else str(protocol).lower()
    _check_range(values)
    for rule in call.store.find(RULES_KIND, security_group_id=group.id):
        if all(rule.data[name] == values[name] for name in SAME):
            raise conflict(
                f"Security group rule already exists. Rule id is {rule.id}.", "SecurityGroupRuleExists"
            )
    values["normalized_cidr"] = values["remote_ip_prefix"]
    values["belongs_to_default_sg"] = group.data["name"] == "default"
    values["tags"] = []


def _check_range(values: JSON) -> None:
    for name in ("port_range_min", "port_range_max"):
        if values[name] is not None:
            values[name] = int(values[name])
    low, high = values["port_range_min"], values["port_range_max"]
    if (low is not None or high is not None) and values["protocol"] is None:
        raise bad_request(
            "Must also specify protocol if port range is given.", "SecurityGroupProtocolRequiredWithPorts"
        )
    if values["protocol"] in ("tcp", "udp") and (low is None) != (high is None):
        raise bad_request(
            "For TCP/UDP protocols, port_range_min must be <= port_range_max", "SecurityGroupInvalidPortRange"
        )
    if values["protocol"] in ("tcp", "udp") and low is not None and not 1 <= low <= high <= 65535:
        raise bad_request(
            "For TCP/UDP protocols, port_range_min must be <= port_range_max", "SecurityGroupInvalidPortRange"
        )


SECURITY_GROUPS = Collection(
    kind=GROUPS_KIND, path="/security-groups", singular="security_group", plural="security_groups",
    label="Security group",
    fields={"name": Field(required=True), "description": Field(""), "stateful": Field(True)},
    indexes=("name",), quota="security_groups", sees=own_or_shared, prepare=_prepare_group, bulk=True,
    created=_group_created, change=_change_group, guard=_guard_group, release=_release_group,
    view=_view_group,
)  # fmt: skip
SECURITY_GROUP_RULES = Collection(
    kind=RULES_KIND, path="/security-group-rules", singular="security_group_rule",
    plural="security_group_rules", label="Security group rule",
    fields={
        "security_group_id": Field(required=True), "direction": Field(required=True),
        "ethertype": Field("IPv4"), "protocol": Field(), "port_range_min": Field(), "port_range_max": Field(),
        "remote_ip_prefix": Field(), "remote_group_id": Field(), "remote_address_group_id": Field(),
        "description": Field(""),
    },
    indexes=("security_group_id", "remote_group_id"), quota="security_group_rules", bulk=True,
    methods="list create show delete", prepare=_prepare_rule,
)  # fmt: skip
ADDRESS_GROUPS = Collection(
    kind="network.address_groups", path="/address-groups", singular="address_group",
    plural="address_groups", label="Address group",
    fields={"name": Field(""), "description": Field(""), "addresses": Field([]), "shared": Field(False)},
)  # fmt: skip

COLLECTIONS = ((SECURITY_GROUPS, STYLE), (SECURITY_GROUP_RULES, STYLE), (ADDRESS_GROUPS, STYLE))
