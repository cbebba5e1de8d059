"""The template language and the resource types that this server knows; validation of templates."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from stackd.engine.usecases import validate as validation
from stackd.routers import models, types, views
from stackd.routers.bodies import TemplateBody
from stackd.routers.front import Call
from stackd.routers.queries import Flag, QueryModel, Text
from stackd.routers.routing import noun
from stackd.template.versions import list_functions, list_versions

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
    support_status: Text = Field(None, description=f"One of {', '.join(types.SUPPORT_STATUSES)}.")
    version: Text = Field(None, description="The version since which types exist.")


class TypeTemplateQuery(QueryModel):
    """How a template of a resource type is made."""

    template_type: Text = Field(None, description="`cfn` or `hot`.")


@router.post("/v1/{project}/validate", response_model=models.Validated)
async def validate(call: Call, body: TemplateBody, query: Annotated[ValidateQuery, Query()]) -> Response:
    """Validate a template."""
    call.enforce("stacks:validate_template")
    ignored = validation.ignored_codes(query.ignore_errors or "")
    found = await validation.validate(
        call.engine, call.caller, body, nested=query.show_nested, ignored=ignored
    )
    return views.answer(found)


@router.get("/v1/{project}/template_versions", response_model=models.VersionList)
async def template_versions(call: Call) -> Response:
    """List the versions of the template language."""
    call.enforce("stacks:list_template_versions")
    return views.answer({"template_versions": list_versions()})


@router.get("/v1/{project}/template_versions/{version}/functions", response_model=models.FunctionList)
async def template_functions(call: Call, query: Annotated[FunctionsQuery, Query()]) -> Response:
    """List the functions of a version."""
    call.enforce("stacks:list_template_functions")
    found = list_functions(call.part("version"), query.with_condition_func)
    return views.answer({"template_functions": found})


@router.get(_TYPES, response_model=models.TypeList)
async def resource_types(call: Call, query: Annotated[TypesQuery, Query()]) -> Response:
    """List the resource types that the caller may use."""
    call.enforce("stacks:list_resource_types")
    found = await types.listed(
        call.engine,
        call.caller,
        pattern=query.name,
        status=query.support_status,
        version=query.version,
    )
    shown = [
        {"resource_type": k.type_name, "description": k.description}
        if query.with_description
        else k.type_name
        for k in found
    ]
    return views.answer({"resource_types": shown})


@router.get(f"{_TYPES}/{{type}}", response_model=models.ResourceTypeAnswer)
async def resource_type(call: Call, query: Annotated[TypeQuery, Query()]) -> Response:
    """Show what a resource type takes and gives."""
    call.enforce("stacks:resource_schema")
    kind = await types.usable(call.engine, call.caller, call.part("type"), available=True)
    return views.answer(types.schema(kind, described=query.with_description))


@router.get(f"{_TYPES}/{{type}}/template", response_model=models.Anything)
async def resource_type_template(call: Call, query: Annotated[TypeTemplateQuery, Query()]) -> Response:
    """Make a template with one resource of a type."""
    call.enforce("stacks:generate_template")
    dialect = types.dialect(query.template_type)
    kind = await types.usable(call.engine, call.caller, call.part("type"), available=False)
    return views.answer(types.template(kind, dialect))
