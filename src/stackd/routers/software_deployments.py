"""Software deployments: software configurations on servers, and what came of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import Field
from starlette.responses import Response

from stackd.engine.usecases import software
from stackd.records import SoftwareDeployment
from stackd.routers import models, views
from stackd.routers.front import Call
from stackd.routers.queries import QueryModel, Text
from stackd.routers.routing import noun
from stackd.routers.software_configs import config_view

router = noun("software deployments")

_DEPLOYMENTS = "/v1/{project}/software_deployments"
_DEPLOYMENT = f"{_DEPLOYMENTS}/{{deployment}}"


class DeploymentsQuery(QueryModel):
    """Which deployments."""

    server_id: Text = Field(None, description="Only those to this server.")


@router.post(_DEPLOYMENTS, response_model=models.SoftwareDeploymentAnswer)
async def create(call: Call, body: Annotated[dict[str, Any], Body()]) -> Response:
    """Deploy a software configuration to a server."""
    return _shown(await software.create_deployment(call.engine, call.caller, body))


@router.get(_DEPLOYMENTS, response_model=models.SoftwareDeploymentList)
async def index(call: Call, query: Annotated[DeploymentsQuery, Query()]) -> Response:
    """List software deployments."""
    found = await software.deployments(call.engine, call.caller, query.server_id)
    return views.answer({"software_deployments": [deployment_view(each) for each in found]})


@router.get(f"{_DEPLOYMENTS}/metadata/{{server}}", response_model=models.ServerSoftware)
async def metadata(call: Call) -> Response:
    """Read what a server is to do: all configurations that are deployed to it."""
    found = await software.of_server(call.engine, call.caller, call.part("server"))
    return views.answer({"metadata": [config_view(each) for each in found]})


@router.get(_DEPLOYMENT, response_model=models.SoftwareDeploymentAnswer)
async def show(call: Call) -> Response:
    """Show a software deployment."""
    return _shown(await software.shown_deployment(call.engine, call.caller, call.part("deployment")))


@router.put(_DEPLOYMENT, response_model=models.SoftwareDeploymentAnswer)
async def update(call: Call, body: Annotated[dict[str, Any], Body()]) -> Response:
    """Change a software deployment."""
    changed = await software.update_deployment(call.engine, call.caller, call.part("deployment"), body)
    return _shown(changed)


@router.delete(_DEPLOYMENT, status_code=204)
async def delete(call: Call) -> Response:
    """Delete a software deployment."""
    await software.delete_deployment(call.engine, call.caller, call.part("deployment"))
    return Response(status_code=204)


def _shown(deployment: SoftwareDeployment) -> Response:
    return views.answer({"software_deployment": deployment_view(deployment)})


def deployment_view(deployment: SoftwareDeployment) -> dict[str, Any]:
    """A deployment as the API shows it."""
    names = ("id", "server_id", "config_id", "action", "status", "status_reason", "input_values")
    view = {name: getattr(deployment, name) for name in (*names, "output_values")}
    view["creation_time"] = deployment.created_at
    if deployment.updated_at is not None:
        view["updated_time"] = deployment.updated_at
    return view
