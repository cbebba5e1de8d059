"""Rules of access to shares, which are applied and taken away after a while."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any, Final

from stackd.devcloud.collection import Collection, Field, Progression, create, demand, fetch
from stackd.devcloud.listing import chosen
from stackd.devcloud.manila.shares import RULES as KIND
from stackd.devcloud.manila.shares import SHARES
from stackd.devcloud.manila.style import STYLE
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, not_found

_LEVELS: Final = ("rw", "ro")
_USER: Final = re.compile(r".[^\"/\\\[\]:;|=,+*?<>]{3,254}")
_APPLICABLE: Final = frozenset({"available"})


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


_FITS: Final[dict[str, Callable[[str], bool]]] = {
    "ip": _is_ip,
    "user": lambda text: _USER.fullmatch(text) is not None,
    "cert": lambda text: 0 < len(text.strip()) <= 64,
    "cephx": lambda text: bool(text) and text.isascii() and "." not in text,
}


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    kind, whom, level = values["access_type"], values["access_to"], values["access_level"]
    if kind not in _FITS:
        raise bad_request("Only 'ip', 'user', 'cert' or 'cephx' access types are supported.")
    if not isinstance(whom, str) or not _FITS[kind](whom):
        raise bad_request(f"'{whom}' is not valid for access of the type {kind}.")
    if level not in (*_LEVELS, None):
        raise bad_request(f"Invalid share access: Invalid share access level: {level}.")
    for rule in call.store.find(KIND, share_id=values["share_id"]):
        if (rule.data["access_type"], rule.data["access_to"]) == (kind, whom):
            raise bad_request(f"Share access {kind}:{whom} exists.")
    values |= {"access_level": level or "rw", "access_key": None, "metadata": values["metadata"] or {}}


def _view(call: Call, rule: Entity) -> JSON:
    return {name: value for name, value in rule.data.items() if name != "project_id"}


RULES: Final = Collection(
    kind=KIND, path="/share-access-rules", singular="access", plural="access_list",
    label="Share access rule",
    fields={
        "share_id": Field(), "access_type": Field(required=True), "access_to": Field(required=True),
        "access_level": Field(), "metadata": Field(),
    },
    indexes=("share_id",), progress=Progression("queued_to_apply", "active", "state"),
    broken={"state": "error"}, methods="show", prepare=_prepare, view=_view,
)  # fmt: skip


def _list(call: Call) -> Reply:
    share_id = call.first("share_id")
    if not share_id:
        raise bad_request("The field 'share_id' has to be specified.")
    if (share := call.store.get(SHARES.kind, share_id)) is None or not SHARES.sees(call, share):
        raise bad_request(f"Share {share_id} not found.")
    rules = chosen(call, call.store.find(KIND, share_id=share_id), {}, RULES.fields)
    return Reply(200, {RULES.plural: [_view(call, each) for each in rules]})


def _act(call: Call) -> Reply:
    """Allow access or deny it."""
    share = fetch(SHARES, STYLE, call, call.params["id"])
    action, asked = next(iter(call.json().items()), ("", None))
    if action not in _ACTIONS or not isinstance(asked, dict):
        raise bad_request(f"There is no such action: {action}")
    demand(call, "member", f"share:{action}", STYLE)
    if share.data["status"] not in _APPLICABLE:
        raise bad_request(
            "Invalid share: New access rules cannot be applied while the share or any of its replicas or "
            "migration copies lacks a valid host or is in an invalid state."
        )
    return _ACTIONS[action](call, share, asked)


def _allow(call: Call, share: Entity, asked: JSON) -> Reply:
    rule = create(RULES, STYLE, call, {**asked, "share_id": share.id})
    return Reply(200, {RULES.singular: _view(call, rule)})


def _deny(call: Call, share: Entity, asked: JSON) -> Reply:
    rule = call.store.get(KIND, str(asked.get("access_id")))
    if rule is None or rule.data["share_id"] != share.id:
        raise not_found("The resource could not be found.")
    call.store.update(rule, {"state": "queued_to_deny"})
    call.store.later(rule, call.world.ready_after, None)
    return Reply(202)


_ACTIONS: Final[dict[str, Callable[[Call, Entity, Any], Reply]]] = {
    "allow_access": _allow,
    "deny_access": _deny,
}
ROUTES: Final = (
    Route("GET", RULES.path, _list),
    Route("POST", "/shares/{id}/action", _act),
)
