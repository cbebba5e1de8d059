"""QoS policies and their rules, of which a policy has one of each kind for a direction."""

from __future__ import annotations

from collections.abc import Mapping

from stackd.devcloud.collection import Change, Collection, Field, Prepare
from stackd.devcloud.neutron.style import PLAIN, STYLE, own_or_shared
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, bad_request, conflict, not_found
from stackd.devcloud.world import World

_POLICIES = "network.qos_policies"
_MARKS = (0, *range(8, 41, 2), 46, 48, 56)
_DIRECTIONS = ("egress", "ingress")
_KINDS: Mapping[str, Mapping[str, Field]] = {
    "bandwidth_limit": {
        "max_kbps": Field(required=True),
        "max_burst_kbps": Field(0),
        "direction": Field("egress"),
    },
    "dscp_marking": {"dscp_mark": Field(required=True)},
    "minimum_bandwidth": {"min_kbps": Field(required=True), "direction": Field("egress")},
    "minimum_packet_rate": {"min_kpps": Field(required=True), "direction": Field("egress")},
}


def _rules_of(kind: str) -> str:
    return f"network.qos_{kind}_rules"


def check_qos_policy(call: Call, values: JSON) -> None:
    """Refuse a policy that the caller cannot see."""
    if policy_id := values.get("qos_policy_id"):
        _policy(call, str(policy_id))


def _policy(call: Call, policy_id: str) -> Entity:
    policy = call.store.get(_POLICIES, policy_id)
    if policy is None or not own_or_shared(call, policy):
        raise not_found(f"QoS policy {policy_id} could not be found.", "QosPolicyNotFound")
    return policy


def _prepare_policy(call: Call, values: JSON, private: JSON) -> None:
    values |= {"rules": [], "tags": []}


def _guard_policy(call: Call, entity: Entity) -> None:
    for kind, label in (("networks", "Network"), ("ports", "Port"), ("floatingips", "FloatingIP")):
        user = call.store.first(f"network.{kind}", qos_policy_id=entity.id)
        if user is not None:
            raise conflict(f"QoS Policy {entity.id} is used by {label} {user.id}.", "QosPolicyInUse")


def _view_policy(call: Call, entity: Entity) -> JSON:
    rules = [
        rule.data | {"type": kind}
        for kind in _KINDS
        for rule in call.store.find(_rules_of(kind), qos_policy_id=entity.id)
    ]
    return entity.data | {"rules": rules}


def _release_policy(world: World, entity: Entity) -> None:
    for kind in _KINDS:
        for rule in list(world.store.find(_rules_of(kind), qos_policy_id=entity.id)):
            world.store.remove(rule)


def _in_policy(call: Call, entity: Entity) -> bool:
    """Whether a rule is of the policy in the path."""
    return bool(entity.data["qos_policy_id"] == _policy(call, call.params["policy"]).id)


def _prepare_rule(kind: str) -> Prepare:
    def prepare(call: Call, values: JSON, private: JSON) -> None:
        policy = _policy(call, call.params["policy"])
        _check_values(kind, values)
        _refuse_double(call, kind, policy.id, values, "")
        _refuse_contradiction(call, kind, policy.id, values)
        values["qos_policy_id"] = policy.id

    return prepare


def _change_rule(kind: str) -> Change:
    def change(call: Call, entity: Entity, changes: JSON) -> None:
        values = entity.data | changes
        _check_values(kind, values)
        _refuse_double(call, kind, entity.data["qos_policy_id"], values, entity.id)
        _refuse_contradiction(call, kind, entity.data["qos_policy_id"], values)

    return change


def _check_values(kind: str, values: JSON) -> None:
    for name in _KINDS[kind]:
        value = values[name]
        if name == "direction":
            allowed = ("any", *_DIRECTIONS) if kind == "minimum_packet_rate" else _DIRECTIONS
            is_valid = value in allowed
        else:
            is_valid = value in _MARKS if name == "dscp_mark" else isinstance(value, int) and value >= 0
        if not is_valid:
            raise bad_request(f"Invalid input for {name}. Reason: '{value}' is not valid.", "HTTPBadRequest")


def _refuse_double(call: Call, kind: str, policy_id: str, values: JSON, but: str) -> None:
    for other in call.store.find(_rules_of(kind), qos_policy_id=policy_id):
        directions = {other.data.get("direction"), values.get("direction")}
        if other.id != but and len(directions) == 2 and "any" in directions:
            raise _unfit(policy_id, values["direction"], kind, other.data["direction"])
        if other.id != but and len(directions) == 1:
            raise conflict(
                f"Rule {kind} conflicts with rule {other.id} which already exists in QoS Policy {policy_id}.",
                "QoSRulesConflict",
            )


_BOUNDS = {"minimum_bandwidth": ("min_kbps", 1), "bandwidth_limit": ("max_kbps", -1)}
"""By kind of rule its value, and the sign with which that is no more than the other's."""


def _refuse_contradiction(call: Call, kind: str, policy_id: str, values: JSON) -> None:
    """A minimum is no more than the limit in the same direction."""
    if kind not in _BOUNDS:
        return
    (other_kind,) = _BOUNDS.keys() - {kind}
    (own, sign), (name, _) = _BOUNDS[kind], _BOUNDS[other_kind]
    for other in call.store.find(
        _rules_of(other_kind), qos_policy_id=policy_id, direction=values["direction"]
    ):
        if sign * values[own] > sign * other.data[name]:
            raise _unfit(policy_id, values[own], other_kind, other.data[name])


def _unfit(policy_id: str, value: object, kind: str, present: object) -> Fault:
    return conflict(
        f"Unable to add the rule with value {value} to the policy {policy_id} as the existing rule of type "
        f"{kind} has value {present}.",
        "QoSRuleParameterConflict",
    )


def _rules(kind: str) -> Collection:
    return Collection(
        kind=_rules_of(kind), path=f"/qos/policies/{{policy}}/{kind}_rules", singular=f"{kind}_rule",
        plural=f"{kind}_rules", label="QoS rule", fields=_KINDS[kind], indexes=("qos_policy_id",),
        writer="admin", sees=_in_policy, prepare=_prepare_rule(kind), change=_change_rule(kind),
        view=_view_rule, projectless=True,
    )  # fmt: skip


def _view_rule(call: Call, entity: Entity) -> JSON:
    return {key: value for key, value in entity.data.items() if key != "qos_policy_id"}


QOS_POLICIES = Collection(
    kind=_POLICIES, path="/qos/policies", singular="policy", plural="policies", label="QoS policy",
    fields={
        "name": Field(required=True), "description": Field(""), "shared": Field(False),
        "is_default": Field(False),
    },
    writer="admin", sees=own_or_shared, prepare=_prepare_policy, guard=_guard_policy, view=_view_policy,
    release=_release_policy,
)  # fmt: skip
COLLECTIONS = ((QOS_POLICIES, STYLE), *((_rules(kind), PLAIN) for kind in _KINDS))
