"""Firewalls of the first version: rules, ordered in policies, in force by firewalls."""

from __future__ import annotations

from typing import Any

from stackd.devcloud.collection import Collection, Field, Progression
from stackd.devcloud.neutron.style import PLAIN, missing, own_or_shared
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request, conflict
from stackd.devcloud.world import World

RULES_KIND, POLICIES_KIND, KIND = (
    "network.firewall_rules",
    "network.firewall_policies",
    "network.firewalls",
)


def _prepare_rule(call: Call, values: JSON, private: JSON) -> None:
    _check_rule(values)
    values["ip_version"] = int(values["ip_version"])


def _change_rule(call: Call, entity: Entity, changes: JSON) -> None:
    for policy in _policies_with(call.world, entity.id):
        _refuse_busy(call, policy.id)
    _check_rule(entity.data | changes)
    if "ip_version" in changes:
        changes["ip_version"] = int(changes["ip_version"])


def _check_rule(values: JSON) -> None:
    _one_of(values, "protocol", (None, "tcp", "udp", "icmp"))
    _one_of(values, "action", ("allow", "deny"))
    _one_of(values, "ip_version", (4, 6, "4", "6"))
    has_ports = values["source_port"] or values["destination_port"]
    if has_ports and values["protocol"] is None:
        raise bad_request(
            "Source/destination port requires a protocol.", "FirewallRuleWithPortWithoutProtocolInvalid"
        )
    if has_ports and values["protocol"] == "icmp":
        raise bad_request(
            "Source/destination ports are not allowed when protocol is set to ICMP.",
            "FirewallRuleInvalidICMPParameter",
        )


def _one_of(values: JSON, name: str, allowed: tuple[Any, ...]) -> None:
    if values[name] not in allowed:
        raise bad_request(
            f"Invalid input for {name}. Reason: {values[name]} is not in valid_values.", "HTTPBadRequest"
        )


def _policies_with(world: World, rule_id: str) -> list[Entity]:
    policies = world.store.all(POLICIES_KIND)
    return [policy for policy in policies if rule_id in policy.data["firewall_rules"]]


def _view_rule(call: Call, entity: Entity) -> JSON:
    policy = next(iter(_policies_with(call.world, entity.id)), None)
    position = policy.data["firewall_rules"].index(entity.id) + 1 if policy else None
    return entity.data | {"firewall_policy_id": policy.id if policy else None, "position": position}


def _guard_rule(call: Call, entity: Entity) -> None:
    if _policies_with(call.world, entity.id):
        raise conflict(f"Firewall rule {entity.id} is being used.", "FirewallRuleInUse")


def _prepare_policy(call: Call, values: JSON, private: JSON) -> None:
    _check_rules(call, values["firewall_rules"], None)


def _rule_changed(call: Call, entity: Entity) -> None:
    for policy in _policies_with(call.world, entity.id):
        _policy_changed(call, policy)


def _change_policy(call: Call, entity: Entity, changes: JSON) -> None:
    _refuse_busy(call, entity.id)
    _check_rules(call, changes.get("firewall_rules", ()), entity)


def _check_rules(call: Call, rule_ids: Any, policy: Entity | None) -> None:
    for rule_id in rule_ids:
        rule = call.store.get(RULES_KIND, str(rule_id))
        if rule is None or not own_or_shared(call, rule):
            raise missing("Firewall Rule", str(rule_id))
        if any(other is not policy for other in _policies_with(call.world, rule.id)):
            raise conflict(
                f"Firewall rule {rule.id} is already associated with another firewall policy.",
                "FirewallRuleInUse",
            )


def _guard_policy(call: Call, entity: Entity) -> None:
    if call.store.first(KIND, firewall_policy_id=entity.id) is not None:
        raise conflict(f"Firewall policy {entity.id} is being used.", "FirewallPolicyInUse")


def _policy_changed(call: Call, entity: Entity) -> None:
    """The firewalls that the policy is in force on take the change."""
    for firewall in call.store.find(KIND, firewall_policy_id=entity.id):
        _settle(call, firewall)


def _refuse_busy(call: Call, policy_id: str) -> None:
    for firewall in call.store.find(KIND, firewall_policy_id=policy_id):
        _refuse_pending(firewall)


def _refuse_pending(firewall: Entity) -> None:
    if firewall.data["status"].startswith("PENDING_"):
        raise conflict(
            f"Operation cannot be performed since associated firewall {firewall.id} is in "
            f"{firewall.data['status']}.",
            "FirewallInPendingState",
        )


def _prepare_firewall(call: Call, values: JSON, private: JSON) -> None:
    values.pop("shared")


def _change_firewall(call: Call, entity: Entity, changes: JSON) -> None:
    _refuse_pending(entity)
    changes.pop("shared", None)
    policy_id = changes.get("firewall_policy_id", entity.data["firewall_policy_id"])
    if call.store.get(POLICIES_KIND, str(policy_id)) is None:
        raise missing("Firewall Policy", str(policy_id))


def _firewall_created(call: Call, entity: Entity) -> None:
    call.store.later(entity, call.world.ready_after, {"status": _state(call, entity)})


def _settle(call: Call, entity: Entity) -> None:
    call.store.update(entity, {"status": "PENDING_UPDATE"})
    call.store.later(entity, call.world.ready_after, {"status": _state(call, entity)})


def _state(call: Call, firewall: Entity) -> str:
    """What a firewall comes to: without a router there is nothing where it could be in force."""
    routers = call.store.all("network.routers")
    if not any(router.project_id == firewall.project_id for router in routers):
        return "INACTIVE"
    return "ACTIVE" if firewall.data["admin_state_up"] else "DOWN"


FIREWALL_RULES = Collection(
    kind=RULES_KIND, path="/fw/firewall_rules", singular="firewall_rule", plural="firewall_rules",
    label="Firewall Rule",
    fields={
        "name": Field(""), "description": Field(""), "shared": Field(False, admin=True),
        "protocol": Field(), "ip_version": Field(4), "source_ip_address": Field(),
        "destination_ip_address": Field(), "source_port": Field(), "destination_port": Field(),
        "action": Field("deny"), "enabled": Field(True),
    },
    quota="firewall_rules", sees=own_or_shared, prepare=_prepare_rule, change=_change_rule,
    changed=_rule_changed, guard=_guard_rule, view=_view_rule,
)  # fmt: skip
FIREWALL_POLICIES = Collection(
    kind=POLICIES_KIND, path="/fw/firewall_policies", singular="firewall_policy",
    plural="firewall_policies", label="Firewall Policy",
    fields={
        "name": Field(""), "description": Field(""), "shared": Field(False, admin=True),
        "audited": Field(False), "firewall_rules": Field([]),
    },
    quota="firewall_policies", sees=own_or_shared, prepare=_prepare_policy, change=_change_policy,
    changed=_policy_changed, guard=_guard_policy,
)  # fmt: skip
FIREWALLS = Collection(
    kind=KIND, path="/fw/firewalls", singular="firewall", plural="firewalls", label="Firewall",
    fields={
        "name": Field(""), "description": Field(""), "admin_state_up": Field(True),
        "shared": Field(False, admin=True), "firewall_policy_id": Field(required=True),
    },
    references={"firewall_policy_id": POLICIES_KIND}, quota="firewalls",
    progress=Progression("PENDING_CREATE", "ACTIVE"), deleting="PENDING_DELETE",
    prepare=_prepare_firewall, created=_firewall_created, change=_change_firewall, changed=_settle,
)  # fmt: skip

COLLECTIONS = ((FIREWALL_RULES, PLAIN), (FIREWALL_POLICIES, PLAIN), (FIREWALLS, PLAIN))
