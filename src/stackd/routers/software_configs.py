"""Software configurations: what software inside servers is to do."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import Field
from starlette.responses import Response

from stackd.engine.usecases import software
from stackd.records import SoftwareConfig
from stackd.routers import models, views
from stackd.routers.front import Call
from stackd.routers.queries import Flag, Number, QueryModel, Text
from stackd.routers.routing import noun

router = noun("software configs")

_CONFIGS = "/v1/{project}/software_configs"
_CONFIG = f"{_CONFIGS}/{{config}}"


class ConfigsQuery(QueryModel):
    """Which part of the list."""

    limit: Number = Field(None, description="How many are listed at most.")
    marker: Text = Field(None, description="Id of the last one that is known already.")
    global_tenant: Flag = Field(False, description="Whether those of all projects are listed.")


@router.post(_CONFIGS, response_model=models.SoftwareConfigAnswer)
async def create(call: Call, body: Annotated[dict[str, Any], Body()]) -> Response:
    """Create a software configuration."""
    made = await software.create_config(call.engine, call.caller, body)
    return views.answer({"software_config": config_view(made)})


@router.get(_CONFIGS, response_model=models.SoftwareConfigList)
async def index(call: Call, query: Annotated[ConfigsQuery, Query()]) -> Response:
    """List software configurations."""
    found = await software.configs(
        call.engine, call.caller, marker=query.marker, limit=query.limit, everywhere=query.global_tenant
    )
    is_admin = call.engine.policy.is_admin(call.caller)
    shown = [_item(each) | ({"project": each.project_id} if is_admin else {}) for each in found]
    return views.answer({"software_configs": shown})


@router.get(_CONFIG, response_model=models.SoftwareConfigAnswer)
async def show(call: Call) -> Response:
    """Show a software configuration."""
    found = await software.config(call.engine, call.caller, call.part("config"))
    return views.answer({"software_config": config_view(found)})


@router.delete(_CONFIG, status_code=204)
async def delete(call: Call) -> Response:
    """Delete a software configuration that no deployment uses."""
    await software.delete_config(call.engine, call.caller, call.part("config"))
    return Response(status_code=204)


def _item(config: SoftwareConfig) -> dict[str, Any]:
    return {
        "id": config.id,
        "name": config.name,
        "group": config.group,
        "creation_time": config.created_at,
    }


def config_view(config: SoftwareConfig) -> dict[str, Any]:
    """A configuration as the API and guests see it."""
    return _item(config) | dict(config.content)
