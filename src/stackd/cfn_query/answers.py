"""Renders answers as XML, or as JSON where the request has ``ContentType=JSON``.

There is no namespace in the XML: guests look elements up by their bare names, and SDKs do not need one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import orjson
from starlette.requests import Request
from starlette.responses import Response

from stackd.cfn_query.front import ACTION, AS_JSON, REQUEST_ID
from stackd.offload import in_thread

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORDS = {True: "true", False: "false"}
_JSON = orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_MANY = 300
"""Values in an answer that is rendered in a thread: about three milliseconds."""


@dataclass(frozen=True, slots=True)
class Entries:
    """A map, which XML has as entries with a key and a value."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JsonText:
    """A document that XML has as a text of JSON, and JSON as what it is."""

    document: Any

    def __str__(self) -> str:
        return orjson.dumps(self.document, option=orjson.OPT_NON_STR_KEYS).decode()


def wants_json(request: Request) -> bool:
    """Whether the answer is to be JSON."""
    form: bool | None = request.scope.get(AS_JSON)
    return is_json(request.query_params) if form is None else form


def is_json(params: Mapping[str, str]) -> bool:
    """Whether parameters ask for an answer in JSON."""
    return params.get("ContentType", "").upper() == "JSON"


def answer(request: Request, root: str, content: Any, code: int = 200) -> Response:
    """A document with one root element: a text in it, or elements by their names."""
    if wants_json(request):
        return _tagged(request, json_answer({root: content}, code))
    return _tagged(request, Response(to_xml(root, content), code, media_type="application/xml"))


async def action_answer(request: Request, result: Any) -> Response:
    """The answer to an action. ``result`` is None for actions that have no result."""
    action, content = request.scope[ACTION], {}
    if result is not None:
        content[f"{action}Result"] = result
    content["ResponseMetadata"] = {"RequestId": request_id(request)}
    rendered: Response
    if _is_small(result):
        rendered = answer(request, f"{action}Response", content)
    else:
        rendered = await in_thread(answer, request, f"{action}Response", content)
    return rendered


def json_answer(content: Any, code: int = 200) -> Response:
    """A JSON document."""
    text = orjson.dumps(content, default=_as_json, option=_JSON)
    return Response(text, code, media_type="application/json")


def request_id(request: Request) -> str:
    """The request's id, as headers and answers show it."""
    found: str = request.scope.get(REQUEST_ID, "")
    return found


def to_xml(root: str, content: Any) -> bytes:
    """The document without a declaration and without namespaces, which guests do not expect."""
    made: bytes = ET.tostring(_element(root, content), "utf-8", short_empty_elements=False)
    return made


def _tagged(request: Request, made: Response) -> Response:
    made.headers["x-amzn-requestid"] = request_id(request)
    return made


def _element(name: str, content: Any) -> ET.Element:
    made = ET.Element(name)
    match content:
        case Mapping():
            made.extend(_element(str(key), value) for key, value in content.items() if value is not None)
        case list() | tuple():
            made.extend(_element("member", value) for value in content)
        case Entries():
            made.extend(
                _element("entry", {"key": key, "value": each}) for key, each in content.values.items()
            )
        case _:
            made.text = _NOT_IN_XML.sub("\ufffd", _text(content))
    return made


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return _WORDS[value]
    return shown_time(value) if isinstance(value, datetime) else str(value)


def shown_time(value: datetime) -> str:
    """A time as the APIs show it."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_json(value: Any) -> Any:
    """What JSON has for a value that it does not know."""
    match value:
        case datetime():
            return shown_time(value)
        case Entries():
            return value.values
        case JsonText():
            return value.document
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _is_small(content: Any) -> bool:
    """Whether an answer has few values; long texts count by their length."""
    left = [content]
    size = 0
    while left and size < _MANY:
        value = left.pop()
        size += 1 + (len(value) // 1_000 if isinstance(value, str) else 0)
        match value:
            case Mapping():
                left += value.values()
            case list() | tuple():
                left += value
            case Entries():
                left += value.values.values()
            case JsonText():
                left.append(value.document)
    return size < _MANY
