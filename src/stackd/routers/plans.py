"""Plans: what a change would do, shown, stored and executed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from stackd.engine.usecases import plans
from stackd.engine.usecases.plan_states import PlanView
from stackd.engine.usecases.plans import Draft
from stackd.engine.usecases.request_values import Flag
from stackd.offload import in_thread
from stackd.records import Action, SavedPlan
from stackd.routers import models, views
from stackd.routers.bodies import ChangedStackBody, NewStackBody
from stackd.routers.front import STACK, Call
from stackd.routers.queries import Filter, QueryModel
from stackd.routers.routing import noun

router = noun("plans")

_PLANS = "/v1/{project}/plans"
_PLAN = f"{_PLANS}/{{plan}}"


class NewPlanBody(NewStackBody):
    """What a new stack should be."""

    save: Flag = Field(True, description="Whether the plan is stored, so that it can be executed.")


class PlanBody(ChangedStackBody):
    """What a stack should become."""

    save: Flag = Field(True, description="Whether the plan is stored, so that it can be executed.")
    action: str = Field("update", description="`update` or `delete`.")

    @classmethod
    def needs_template(cls, body: Mapping[str, Any]) -> bool:
        """A deletion needs no template, nor does an update that keeps what it does not name."""
        return body.get("action") in (None, "update") and not body.get("existing")


class PlansQuery(QueryModel):
    """Which plans."""

    stack_id: Filter = ()


@router.post("/v1/{project}/stacks/plans", response_model=models.PlanAnswer, status_code=201)
async def plan_new(call: Call, body: NewPlanBody) -> Response:
    """Plan a new stack."""
    draft = await plans.draft_new(call.engine, call.caller, body.unadopted)
    return await _answered(call, draft, save=body.save)


@router.post(f"{STACK}/plans", response_model=models.PlanAnswer, status_code=201)
async def plan_change(call: Call, body: PlanBody) -> Response:
    """Plan an update or the deletion of a stack."""
    action = plans.require_action(body.action)
    observe = body.save or body.converge
    if action is Action.DELETE:
        draft = await plans.draft_deletion(call.engine, call.caller, call.stack, observe=observe)
    else:
        draft = await plans.draft_update(call.engine, call.caller, call.stack, body, observe=observe)
    return await _answered(call, draft, save=body.save)


async def _answered(call: Call, draft: Draft, *, save: bool) -> Response:
    made = plans.drafted(draft)
    if not save:
        return views.answer({"plan": await _whole(made, stored=False)})
    saved = await plans.save(call.engine, draft)
    return views.answer({"plan": await _whole(made)}, 201, {"Location": _href(call, saved)})


@router.get(_PLANS, response_model=models.PlanList)
async def index(call: Call, query: Annotated[PlansQuery, Query()]) -> Response:
    """List the stored plans of the project."""
    found = await plans.listed(call.engine, call.caller, next(iter(query.stack_id), ""))
    return views.answer({"plans": [plan_view(each) for each in found]})


@router.get(_PLAN, response_model=models.PlanAnswer)
async def show(call: Call) -> Response:
    """Show a stored plan."""
    found = await plans.shown(call.engine, call.caller, call.part("plan"))
    return views.answer({"plan": await _whole(found)})


@router.delete(_PLAN, status_code=204)
async def delete(call: Call) -> Response:
    """Remove a stored plan."""
    await plans.delete(call.engine, call.caller, call.part("plan"))
    return Response(status_code=204)


@router.post(f"{_PLAN}/execute", response_model=models.NewStackAnswer, status_code=202)
async def execute(call: Call) -> Response:
    """Do exactly what a stored plan says."""
    stack = await plans.execute(call.engine, call.caller, call.part("plan"))
    href = call.stack_href(stack)
    return views.answer({"stack": {"id": stack.id, "links": [views.link(href, "self")]}}, 202)


def _href(call: Call, saved: SavedPlan) -> str:
    return call.href(call.part("project"), "plans", saved.id)


async def _whole(view: PlanView, *, stored: bool = True) -> dict[str, Any]:
    """A plan with its steps, which may be many, so a thread reads them."""
    contents: dict[str, Any] = await in_thread(plans.contents, view.saved)
    return plan_view(view, stored=stored) | contents


def plan_view(view: PlanView, *, stored: bool = True) -> dict[str, Any]:
    """A plan as the API lists it, without its steps."""
    saved = view.saved
    return {
        "id": saved.id if stored else None,
        "action": saved.action,
        "state": view.state,
        "reason": view.reason or None,
        "stack_name": saved.stack_name,
        "stack_id": saved.stack_id or None,
        "created_at": saved.created_at,
        "created_by": saved.user_name,
        "expires_at": saved.expires_at if stored else None,
        "summary": saved.options["summary"],
    }
