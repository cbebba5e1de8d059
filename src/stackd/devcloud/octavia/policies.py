"""Policies of listeners, and their rules."""

from __future__ import annotations

from typing import Final

from stackd.devcloud.collection import Field, fetch, own
from stackd.devcloud.octavia.balancers import LISTENERS
from stackd.devcloud.octavia.kinds import POLICIES_KIND, POOLS_KIND, RULES_KIND
from stackd.devcloud.octavia.states import balanced, demand_mutable, ids, shown, with_defaults
from stackd.devcloud.octavia.style import STYLE
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request
from stackd.devcloud.world import World

_TARGETS: Final = {"REJECT": None, "REDIRECT_TO_POOL": "redirect_pool_id", "REDIRECT_TO_URL": "redirect_url"}
_KEYED: Final = ("HEADER", "COOKIE")


def _prepare_policy(call: Call, values: JSON, private: JSON) -> None:
    listener = fetch(LISTENERS, STYLE, call, values["listener_id"])
    _check_target(call, values)
    demand_mutable(call, listener.data["loadbalancer_id"])
    others = list(call.store.find(POLICIES_KIND, listener_id=listener.id))
    values |= {
        "loadbalancer_id": listener.data["loadbalancer_id"],
        "position": min(values["position"] or len(others) + 1, len(others) + 1),
    }


def _check_target(call: Call, values: JSON) -> None:
    """An action has its target; what belongs to another action is forgotten."""
    needed = _TARGETS[values["action"]]
    if needed and not values[needed]:
        raise bad_request(f"Invalid L7 Policy arguments: {needed} must not be None")
    values |= {name: None for name in _TARGETS.values() if name and name != needed}
    pool_id = values["redirect_pool_id"]
    if pool_id and call.store.get(POOLS_KIND, pool_id) is None:
        raise STYLE.missing("Pool", pool_id)


def _change_policy(call: Call, entity: Entity, changes: JSON) -> None:
    with_defaults(POLICIES, changes)
    complete = entity.data | changes
    _check_target(call, complete)
    changes |= {name: complete[name] for name in _TARGETS.values() if name}
    demand_mutable(call, entity.data["loadbalancer_id"])


def _release_policy(world: World, entity: Entity) -> None:
    for rule in list(world.store.find(RULES_KIND, l7policy_id=entity.id)):
        world.store.remove(rule)


def _view_policy(call: Call, entity: Entity) -> JSON:
    return shown(call, entity, rules=ids(call.store.find(RULES_KIND, l7policy_id=entity.id)))


POLICIES = balanced(
    "l7policies", "l7policy", "L7 Policy",
    {
        "name": Field(""), "description": Field(""), "listener_id": Field(required=True, put=False),
        "action": Field(required=True), "redirect_pool_id": Field(), "redirect_url": Field(),
        "redirect_prefix": Field(), "position": Field(),
    },
    prepare=_prepare_policy, change=_change_policy, release=_release_policy, view=_view_policy,
)  # fmt: skip


def _prepare_rule(call: Call, values: JSON, private: JSON) -> None:
    policy = fetch(POLICIES, STYLE, call, call.params["l7policy"])
    _check_rule(values)
    demand_mutable(call, policy.data["loadbalancer_id"])
    values |= {"l7policy_id": policy.id, "loadbalancer_id": policy.data["loadbalancer_id"]}


def _check_rule(values: JSON) -> None:
    if (values["type"] in _KEYED) != bool(values["key"]):
        problem = "requires a key" if values["type"] in _KEYED else "does not use a key"
        raise bad_request(f"Error parsing L7Rule: Invalid L7 Rule: L7 rule type {problem}")


def _change_rule(call: Call, entity: Entity, changes: JSON) -> None:
    with_defaults(RULES, changes)
    _check_rule(entity.data | changes)
    demand_mutable(call, entity.data["loadbalancer_id"])


def _in_policy(call: Call, entity: Entity) -> bool:
    return own(call, entity) and entity.data["l7policy_id"] == call.params["l7policy"]


RULES = balanced(
    "l7policies/{l7policy}/rules", "rule", "L7 Rule",
    {
        "l7policy_id": Field(post=False, put=False), "type": Field(required=True),
        "compare_type": Field(required=True), "value": Field(required=True), "key": Field(),
        "invert": Field(False),
    },
    kind=RULES_KIND, sees=_in_policy, prepare=_prepare_rule, change=_change_rule,
)  # fmt: skip
