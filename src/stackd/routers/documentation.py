"""The OpenAPI document: FastAPI makes it out of what the endpoints say about themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.responses import Response

from stackd import __version__
from stackd.routers import models
from stackd.routers.routing import NAMES, NUMBER, TEXT, Endpoint

_ERRORS: Mapping[int, tuple[tuple[type[BaseModel], ...], str]] = {
    400: ((models.Error,), "The request is not valid."),
    401: ((models.Refusal,), "The token is missing or not valid."),
    403: ((models.Error,), "The caller may not do this."),
    404: ((models.Error, models.Notice), "It does not exist."),
    409: ((models.Error,), "It exists already, or is being worked on."),
    503: ((models.Error,), "Keystone or the database does not answer."),
}
_REFERENCE = "#/components/schemas/{model}"
_ABOUT_PARTS = {
    "project": "Id of the project.",
    "name": "Name of the stack, or in short paths its name or id.",
    "id": "Id of the stack.",
    "resource": "Name of the resource in the template.",
    "event": "Id of the event.",
    "key": "Name of the output.",
    "type": "Name of the resource type.",
    "version": "Name of the template version, or an alias.",
}


def make_documentation(endpoints: Iterable[Endpoint]) -> FastAPI:
    """An application that knows all endpoints and serves ``/openapi.json``."""
    app = FastAPI(
        title="Orchestration",
        description="Stacks of OpenStack resources, made from templates.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for endpoint in endpoints:
        if endpoint.documented:
            for method in endpoint.methods:
                _document(app, endpoint, method)
    plain = app.openapi

    def complete() -> dict[str, Any]:
        document = plain()
        document["components"] = {
            "schemas": _all_schemas(),
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}},
        }
        return document

    app.openapi = complete  # type: ignore[method-assign]
    return app


def _all_schemas() -> dict[str, Any]:
    """The JSON Schemas of all models, by name."""
    found = [each for each in vars(models).values() if isinstance(each, type) and issubclass(each, BaseModel)]
    _, document = models_json_schema(
        [(model, "validation") for model in found if model is not BaseModel], ref_template=_REFERENCE
    )
    schemas: dict[str, Any] = document["$defs"]
    return schemas


def _document(app: FastAPI, endpoint: Endpoint, method: str) -> None:
    description, _, _ = (endpoint.handler.__doc__ or "").partition("\n")
    name = re.sub(r"\W+", "_", f"{method.lower()}{endpoint.path.removeprefix('/v1')}").strip("_")
    app.add_api_route(
        endpoint.path,
        endpoint.handler,
        methods=[method],
        status_code=endpoint.status,
        tags=[endpoint.tag],
        summary=description,
        operation_id=name,
        response_class=Response,
        responses=_responses(endpoint),
        openapi_extra={
            "parameters": [*_parts(endpoint.path), *_query(endpoint.query)],
            "security": [{"token": []}],
            **_body(endpoint.body),
        },
    )


def _responses(endpoint: Endpoint) -> dict[int | str, dict[str, Any]]:
    found: dict[int | str, dict[str, Any]] = {
        code: _answer(kinds, text) for code, (kinds, text) in _ERRORS.items()
    }
    found[endpoint.status] = (
        {"description": "Done."} if endpoint.answer is None else _answer((endpoint.answer,), "Done.")
    )
    return found


def _answer(kinds: tuple[type[BaseModel], ...], text: str) -> dict[str, Any]:
    references = [_reference(model) for model in kinds]
    schema = references[0] if len(references) == 1 else {"anyOf": references}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _reference(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def _parts(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _ABOUT_PARTS.get(name, ""),
            "schema": {"type": TEXT, "minLength": 1},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query(query: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": False, "description": text, "schema": _parameter(kind)}
        for name, (kind, text) in query.items()
    ]


def _parameter(kind: str) -> dict[str, Any]:
    if kind == NAMES:
        return {"type": "array", "items": {"type": TEXT}}
    return {"type": kind, "minimum": 0} if kind == NUMBER else {"type": kind}


def _body(model: type[BaseModel] | None) -> dict[str, Any]:
    if model is None:
        return {}
    required = model is not models.Anything
    return {
        "requestBody": {"required": required, "content": {"application/json": {"schema": _reference(model)}}}
    }
