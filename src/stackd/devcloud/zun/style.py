"""Zun's conventions: errors, ids, times, and lists that know few filters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from stackd.devcloud.collection import Style
from stackd.devcloud.rest import unauthorized
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, bad_request, conflict, forbidden, not_found

_PAGING: Final = frozenset({"marker", "limit", "sort_key", "sort_dir", "all_projects"})
_FILTERS: Final = frozenset(
    ("name", "image", "project_id", "user_id", "memory", "host", "task_state", "status", "auto_remove")
)


def fault(error: Fault) -> Reply:
    """A fault as Zun renders it."""
    if error.status == 401:
        return unauthorized()
    rest = {"request_id": "", "code": f"container.{error.kind}", "links": []}
    shown = {"status": error.status, "title": error.message, "detail": error.message}
    return Reply(error.status, {"errors": [shown | rest]})


def _missing(label: str, entity_id: str) -> Fault:
    return not_found(f"{label} {entity_id} could not be found.", "container-not-found")


def _duplicate(label: str, value: str) -> Fault:
    return conflict(f"A {label.lower()} with name {value} already exists.", "container-already-exists")


def over_quota(plural: str, limit: int) -> Fault:
    """The fault for more than a project may have."""
    return forbidden(f"Quota exceeded for resources: {plural.removeprefix('zun_')}", "over-quota")


def _denied(action: str) -> Fault:
    return forbidden(f"Policy doesn't allow {action} to be performed.", "policy-not-authorized")


def _stamp(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC).replace(microsecond=0)}"


def _page(call: Call, plural: str, items: list[JSON], following: str | None) -> JSON:
    return {plural: items, "next": following}


STYLE: Final = Style(
    missing=_missing,
    duplicate=_duplicate,
    over_quota=over_quota,
    denied=_denied,
    stamp=_stamp,
    created_key="created_at",
    updated_key="updated_at",
    updated_at_first=False,
    update_method="PATCH",
    page_links=_page,
    default_limit=1000,
    largest_limit=1000,
    project_keys=("project_id",),
)


def refuse_unknown_filters(call: Call) -> None:
    """Refuse a list by what no container is listed by."""
    if unknown := [name for name, _ in call.query if name not in _FILTERS | _PAGING]:
        raise bad_request(f"Unknown parameters: {', '.join(unknown)}", "invalid-value")


def wrong_state(entity: Entity, action: str) -> Fault:
    """The fault for what is not done to a container in its state."""
    return conflict(
        f"Cannot {action} container {entity.id} in {entity.data['status']} state", "invalid-state-exception"
    )


# --- the forms of values ------------------------------------------------------------------------------

_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}")
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "command": list, "workdir": str, "labels": dict, "hints": dict, "environment": dict, "mounts": list,
    "nets": list, "security_groups": list, "restart_policy": dict, "hostname": str, "interactive": bool,
    "tty": bool, "image": str, "cpu": (int, float), "memory": (int, str),
}  # fmt: skip
_CHOICES: Final = {
    "image_driver": ("docker", "glance"),
    "image_pull_policy": ("never", "always", "ifnotpresent"),
}
_BOUNDS: Final = {"cpu": (0.1, 16.0), "memory": (4, 8192)}
_RESTART: Final = ("no", "always", "on-failure", "unless-stopped")


def wrong(name: str, value: Any, reason: str) -> Fault:
    """The fault for a value that does not match its schema."""
    text = f"Invalid input for field '{name}'. Value: '{value}'. {reason}"
    return bad_request(text, "schema-validation-error")


def checked(values: JSON, known: Mapping[str, Any]) -> None:
    """Refuse values that are of another type, or beyond what is allowed."""
    if unknown := sorted(values.keys() - known.keys() - {"project_id"}):
        listed = ", ".join(f"'{each}'" for each in unknown)
        raise bad_request(f"Additional properties are not allowed ({listed} was unexpected)")
    for name, value in values.items():
        if value is not None:
            _check(name, value)


def _check(name: str, value: Any) -> None:
    if name in _TYPES and not isinstance(value, _TYPES[name]):
        raise wrong(name, value, "It is of another type.")
    if name == "name" and _NAME.fullmatch(str(value)) is None:
        raise wrong(name, value, f"It does not match '{_NAME.pattern}'")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise wrong(name, value, f"It is not one of {list(_CHOICES[name])}")
    if name in _BOUNDS:
        low, high = _BOUNDS[name]
        if not low <= float(value) <= high:
            raise wrong(name, value, f"It is not between {low} and {high}")
    if name == "environment" and not all(isinstance(each, str) for each in value.values()):
        raise wrong(name, value, "Its values are not of type 'string'")
    if name == "restart_policy":
        _check_restart(value)


def _check_restart(policy: JSON) -> None:
    if policy.get("Name") not in _RESTART or policy.keys() - {"Name", "MaximumRetryCount"}:
        raise wrong("restart_policy", policy, f"Its name is not one of {list(_RESTART)}")
    if int(policy.setdefault("MaximumRetryCount", "0")) and policy["Name"] in ("always", "unless-stopped"):
        reason = f"maximum retry count not valid with restart policy of {policy['Name']}"
        raise bad_request(reason, "invalid-value")
