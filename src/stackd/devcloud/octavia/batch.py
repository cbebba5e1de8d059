"""The change of all members of a pool by one call: what is named is made or changed, what is not goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from stackd.devcloud.collection import check_quota, create_many, delete, demand, fetch, filled, touch
from stackd.devcloud.octavia.kinds import MEMBERS_KIND
from stackd.devcloud.octavia.pools import MEMBERS, POOLS, check_member, demand_free, put_inside
from stackd.devcloud.octavia.states import demand_mutable, with_defaults, work, work_on_balancer
from stackd.devcloud.octavia.style import STYLE, invalid
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request

Place = tuple[str, int]
"""Address and port, which only one member of a pool has."""

_TRUE: Final = frozenset({"1", "t", "true", "on", "y", "yes"})
_RESET: Final = ("admin_state_up", "weight", "backup", "monitor_address", "monitor_port")
"""What a member that is there gets the default of, unless the request names it."""


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    put_inside(fetch(POOLS, STYLE, call, call.params["pool"]), values)
    demand_free(call, values)


_IN_BATCH: Final = replace(
    MEMBERS,
    prepare=_prepare,
    created=lambda call, entity: work(call, entity, "PENDING_CREATE"),
    guard=None,
    quota="",
)
"""Members whose load balancer begins to change once, and not with each of them."""


def _change_all(call: Call) -> Reply:
    demand(call, MEMBERS.writer, "update_members", STYLE)
    pool = fetch(POOLS, STYLE, call, call.params["pool"])
    named = _named(call)
    is_additive = call.first("additive_only").lower() in _TRUE
    demand_mutable(call, pool.data["loadbalancer_id"])
    old = {_place(each.data): each for each in call.store.find(MEMBERS_KIND, pool_id=pool.id)}
    new = [body for body in named if _place(body) not in old]
    known = [body for body in named if _place(body) in old]
    if any(number > 1 for number in Counter(map(_place, known)).values()):
        raise invalid("Member must be updated only once in the same request.")
    places = set(map(_place, named))
    left = [] if is_additive else [each for place, each in old.items() if place not in places]
    if new or known or left:
        if (more := len(new) - len(left)) > 0:
            check_quota(MEMBERS, STYLE, call, pool.project_id, more)
        create_many(_IN_BATCH, STYLE, call, new)
        for body in known:
            _change(call, old[_place(body)], body)
        for each in left:
            delete(_IN_BATCH, call, each)
        work_on_balancer(call, pool)
    return Reply(202)


def _named(call: Call) -> Sequence[JSON]:
    """The members in a request; a fault if any of them makes no sense."""
    body = call.json()
    named = body.get("members") if isinstance(body, dict) else None
    if not isinstance(named, list) or not all(isinstance(each, dict) for each in named):
        raise bad_request("Invalid input for field/attribute members.")
    for each in named:
        check_member(call, filled(MEMBERS, STYLE, call, each))
    return named


def _place(values: JSON) -> Place:
    return str(values["address"]), int(values["protocol_port"])


def _change(call: Call, member: Entity, body: JSON) -> None:
    changes = {name: MEMBERS.fields[name].default for name in _RESET} | body
    with_defaults(MEMBERS, changes)
    call.store.update(member, changes)
    touch(STYLE, call.world, member)
    work(call, member, "PENDING_UPDATE")


ROUTE: Final = Route("PUT", MEMBERS.path, _change_all)
