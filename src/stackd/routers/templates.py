"""The template language and the resource types that this server knows; validation of templates."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from stackd.engine.usecases import resource_types, service_queries
from stackd.engine.usecases import validate as validation
from stackd.routers import models, views
from stackd.routers.bodies import TemplateBody
from stackd.routers.front import Call
from stackd.routers.queries import Flag, QueryModel, Text
from stackd.routers.routing import noun

router = noun("templates")

_TYPES = "/v1/{project}/resource_types"


class ValidateQuery(QueryModel):
    """How a template is validated."""

    show_nested: Flag = Field(False, description="Whether parameters of stacks inside are shown.")
    ignore_errors: Text = Field(
        None, description="Codes of errors that do not count, parted by commas; `99001` is one."
    )


class FunctionsQuery(QueryModel):
    """Which functions."""

    with_condition_func: Flag = Field(False, description="Whether functions of conditions are shown.")


class TypeQuery(QueryModel):
    """How a resource type is shown."""

    with_description: Flag = Field(False, description="Whether descriptions are shown.")


class TypesQuery(TypeQuery):
    """Which resource types."""

    name: Text = Field(None, description="A regular expression that matches the beginning of names.")
    support_status: Text = Field(None, description=f"One of {', '.join(resource_types.SUPPORT_STATUSES)}.")
    version: Text = Field(None, description="The version since which types exist.")


class TypeTemplateQuery(QueryModel):
    """How a template of a resource type is made."""

    template_type: Text = Field(None, description="`cfn` or `hot`.")


@router.post("/v1/{project}/validate", response_model=models.Validated)
async def validate(call: Call, body: TemplateBody, query: Annotated[ValidateQuery, Query()]) -> Response:
    """Validate a template."""
    ignored = validation.ignored_codes(query.ignore_errors or "")
    found = await validation.validated_text(
        call.engine,
        call.caller,
        body,
        views.encoded,
        size=call.size,
        nested=query.show_nested,
        ignored=ignored,
    )
    return views.answer(found)


@router.get("/v1/{project}/template_versions", response_model=models.VersionList)
async def template_versions(call: Call) -> Response:
    """List the versions of the template language."""
    found = service_queries.template_versions(call.engine, call.caller)
    return views.answer({"template_versions": found})


@router.get("/v1/{project}/template_versions/{version}/functions", response_model=models.FunctionList)
async def template_functions(call: Call, query: Annotated[FunctionsQuery, Query()]) -> Response:
    """List the functions of a version."""
    found = service_queries.template_functions(
        call.engine, call.caller, call.part("version"), with_conditions=query.with_condition_func
    )
    return views.answer({"template_functions": found})


@router.get(_TYPES, response_model=models.TypeList)
async def list_types(call: Call, query: Annotated[TypesQuery, Query()]) -> Response:
    """List the resource types that the caller may use."""
    found = await resource_types.listed(
        call.engine,
        call.caller,
        pattern=query.name,
        status=query.support_status,
        version=query.version,
    )
    shown = [
        {"resource_type": k.name, "description": k.description} if query.with_description else k.name
        for k in found
    ]
    return views.answer({"resource_types": shown})


@router.get(f"{_TYPES}/{{type}}", response_model=models.ResourceTypeAnswer)
async def show_type(call: Call, query: Annotated[TypeQuery, Query()]) -> Response:
    """Show what a resource type takes and gives."""
    found = await resource_types.show(
        call.engine, call.caller, call.part("type"), described=query.with_description
    )
    return views.answer(found)


@router.get(f"{_TYPES}/{{type}}/template", response_model=models.Anything)
async def generate_template(call: Call, query: Annotated[TypeTemplateQuery, Query()]) -> Response:
    """Make a template with one resource of a type."""
    found = await resource_types.generate_template(
        call.engine, call.caller, call.part("type"), template_type=query.template_type
    )
    return views.answer(found)
