"""The protocols: how a request names its action and its members, and how answers and errors are written.

Which one a request has is known by its path and headers alone, so that also what is wrong with its body is
answered in its own protocol.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from stackd.cfn_query import errors
from stackd.cfn_query.answers import Entries, action_answer, is_json, request_id
from stackd.cfn_query.cloudwatch import cbor
from stackd.cfn_query.cloudwatch.faults import Fault
from stackd.cfn_query.codes import INVALID_ACTION, MISSING_ACTION, Code, Refused
from stackd.cfn_query.front import AS_JSON
from stackd.cfn_query.params import flat, nested
from stackd.errors import BadRequest
from stackd.offload import in_thread, parsed
from stackd.request_bodies import parse

VERSION: Final = "2010-08-01"
_SERVICE: Final = "GraniteServiceVersion20100801"
_FORM: Final = "application/x-www-form-urlencoded"
_JSON_TYPE: Final = "application/x-amz-json-1.0"
_JSON_TYPES: Final = ("application/x-amz-json-1.0", "application/x-amz-json-1.1", "application/json")
_CBOR: Final = "rpc-v2-cbor"
_MALFORMED: Final = Code("SerializationException", 400, "The body of the request is not a JSON object.")
_LARGE: Final = 20_000
"""Bytes of an answer, about, from which it is written in a thread."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks: the name of an action, its members, and the pairs that may have a signature.

    Only forms have pairs: a signature among those of a URL does not cover another body.
    """

    action: str
    members: Mapping[str, Any]
    pairs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Protocol:
    """One protocol. ``read`` gets the plain body, ``answer`` a result: None for actions without one."""

    name: str
    read: Callable[[Request, bytes], Awaitable[Asked]]
    answer: Callable[[Request, dict[str, Any] | None], Awaitable[Response]]
    fail: Callable[[Request, Fault], Response]


def protocol_of(request: Request) -> Protocol:
    """The protocol of a request."""
    if request.headers.get("smithy-protocol") == _CBOR or cbor.OPERATION.search(request.url.path):
        return CBOR
    if "x-amz-target" in request.headers and _media_type(request) in _JSON_TYPES:
        return JSON
    return QUERY


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _tagged(request: Request, made: Response, fault: Fault | None = None) -> Response:
    made.headers["x-amzn-requestid"] = request_id(request)
    if fault is not None:
        made.headers["x-amzn-query-error"] = fault.query_error
    return made


def _error(fault: Fault) -> dict[str, str]:
    return {"__type": fault.shape, "message": fault.message}


# --- Query ----------------------------------------------------------------------------------------


async def _read_query(request: Request, body: bytes) -> Asked:
    is_form = (_media_type(request) or _FORM) == _FORM
    pairs = await flat(request.scope["query_string"], body if is_form else b"")
    request.scope[AS_JSON] = is_json(pairs)
    if not (name := pairs.get("Action", "")):
        raise Refused(MISSING_ACTION)
    if pairs.get("Version", VERSION) != VERSION:
        raise Refused(INVALID_ACTION, f"The action {name[:100]} is one of version {VERSION}.")
    return Asked(name, await nested(pairs), pairs)


async def _answer_query(request: Request, result: dict[str, Any] | None) -> Response:
    return await action_answer(request, None if result is None else _with_entries(result))


def _with_entries(result: dict[str, Any]) -> dict[str, Any]:
    """The result with its maps as entries: only points of extended statistics have one."""
    name = "ExtendedStatistics"
    points = result.get("Datapoints", ())
    if not any(name in point for point in points):
        return result
    return result | {"Datapoints": [{**point, name: Entries(point[name])} for point in points]}


def _fail_query(request: Request, fault: Fault) -> Response:
    return errors.rendered(request, fault.code, fault.message)


# --- JSON -----------------------------------------------------------------------------------------


async def _read_json(request: Request, body: bytes) -> Asked:
    service, _, name = request.headers["x-amz-target"].partition(".")
    if service != _SERVICE:
        raise Refused(INVALID_ACTION, f"The target {service[:100]} is not valid for this web service.")
    if body and not body.lstrip().startswith(b"{"):
        raise Refused(_MALFORMED)
    try:
        return Asked(name, await parse(body or b"{}"))
    except BadRequest as error:
        raise Refused(_MALFORMED, f"The body of the request cannot be read: {error.message}") from error


async def _answer_json(request: Request, result: dict[str, Any] | None) -> Response:
    content = await _written(_json, result or {})
    return _tagged(request, Response(content, 200, media_type=_JSON_TYPE))


def _json(content: Any) -> bytes:
    return orjson.dumps(content, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def _plain(value: Any) -> Any:
    """A time as seconds since 1970."""
    if isinstance(value, datetime):
        return value.timestamp()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _fail_json(request: Request, fault: Fault) -> Response:
    made = Response(orjson.dumps(_error(fault)), fault.code.status, media_type=_JSON_TYPE)
    return _tagged(request, made, fault)


# --- CBOR -----------------------------------------------------------------------------------------


async def _read_cbor(request: Request, body: bytes) -> Asked:
    found = cbor.OPERATION.search(request.url.path)
    members = await parsed(len(body), cbor.loads, body)
    return Asked(found[1] if found else "", members)


async def _answer_cbor(request: Request, result: dict[str, Any] | None) -> Response:
    return _tagged(request, _cbor(await _written(cbor.dumps, result or {}), 200))


def _cbor(content: bytes, status: int) -> Response:
    return Response(content, status, headers={"smithy-protocol": _CBOR}, media_type="application/cbor")


def _fail_cbor(request: Request, fault: Fault) -> Response:
    return _tagged(request, _cbor(cbor.dumps(_error(fault)), fault.code.status), fault)


async def _written(write: Callable[[Any], bytes], content: dict[str, Any]) -> bytes:
    """An answer, written in a thread if there is much of it."""
    size = sum(len(each) for each in content.values() if isinstance(each, list))
    values = sum(len(each.get("Values", ())) for each in content.get("MetricDataResults", ()))
    if 100 * (size + values) < _LARGE:
        return write(content)
    made: bytes = await in_thread(write, content)
    return made


QUERY: Final = Protocol("query", _read_query, _answer_query, _fail_query)
JSON: Final = Protocol("json", _read_json, _answer_json, _fail_json)
CBOR: Final = Protocol("cbor", _read_cbor, _answer_cbor, _fail_cbor)
