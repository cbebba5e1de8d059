"""The way of a Query request: decode it, find out who sends it, run the action, render its result."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from stackd.auth.signatures import SignedRequest, is_dated
from stackd.cfn_query.actions import Action, Call
from stackd.cfn_query.answers import action_answer, is_json
from stackd.cfn_query.codes import INVALID_ACTION, MISSING_ACTION, Refused
from stackd.cfn_query.front import ACTION, AS_JSON, ROUTE, CfnFront, front_of
from stackd.cfn_query.params import Params, flat, nested
from stackd.cfn_query.senders import Check, sender
from stackd.errors import UndatedSignature
from stackd.records import Caller
from stackd.request_bodies import receive

_FORM = "application/x-www-form-urlencoded"
_ENCODED = 3
"""Bytes that a form may have for one of a template."""


async def answer_query(request: Request, actions: Mapping[str, Action]) -> Response:
    """The answer to a GET with a query, or a POST with a form."""
    front = front_of(request)
    raw = await receive(request, _most(front)) if request.method == "POST" else b""
    pairs = await flat(request.scope["query_string"], raw if _is_form(request) else b"")
    name = pairs.get("Action", "")
    action = actions.get(name)
    request.scope[AS_JSON] = is_json(pairs)
    request.scope[ROUTE] = f"/v1/{action.name}" if action else "/v1/"
    request.scope[ACTION] = action.name if action else ""
    params = await nested(pairs)
    caller = await sender(request, pairs, raw, _check(front, action, params))
    if action is None:
        raise _unknown(name)
    if params.get("Version", action.version) != action.version:
        raise Refused(INVALID_ACTION, f"The action {name} is one of version {action.version}.")
    return await action_answer(request, await action.run(Call(front, caller, action, params)))


def _most(front: CfnFront) -> int:
    """The size up to which a body is read."""
    limits = front.settings.limits
    return max(limits.max_json_body_size, _ENCODED * limits.max_template_size) + 65_536


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", _FORM).partition(";")[0].strip().lower() == _FORM


def _check(front: CfnFront, action: Action | None, params: Params) -> Check:
    """What checks the signature of a request for an action."""

    async def by_action(signed: SignedRequest) -> Caller:
        if action is not None and action.check is not None:
            return await action.check(front, params, signed)
        if not is_dated(signed):
            raise UndatedSignature
        return await front.signatures.validate(signed)

    return by_action


def _unknown(name: str) -> Refused:
    if not name:
        return Refused(MISSING_ACTION)
    return Refused(INVALID_ACTION, f"The action {name[:100]} is not valid for this web service.")
