"""What the rules of alarms may have, by the type of the alarm. Values that are left out get their default."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Call, Fault, bad_request

REQUIRED: Final = object()

_BY_QUERY: Final = "gnocchi_aggregation_by_resources_threshold"
_COMPARED: Final[JSON] = {"comparison_operator": "eq", "threshold": REQUIRED}
_GNOCCHI: Final[JSON] = {
    **_COMPARED, "aggregation_method": REQUIRED, "evaluation_periods": 1, "granularity": 60,
}  # fmt: skip
_OF_RESOURCES: Final[JSON] = {**_GNOCCHI, "metric": REQUIRED, "resource_type": REQUIRED}
RULES: Final[Mapping[str, JSON]] = {
    "gnocchi_resources_threshold": {**_OF_RESOURCES, "resource_id": REQUIRED},
    "gnocchi_aggregation_by_metrics_threshold": {**_GNOCCHI, "metrics": REQUIRED},
    _BY_QUERY: {**_OF_RESOURCES, "query": REQUIRED},
    "event": {"event_type": "*", "query": []},
    "loadbalancer_member_health": {
        "pool_id": REQUIRED, "stack_id": REQUIRED, "autoscaling_group_id": REQUIRED,
    },
    "prometheus": {**_COMPARED, "query": REQUIRED},
    "composite": {},
}  # fmt: skip
_COMBINED: Final = tuple(name for name in RULES if name.startswith(("gnocchi", "prometheus")))
_OPERATORS: Final = ("lt", "le", "eq", "ne", "ge", "gt")
_METHOD: Final = re.compile(r"(rate:)?(mean|sum|last|max|min|std|median|first|count|nunique|[1-9][0-9]?pct)")


def invalid(field: str, value: object, why: str) -> Fault:
    """The fault for a value that a field cannot have."""
    return bad_request(f"Invalid input for field/attribute {field}. Value: '{value}'. {why}")


def checked_rule(call: Call, kind: str, given: Any) -> JSON:
    """A rule, complete; a fault if it is wrong."""
    if kind == "composite":
        return _checked_composite(call, given)
    if not isinstance(given, dict):
        raise invalid(f"{kind}_rule", given, "Expected an object.")
    known = RULES[kind]
    if unknown := sorted(given.keys() - known.keys()):
        raise bad_request(f"Unknown attribute for argument data.{kind}_rule: {', '.join(unknown)}")
    rule = {name: given.get(name, default) for name, default in known.items()}
    for name, value in rule.items():
        if value is REQUIRED:
            raise invalid(name, None, "Mandatory field missing.")
        rule[name] = _CHECKS[name](value) if name in _CHECKS else value
    if kind == _BY_QUERY:
        rule["query"] = _scoped(call, rule["query"])
    return rule


def _checked_composite(call: Call, given: Any) -> JSON:
    """Rules under ``and`` or ``or``, each one of a threshold or again such a combination."""
    if isinstance(given, dict) and len(given) == 1:
        [(operator, rules)] = given.items()
        if operator not in ("and", "or"):
            raise bad_request('Threshold rules should be combined with "and" or "or"')
        if isinstance(rules, list):
            return {operator: [_checked_composite(call, each) for each in rules]}
    elif isinstance(given, dict):
        rule = dict(given)
        kind = rule.pop("type", None)
        if not kind:
            raise bad_request("type must be set in every rule")
        if kind not in _COMBINED:
            raise bad_request(
                f"Unsupported sub-rule type :{kind} in composite rule, should be one of: {sorted(_COMBINED)}"
            )
        return checked_rule(call, kind, rule) | {"type": kind}
    raise bad_request(f"Invalid input composite rule: {given}")


# --- single values ------------------------------------------------------------------------------------


def _operator(value: Any) -> str:
    if value not in _OPERATORS:
        why = f"Value should be one of: {', '.join(sorted(_OPERATORS))}"
        raise invalid("comparison_operator", value, why)
    return str(value)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise invalid("data", value, str(error)) from error


def _within(name: str, most: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if not isinstance(value, int) or not 1 <= value <= most:
            raise invalid(name, value, f"Value should be between 1 and {most}")
        return value

    return check


def _method(value: Any) -> str:
    if not isinstance(value, str) or not _METHOD.fullmatch(value):
        raise bad_request(f"aggregation_method should be in ['mean', 'sum', ...] not {value}")
    return value


def _scoped(call: Call, query: Any) -> str:
    """A query to Gnocchi; of those who are no administrators it finds what their project made."""
    try:
        asked = orjson.loads(str(query))
    except orjson.JSONDecodeError as error:
        raise invalid("rule/query", query, "") from error
    if call.actor.is_admin:
        return str(query)
    own = {"=": {"created_by_project_id": call.actor.project_id}}
    return orjson.dumps({"and": [own, asked]}).decode()


_CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "comparison_operator": _operator,
    "threshold": _number,
    "evaluation_periods": _within("evaluation_periods", 100),
    "granularity": _within("granularity", 3600 * 24 * 365),
    "aggregation_method": _method,
}
