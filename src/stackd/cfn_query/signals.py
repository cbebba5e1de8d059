"""The URLs to which guests send signals, most of them signed ones that `Fn::Ref` or an attribute gave.

What a request says of its body's type is ignored, and the signature of a URL never covers the body: the tools
in old images send neither correctly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from stackd.auth.signatures import SignedRequest
from stackd.cfn_query.answers import answer, json_answer, wants_json
from stackd.cfn_query.front import ROUTE, front_of
from stackd.cfn_query.params import flat
from stackd.cfn_query.senders import sender
from stackd.engine.usecases import signals, signed_signals
from stackd.records import Caller
from stackd.request_bodies import parse, receive

router = APIRouter(redirect_slashes=False)


@router.post("/signal/{arn:path}")
async def signal(request: Request) -> Response:
    """Signal a resource."""
    await _deliver(request, "signal")
    return Response()


@router.put("/waitcondition/{arn:path}")
@router.post("/waitcondition/{arn:path}")
async def signal_wait_condition(request: Request) -> Response:
    """Signal the handle of a wait condition; an answer in JSON has all its signals."""
    name, metadata = await _deliver(request, "waitcondition")
    if wants_json(request):
        return json_answer({"resource": name, "metadata": metadata})
    return answer(request, "resource", name)


async def _deliver(request: Request, kind: str) -> tuple[str, Mapping[str, Any]]:
    """Authenticate the sender, read the body, and hand both to the engine."""
    request.scope[ROUTE] = f"/v1/{kind}"
    front, arn = front_of(request), request.path_params["arn"]
    most = front.settings.limits.max_json_body_size
    stack, resource = signed_signals.addressed(arn)

    async def check(signed: SignedRequest) -> Caller:
        return await signed_signals.sender(front.engine, front.signatures, signed, kind, arn)

    raw = await receive(request, most) if "authorization" in request.headers else None
    params = await flat(request.scope["query_string"])
    caller = await sender(request, params, raw or b"", check)
    raw = await receive(request, most) if raw is None else raw
    details = await parse(raw) if raw.startswith(b"{") else None
    return resource, await signals.signal(front.engine, caller, stack, resource, details)
