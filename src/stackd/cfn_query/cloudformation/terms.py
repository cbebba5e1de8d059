"""What the parameters of an action ask of a stack besides its definition."""

from __future__ import annotations

from typing import Any, Final

from stackd.cfn_query.actions import Call
from stackd.cfn_query.codes import BAD_COMBINATION, NO_CAPABILITIES, Refused
from stackd.cfn_query.params import Params, bad_value, choice, flag, integer, text, texts
from stackd.engine.usecases import protection, template_summaries
from stackd.engine.usecases.repeats import token_of
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.terms import Terms, Token

CAPABILITIES: Final = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
_MOST_ARNS = 5
_MOST_TRIGGERS = 5
_LONGEST_WATCH = 180
_LONGEST_TOKEN = 128
_LONGEST_ARN = 2_048
_NOT_ASKED: Final = frozenset(
    ("Signature", "SignatureMethod", "SignatureVersion", "AWSAccessKeyId", "SecurityToken", "Timestamp")
)
"""Parameters that are not of a request but of its signature, and differ each time that it is made."""


async def terms_of(call: Call, *, only_changes: bool = False) -> Terms:
    """The terms of a change; with ``only_changes`` one that changes nothing is refused."""
    params = call.params
    return Terms(
        settings=settings_of(params),
        protected=flag(params, "EnableTerminationProtection"),
        policy=await _policy(call, "StackPolicy"),
        policy_during=await _policy(call, "StackPolicyDuringUpdate"),
        allowed_types=tuple(texts(params, "ResourceTypes") or ()),
        deletes="DELETE" in (text(params, "OnFailure"), text(params, "OnStackFailure")),
        unretained=bool(flag(params, "RetainExceptOnCreate")),
        only_changes=only_changes,
        token=request_token(call),
    )


def request_token(call: Call, name: str = "ClientRequestToken") -> Token | None:
    """The client's name for the request; None if it has none."""
    value = text(call.params, name)
    if not value:
        return None
    if len(value) > _LONGEST_TOKEN:
        raise bad_value(name, f"may have {_LONGEST_TOKEN} characters")
    asked = {key: each for key, each in call.params.items() if not _is_of_signature(key)}
    return token_of(call.engine, call.caller, value, call.action.name, asked)


def _is_of_signature(name: str) -> bool:
    return name in _NOT_ASKED or name.startswith("X-Amz-")


def settings_of(params: Params) -> dict[str, Any]:
    """What is kept with a stack and shown: those that are given."""
    given: dict[str, Any] = {
        "capabilities": _capabilities(params),
        "notification_arns": texts(params, "NotificationARNs", most=_MOST_ARNS),
        "role_arn": _role(params),
        "rollback_configuration": _rollback_configuration(params),
        "retain_except_on_create": flag(params, "RetainExceptOnCreate"),
    }
    return {name: value for name, value in given.items() if value is not None}


def _capabilities(params: Params) -> list[str] | None:
    found = texts(params, "Capabilities")
    for each in found or ():
        if each not in CAPABILITIES:
            raise bad_value("Capabilities", f"may have {', '.join(CAPABILITIES)}, not {each[:100]!r}")
    return found


def _role(params: Params) -> str | None:
    value = text(params, "RoleARN")
    if value and not 20 <= len(value) <= _LONGEST_ARN:
        raise bad_value("RoleARN", f"must have 20 to {_LONGEST_ARN} characters")
    return value or None


def _rollback_configuration(params: Params) -> dict[str, Any] | None:
    """The alarms that are named for a rollback, and for how long they would be watched."""
    given = params.get("RollbackConfiguration")
    if given is None:
        return None
    if given == "":
        return {}
    if not isinstance(given, dict):
        raise bad_value("RollbackConfiguration", "must be a structure")
    minutes = integer(given, "MonitoringTimeInMinutes", least=0, most=_LONGEST_WATCH)
    triggers = given.get("RollbackTriggers") or []
    if not isinstance(triggers, list) or len(triggers) > _MOST_TRIGGERS:
        raise bad_value("RollbackConfiguration.RollbackTriggers", f"may have {_MOST_TRIGGERS} members")
    made: dict[str, Any] = {"RollbackTriggers": [_trigger(each) for each in triggers]}
    return made | ({"MonitoringTimeInMinutes": minutes} if minutes is not None else {})


def _trigger(given: Any) -> dict[str, str]:
    match given:
        case {"Arn": str(arn), "Type": str(kind)} if arn and kind:
            return {"Arn": arn, "Type": kind}
    raise bad_value("RollbackConfiguration.RollbackTriggers", "has members without an Arn and a Type")


async def _policy(call: Call, name: str) -> str | None:
    """The text of a stack policy, which is given or fetched."""
    body, url = text(call.params, f"{name}Body"), text(call.params, f"{name}URL")
    if body and url:
        raise Refused(BAD_COMBINATION, f"Give the policy by {name}Body or by {name}URL, not by both.")
    if url:
        return await protection.fetched(call.engine, call.caller, url, rule=call.rule)
    return body or None


async def require_capabilities(call: Call, request: StackRequest) -> None:
    """Refuse a template that needs an acknowledgement which is not given, where the operator wants that."""
    if not call.front.settings.api.cfn.require_capabilities:
        return
    found = await template_summaries.of_request(call.engine, call.caller, request, rule=call.rule)
    given = set(texts(call.params, "Capabilities") or ())
    if found.capabilities and not given & {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}:
        raise Refused(NO_CAPABILITIES, f"Requires capabilities : [{', '.join(found.capabilities)}]")


def required_choice(params: Params, name: str, *values: str) -> str:
    """One of some values, which must be given."""
    found = choice(params, name, *values)
    if found is None:
        raise bad_value(name, f"is required: one of {', '.join(values)}")
    return found


async def policy_given(call: Call) -> str:
    """The text of the stack policy that a call must give."""
    found = await _policy(call, "StackPolicy")
    if found is None:
        raise bad_value("StackPolicyBody", "is required, or StackPolicyURL")
    return found
