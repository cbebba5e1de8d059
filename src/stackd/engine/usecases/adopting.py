"""New stacks that are made of objects which exist already, as an exported or abandoned stack names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.db import documents
from stackd.db.codec import to_json
from stackd.db.journal import PutDocument
from stackd.engine.usecases import stacks
from stackd.engine.usecases.access import enforce
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.requests import StackRequest
from stackd.errors import BadRequest, NotSupported, RequestLimitExceeded, TemplateError
from stackd.offload import in_thread
from stackd.records import Caller, Stack
from stackd.template.limits import Limits
from stackd.template.parse import parse_text

_INVALID = "Invalid adopt data: {}"


async def adopt(
    engine: Engine, caller: Caller, request: StackRequest, data: str, *, rule: str = "stacks:create"
) -> Stack:
    """Accept a new stack of the objects in ``data``, a stack as it was exported.

    The template is that of the data; files and parameters of the request come before those in the data, and
    an environment of the request takes the place of the one there, but for its parameters.
    """
    enforce(engine, caller, rule)
    exported = await in_thread(_read, data, engine.limits.max_json_body_size)
    if not engine.limits.enable_stack_adopt:
        raise NotSupported("Stack Adopt is not supported.")
    whole = request.model_copy(update=_definition(exported, request))
    db = engine.services.db
    body: bytes = await in_thread(to_json, exported["resources"])
    put = PutDocument(
        caller.project_id, documents.document_id(db.document_key, caller.project_id, body), body
    )
    return await stacks.create(engine, caller, whole, put, rule=rule, adopt=put.id)


def _definition(exported: Mapping[str, Any], request: StackRequest) -> dict[str, Any]:
    """The fields of a request for what an exported stack was, where the request says nothing else."""
    around, files = exported.get("environment"), exported.get("files") or {}
    named = bool(request.environment or request.environment_files)
    if not isinstance(around, Mapping):
        around = {}
    if not isinstance(files, Mapping) or not all(isinstance(text, str) for text in files.values()):
        raise BadRequest(_INVALID.format("Its files are not a map of names to texts."))
    parameters = around.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise BadRequest(_INVALID.format("Its parameters are not a map of names to values."))
    return {
        "template": exported["template"],
        "template_url": None,
        "environment": request.environment if named else around,
        "files": {**files, **request.files},
        "parameters": {**parameters, **request.parameters},
    }


def _read(text: str, most: int) -> dict[str, Any]:
    """The exported stack, with a template and resources (pure)."""
    try:
        data = parse_text(text, Limits(max_bytes=most, max_nodes=most)).data
    except RequestLimitExceeded:
        raise
    except TemplateError as error:
        raise BadRequest(_INVALID.format(error.message)) from error
    if not isinstance(data, dict):
        raise BadRequest(_INVALID.format("The template is not a JSON object or YAML mapping."))
    if not isinstance(data.get("template"), dict):
        raise BadRequest(_INVALID.format("It has no template; use what an export gives."))
    resources = {} if data.get("resources") is None else data["resources"]
    if not isinstance(resources, dict):
        raise BadRequest(_INVALID.format("Its resources are not a map of names to what they have made."))
    return {**data, "resources": resources}
