"""By what the server may act for a user later, for requests that delegate nothing."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from stackd.engine.usecases import enrollment as use_cases
from stackd.engine.usecases.enrollment import Enrollment
from stackd.routers import models, views
from stackd.routers.bodies import EnrollmentBody
from stackd.routers.front import Call
from stackd.routers.routing import noun

router = noun("enrollment")

_TRUST = EnrollmentBody()
_PATH = "/v1/{project}/enrollment"


@router.get(_PATH, response_model=models.EnrollmentAnswer)
async def show(call: Call) -> Response:
    """Show what is kept for the caller."""
    return _answer(await use_cases.enrolled(call.engine, call.caller))


@router.put(_PATH, response_model=models.EnrollmentAnswer)
async def enroll(call: Call, body: EnrollmentBody = _TRUST) -> Response:
    """Keep a trust of the caller, or an application credential."""
    given = body.application_credential
    if given is None:
        kept = await use_cases.enroll(call.engine, call.caller)
    else:
        kept = await use_cases.enroll_application(
            call.engine, call.caller, str(given.get("id") or ""), str(given.get("secret") or "")
        )
    return _answer([kept])


@router.delete(_PATH, status_code=204)
async def withdraw(call: Call) -> Response:
    """Keep nothing for the caller once no stack needs it."""
    await use_cases.withdraw(call.engine, call.caller)
    return Response(status_code=204)


def _answer(kept: Sequence[Enrollment]) -> Response:
    shown = [{"kind": each.kind, "roles": list(each.roles), "state": each.state} for each in kept]
    return views.answer({"enrollment": shown})
