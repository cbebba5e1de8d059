"""Request bodies: read within the limit, parsed leniently, never answered with 422."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

import orjson
from pydantic import (
    BaseModel,
    Field,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    model_validator,
)
from starlette.requests import ClientDisconnect, Request

from stackd.engine.usecases.request_values import Flag, truth, typed
from stackd.engine.usecases.requests import StackRequest
from stackd.errors import BadRequest, NotSupported, RequestLimitExceeded, TemplateError
from stackd.offload import OWNER, Turns, in_thread, turn
from stackd.routers.errors import MALFORMED
from stackd.template.json_text import depth_of, read_json

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LARGE_INTEGER = re.compile(rb"\d{19}")
"""Integers that the fast parser would convert to floats."""
_LARGE = 64_000
"""Bytes of JSON that are parsed in a thread: a millisecond and more."""
_BODIES = Turns(places=64, share=32)
"""Large bodies that are received at the same time: they lie in memory until they are complete."""
_DEEPEST = 200
_JSON_TYPES = ("application/json", "text/plain")


async def read_body(request: Request, most: int, *, required: bool) -> dict[str, Any]:
    """The JSON object of a request.

    A body counts only if its media type may be JSON and it begins with a brace; anything else is no body.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    raw = await _read(request, most)
    if not raw.startswith(b"{") or (kind and kind not in _JSON_TYPES):
        if required:
            raise BadRequest(MALFORMED)
        return {}
    try:
        body: dict[str, Any] = await in_thread(_decoded, raw) if len(raw) >= _LARGE else _decoded(raw)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return body


def _decoded(raw: bytes) -> Any:
    """The value of a JSON text; raises ValueError."""
    if len(raw) < _LARGE and not _LARGE_INTEGER.search(raw):
        return _flat_enough(raw, orjson.loads(raw))
    try:
        body = read_json(raw)
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    if _SURROGATE.search(raw):
        json.dumps(body, ensure_ascii=False).encode()  # half of a pair cannot be stored
    return _flat_enough(raw, body)


def _flat_enough(raw: bytes, body: Any) -> Any:
    """The body; raises ValueError if it is nested more deeply than can be stored."""
    if raw.count(b"[") + raw.count(b"{") > _DEEPEST and depth_of(body, _DEEPEST) > _DEEPEST:
        raise ValueError("The body is nested too deeply.")
    return body


async def _read(request: Request, most: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(most)
    if announced.isdigit() and int(announced) < _LARGE:
        return await _received(request, most)
    owner = OWNER.get()
    await turn(_BODIES, owner)
    try:
        return await _received(request, most)
    finally:
        _BODIES.leave(owner)


async def _received(request: Request, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise _too_large(most)
            chunks.append(chunk)
    except ClientDisconnect:
        raise BadRequest("The connection was closed before the body had come.") from None
    return b"".join(chunks)


def _too_large(most: int) -> RequestLimitExceeded:
    return RequestLimitExceeded(
        f"Request limit exceeded: The request body is larger than the maximum of {most} bytes."
    )


# --- bodies, each a pydantic model that documents and reads it -----------------------------------

B = TypeVar("B", bound=BaseModel)


def parse_body(model: type[B], body: Mapping[str, Any]) -> B:
    """The body as its model; fields are read by their JSON names only."""
    return model.model_validate(body, by_alias=True, by_name=False)


def _read_first(body: Mapping[str, Any], *, template_required: bool, **fixed: Any) -> dict[str, Any]:
    """The body with its template or its URL, which counts only if there is not even an empty template."""
    url = typed(body.get("template_url"), "template_url", str)
    if "template" in body:
        url = None
    if template_required and url is None and body.get("template") is None:
        raise BadRequest("No template specified")
    return {**body, "template_url": url, "stack_name": "", "existing": False, **fixed}


class TemplateBody(StackRequest):
    """A template with what belongs to it."""

    @model_validator(mode="before")
    @classmethod
    def _first(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        return _read_first(body, template_required=True)


class NewStackBody(StackRequest):
    """What a new stack should be."""

    name: str = Field(
        validation_alias="stack_name", description="A name that no other stack of the project has."
    )

    @model_validator(mode="before")
    @classmethod
    def _first(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        if body.get("converge") is not None:
            raise BadRequest("Converge is not supported when a stack is created.")
        if body.get("adopt_stack_data") is not None:
            raise NotSupported("Stack Adopt is not supported.")
        name = body.get("stack_name")
        if name is None:
            raise BadRequest("No stack name specified")
        if not isinstance(name, str):
            raise TemplateError(f"Invalid stack name {name}, must be a string", path="stack_name")
        return _read_first(body, template_required=True, stack_name=name)


class ChangedStackBody(StackRequest):
    """What a stack should become."""

    @model_validator(mode="before")
    @classmethod
    def _first(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        existing = body.get("existing") is not None and truth(body["existing"], "existing")
        return _read_first(body, template_required=cls.needs_template(body), existing=existing)

    @classmethod
    def needs_template(cls, body: Mapping[str, Any]) -> bool:
        """Whether a body without a template is refused."""
        return True


class PatchedStackBody(StackRequest):
    """What should change of a stack; all else stays as it is."""

    _says: bool = PrivateAttr(True)

    @property
    def says_nothing(self) -> bool:
        """Whether no member of the body has a value."""
        return not self._says

    @model_validator(mode="wrap")
    @classmethod
    def _first(cls, body: Mapping[str, Any], read: ModelWrapValidatorHandler[Self]) -> Self:
        made = read(_read_first(body, template_required=False, existing=True))
        made._says = any(body.values())
        return made


class ActionBody(BaseModel):
    """One action; its value is not looked at."""

    suspend: Any = None
    resume: Any = None
    check: Any = None
    cancel_update: Any = None
    cancel_without_rollback: Any = None

    @property
    def action(self) -> str:
        """The name of the action."""
        return next(iter(self.model_fields_set))

    @model_validator(mode="before")
    @classmethod
    def _one(cls, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if not body:
            raise BadRequest("No action specified")
        if len(body) > 1:
            raise BadRequest("Multiple actions specified")
        for action in body.keys() - cls.model_fields.keys():
            raise BadRequest(f"Invalid action {action} specified")
        return body


class UnhealthyBody(BaseModel):
    """Whether a resource is broken, and why."""

    mark_unhealthy: Flag
    resource_status_reason: Annotated[
        str,
        PlainValidator(lambda value: "" if value is None else str(value), json_schema_input_type=str | None),
    ] = ""

    @model_validator(mode="before")
    @classmethod
    def _known(cls, body: Mapping[str, Any]) -> Mapping[str, Any]:
        unknown = sorted(body.keys() - cls.model_fields.keys())
        if unknown:
            raise BadRequest(f"Invalid keys in resource mark unhealthy {', '.join(unknown)}")
        if body.get("mark_unhealthy") is None:
            raise BadRequest("Missing mandatory (mark_unhealthy) key from mark unhealthy request")
        return body
