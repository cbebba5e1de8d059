"""The template language and the resource types that this server knows; validation of templates."""

from __future__ import annotations

from starlette.responses import Response

from stackd.engine.usecases import validate as validation
from stackd.routers import models, types, views
from stackd.routers.bodies import template_request
from stackd.routers.front import Call
from stackd.routers.queries import Query
from stackd.routers.routing import FLAG, TEXT, Routes
from stackd.template.versions import list_functions, list_versions

routes = Routes("templates")

_TYPES = "/v1/{project}/resource_types"
_VALIDATE_QUERY = {
    "show_nested": (FLAG, "Whether parameters of stacks inside are shown."),
    "ignore_errors": (TEXT, "Codes of errors that do not count, parted by commas; `99001` is one."),
}
_FUNCTIONS_QUERY = {"with_condition_func": (FLAG, "Whether functions of conditions are shown.")}
_TYPE_QUERY = {"with_description": (FLAG, "Whether descriptions are shown.")}
_TYPES_QUERY = {
    **_TYPE_QUERY,
    "name": (TEXT, "A regular expression that matches the beginning of names."),
    "support_status": (TEXT, f"One of {', '.join(types.SUPPORT_STATUSES)}."),
    "version": (TEXT, "The version since which types exist."),
}
_TEMPLATE_QUERY = {"template_type": (TEXT, "`cfn` or `hot`.")}


@routes.post("/v1/{project}/validate", models.Validated, body=models.TemplateBody, query=_VALIDATE_QUERY)
async def validate(call: Call) -> Response:
    """Validate a template."""
    call.enforce("stacks:validate_template")
    request = template_request(await call.body_object())
    query = Query(call)
    nested = query.flag("show_nested")
    ignored = validation.ignored_codes(query.text("ignore_errors") or "")
    found = await validation.validate(call.engine, call.caller, request, nested=nested, ignored=ignored)
    return views.answer(found)


@routes.get("/v1/{project}/template_versions", models.VersionList)
async def template_versions(call: Call) -> Response:
    """List the versions of the template language."""
    call.enforce("stacks:list_template_versions")
    return views.answer({"template_versions": list_versions()})


@routes.get(
    "/v1/{project}/template_versions/{version}/functions", models.FunctionList, query=_FUNCTIONS_QUERY
)
async def template_functions(call: Call) -> Response:
    """List the functions of a version."""
    call.enforce("stacks:list_template_functions")
    conditions = Query(call).flag("with_condition_func")
    return views.answer({"template_functions": list_functions(call.part("version"), conditions)})


@routes.get(_TYPES, models.TypeList, query=_TYPES_QUERY)
async def resource_types(call: Call) -> Response:
    """List the resource types that the caller may use."""
    call.enforce("stacks:list_resource_types")
    query = Query(call)
    described = query.flag("with_description")
    found = await types.listed(
        call.engine,
        call.caller,
        pattern=query.text("name"),
        status=query.text("support_status"),
        version=query.text("version"),
    )
    shown = [
        {"resource_type": k.type_name, "description": k.description} if described else k.type_name
        for k in found
    ]
    return views.answer({"resource_types": shown})


@routes.get(f"{_TYPES}/{{type}}", models.ResourceTypeAnswer, query=_TYPE_QUERY)
async def resource_type(call: Call) -> Response:
    """Show what a resource type takes and gives."""
    call.enforce("stacks:resource_schema")
    described = Query(call).flag("with_description")
    kind = await types.usable(call.engine, call.caller, call.part("type"), available=True)
    return views.answer(types.schema(kind, described=described))


@routes.get(f"{_TYPES}/{{type}}/template", models.Anything, query=_TEMPLATE_QUERY)
async def resource_type_template(call: Call) -> Response:
    """Make a template with one resource of a type."""
    call.enforce("stacks:generate_template")
    dialect = types.dialect(Query(call).text("template_type"))
    kind = await types.usable(call.engine, call.caller, call.part("type"), available=False)
    return views.answer(types.template(kind, dialect))
