"""What the parameters of an action ask a stack to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from stackd.cfn_query.actions import Call
from stackd.cfn_query.codes import BAD_COMBINATION, Refused
from stackd.cfn_query.params import (
    Params,
    bad_value,
    choice,
    flag,
    integer,
    required,
    structures,
    text,
)
from stackd.engine.usecases.arns import stack_named
from stackd.engine.usecases.previous import with_previous
from stackd.engine.usecases.requests import StackRequest
from stackd.records import Stack

_MOST_TAGS: Final = 50
_MOST_MINUTES: Final = 2**31 - 1
_TEMPLATES: Final = ("TemplateBody", "TemplateURL", "TemplateUrl")
_LONGEST_KEY, _LONGEST_VALUE = 128, 256
_ASKS: Final[Mapping[str, bool]] = {"DO_NOTHING": True, "ROLLBACK": False, "DELETE": False}
"""Whether each choice of ``OnFailure`` leaves what there is."""


async def stack_of(call: Call, name: str = "StackName") -> Stack:
    """The stack that a parameter names."""
    return await stack_named(call.engine, call.caller, required(call.params, name), rule=call.rule)


def stack_request(call: Call, *, disable_rollback: bool | None) -> StackRequest:
    """The definition that the parameters of a call describe."""
    return _with_values(template_request(call.params), call.params, parameters(call.params), disable_rollback)


async def change_request(call: Call, stack: Stack, *, disable_rollback: bool | None = None) -> StackRequest:
    """The definition that the parameters of a call describe as a change of a stack.

    Tags that are not given stay; parameters do so only where they say it.
    """
    params = call.params
    keeps_template = bool(flag(params, "UsePreviousTemplate"))
    if keeps_template and any(text(params, name) for name in _TEMPLATES):
        raise Refused(BAD_COMBINATION, "Give a template or UsePreviousTemplate, not both.")
    made = StackRequest() if keeps_template else template_request(params)
    request = _with_values(made, params, parameters(params, previous=True), disable_rollback)
    if request.tags is None:
        request = request.model_copy(update={"tags": stack.tags})
    return await with_previous(call.engine, stack, request, _previous(params), template=keeps_template)


def _with_values(
    made: StackRequest, params: Params, values: Mapping[str, str], disable_rollback: bool | None
) -> StackRequest:
    minutes = integer(params, "TimeoutInMinutes", least=0, most=_MOST_MINUTES)
    return made.model_copy(
        update={
            "parameters": values,
            "timeout_mins": minutes,
            "tags": tags(params),
            "disable_rollback": disable_rollback,
        }
    )


def template_request(params: Params) -> StackRequest:
    """A request with the template that is given, as text or by its URL; refused unless it is one of both."""
    body = text(params, "TemplateBody")
    url = text(params, "TemplateURL") or text(params, "TemplateUrl")
    if body and url:
        raise Refused(BAD_COMBINATION, "Give the template by TemplateBody or by TemplateURL, not by both.")
    if not body and not url:
        raise bad_value("TemplateBody", "is required, or TemplateURL")
    return StackRequest(template=body or None, template_url=url or None, default_version=True)


def parameters(params: Params, *, previous: bool = False) -> dict[str, str]:
    """The values of the template's parameters, without those that stay as they are if some may
    (``previous``)."""
    found: dict[str, str] = {}
    for index, each in enumerate(structures(params, "Parameters") or (), 1):
        name, value = each.get("ParameterKey"), each.get("ParameterValue")
        if not isinstance(name, str) or not name:
            raise bad_value(f"Parameters.member.{index}", "needs a ParameterKey and a ParameterValue")
        if flag(each, "UsePreviousValue"):
            if value is not None or not previous:
                why = "has both a value and UsePreviousValue" if previous else "has no previous value"
                raise bad_value(f"Parameters.member.{index}", why)
            continue
        if not isinstance(value, str):
            raise bad_value(f"Parameters.member.{index}", "needs a ParameterKey and a ParameterValue")
        found[name] = value
    return found


def _previous(params: Params) -> list[str]:
    """The names of the parameters that stay as they are."""
    given = structures(params, "Parameters") or ()
    return [each["ParameterKey"] for each in given if flag(each, "UsePreviousValue")]


def rollback_disabled(params: Params) -> bool | None:
    """Whether rollback is disabled; None if the request does not specify it."""
    disabled = flag(params, "DisableRollback")
    on_failure = choice(params, "OnFailure", *_ASKS)
    if disabled is not None and on_failure is not None:
        raise Refused(BAD_COMBINATION, "Give DisableRollback or OnFailure, not both.")
    return disabled if on_failure is None else _ASKS[on_failure]


# --- tags -----------------------------------------------------------------------------------------


def tags(params: Params) -> tuple[str, ...] | None:
    """The tags as stacks have them, ``key=value``; None if they are not given."""
    given = structures(params, "Tags", most=_MOST_TAGS)
    if given is None:
        return None
    made = dict((_tag(each, at) for at, each in enumerate(given, 1)))
    if len(made) < len(given):
        raise bad_value("Tags", "has a key twice")
    return tuple(f"{key}={value}" if value else key for key, value in made.items())


def _tag(given: Mapping[str, Any], at: int) -> tuple[str, str]:
    key, value = given.get("Key"), given.get("Value", "")
    name = f"Tags.member.{at}"
    if not isinstance(key, str) or not isinstance(value, str) or not 1 <= len(key) <= _LONGEST_KEY:
        raise bad_value(name, f"needs a Key of 1 to {_LONGEST_KEY} characters, and a Value")
    if len(value) > _LONGEST_VALUE:
        raise bad_value(f"{name}.Value", f"has more than {_LONGEST_VALUE} characters")
    if "=" in key:
        raise bad_value(f"{name}.Key", "may not have an equals sign, which parts keys from values")
    return key, value


def shown_tags(given: Sequence[str] | None) -> list[dict[str, str]]:
    """The tags of a stack as keys with values; a plain word has an empty one."""
    return [{"Key": key, "Value": value} for key, _, value in (each.partition("=") for each in given or ())]
