"""Request bodies: read within the limit, parsed leniently, never answered with 422."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request

from stackd.engine.definition.documents import LARGE, offloaded
from stackd.engine.usecases.requests import TAG_LENGTH, StackRequest
from stackd.errors import BadRequest, RequestLimitExceeded, TemplateError
from stackd.routers.errors import MALFORMED
from stackd.template.json_text import read_json

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_LARGE_INTEGER = re.compile(rb"\d{19}")
"""What the fast parser would take for a float."""
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
        body: dict[str, Any] = await offloaded(len(raw), _decoded, raw)
    except ValueError as error:
        raise BadRequest(str(error)) from None
    return body


def _decoded(raw: bytes) -> Any:
    """The value of a JSON text; raises ValueError."""
    if len(raw) < LARGE and not _LARGE_INTEGER.search(raw):
        return orjson.loads(raw)
    try:
        body = read_json(raw)
    except RecursionError:
        raise ValueError("The body is nested too deeply.") from None
    if _SURROGATE.search(raw):
        json.dumps(body, ensure_ascii=False).encode()  # half of a pair cannot be stored
    return body


async def _read(request: Request, most: int) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise _too_large(most)
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


# --- what the body of a stack request says ---------------------------------------------------------


def new_stack_request(body: Mapping[str, Any]) -> StackRequest:
    """The body of a create or preview."""
    if body.get("converge") is not None:
        raise BadRequest("Converge is not supported when a stack is created.")
    _refuse_adoption(body)
    name = body.get("stack_name")
    if name is None:
        raise BadRequest("No stack name specified")
    if not isinstance(name, str):
        raise TemplateError(f"Invalid stack name {name}, must be a string", path="stack_name")
    return _request(body, name=name, **_template(body))


def changed_stack_request(body: Mapping[str, Any], *, patch: bool) -> StackRequest:
    """The body of an update; ``patch`` keeps what it leaves out."""
    existing = patch or _flag(body, "existing") is True
    return _request(body, existing=existing, **_template(body, required=not patch))


def template_request(body: Mapping[str, Any]) -> StackRequest:
    """The body of a validation."""
    return _request(body, **_template(body))


def changes_nothing(body: Mapping[str, Any]) -> bool:
    """Whether the body of a PATCH says nothing at all."""
    return not any(body.get(key) for key in body)


def _request(body: Mapping[str, Any], **fixed: Any) -> StackRequest:
    return StackRequest(
        timeout_mins=_timeout(body.get("timeout_mins")),
        tags=_tags(body.get("tags")),
        converge=_flag(body, "converge") is True,
        disable_rollback=_flag(body, "disable_rollback", null=False),
        environment=_one_of(body, "environment", dict, str),
        environment_files=_names(body, "environment_files"),
        files=_files(body),
        files_container=_one_of(body, "files_container", str),
        parameters=_parameters(body),
        clear_parameters=_names(body, "clear_parameters"),
        **fixed,
    )


def _template(body: Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    """The template or its URL, which counts only if there is not even an empty template."""
    template = body.get("template")
    url = _one_of(body, "template_url", str)
    if "template" not in body and url is not None:
        return {"template_url": url}
    if template is None and required:
        raise BadRequest("No template specified")
    if template is not None and not isinstance(template, dict | str):
        raise BadRequest("Template not in valid format: The template is not a JSON object or YAML mapping.")
    return {"template": template}


def _refuse_adoption(body: Mapping[str, Any]) -> None:
    if body.get("adopt_stack_data") is not None:
        from stackd.errors import NotSupported

        raise NotSupported("Stack Adopt is not supported.")


def _one_of(body: Mapping[str, Any], key: str, *kinds: type) -> Any:
    value = body.get(key)
    if value is not None and not isinstance(value, kinds):
        raise BadRequest(f"The value of '{key}' has the wrong type: {type(value).__name__}.")
    return value


def _files(body: Mapping[str, Any]) -> dict[str, str]:
    files: dict[str, Any] = _one_of(body, "files", dict) or {}
    for name, text in files.items():
        if not isinstance(text, str):
            raise BadRequest(f"The content of the file '{name}' is not text.")
    return files


def _names(body: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = _one_of(body, key, list) or ()
    if not all(isinstance(name, str) for name in names):
        raise BadRequest(f"The value of '{key}' must be a list of names.")
    return tuple(names)


def _parameters(body: Mapping[str, Any]) -> dict[str, Any]:
    parameters = body.get("parameters", {})
    if not isinstance(parameters, dict):
        raise BadRequest("The value of 'parameters' must be a map of names to values.")
    return parameters


def _timeout(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest("Only integer is acceptable by 'timeout_mins'.")
    if not 0 <= value < 2**31:
        raise BadRequest(
            f"Value '{value}' is invalid for 'timeout_mins' which only accepts non-negative integer."
        )
    return value


def _tags(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    tags = value.split(",") if isinstance(value, str) else value
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadRequest("The value of 'tags' must be words parted by commas.")
    for tag in tags:
        if "\0" in tag:
            raise BadRequest("Invalid tag, it has a null character")
        if len(tag) > TAG_LENGTH:
            raise BadRequest(f'Invalid tag, "{tag}" is longer than {TAG_LENGTH} characters')
    return tuple(tags)


def _flag(body: Mapping[str, Any], key: str, *, null: bool = True) -> bool | None:
    """True, False, or None for a key that is not there (or null, where that is allowed)."""
    if key not in body or (null and body[key] is None):
        return None
    return truth(body[key], key)


def truth(value: Any, key: str) -> bool:
    """A boolean, or the word for one."""
    if isinstance(value, bool):
        return value
    known = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise BadRequest(f'Unrecognized value "{value}" for "{key}", acceptable values are: true, false.')
    return known
