"""Answers as XML, or as JSON if the query says ``ContentType=JSON``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree as ET

import orjson
from starlette.requests import Request
from starlette.responses import Response

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def wants_json(request: Request) -> bool:
    """Whether the answer is to be JSON."""
    return request.query_params.get("ContentType", "").upper() == "JSON"


def answer(request: Request, root: str, content: Any, code: int = 200) -> Response:
    """A document with one root element: a text in it, or elements by their names."""
    if wants_json(request):
        return json_answer({root: content}, code)
    return Response(to_xml(root, content), code, media_type="application/xml")


def json_answer(content: Any, code: int = 200) -> Response:
    """A JSON document."""
    return Response(orjson.dumps(content), code, media_type="application/json")


def to_xml(root: str, content: Any) -> bytes:
    """The document without a declaration and without namespaces, which guests do not expect."""
    made: bytes = ET.tostring(_element(root, content), "utf-8", short_empty_elements=False)
    return made


def _element(name: str, content: Any) -> ET.Element:
    made = ET.Element(name)
    if isinstance(content, Mapping):
        made.extend(_element(str(key), value) for key, value in content.items())
    else:
        made.text = _NOT_IN_XML.sub("\ufffd", str(content))
    return made
