"""Converts error answers of OpenStack services into errors, with the service's own message. Pure.

Every service has its own form of error body: ``{"itemNotFound": {"message": ...}}`` (Nova),
``{"NeutronError": {...}}``, ``{"error": {...}}`` (Keystone), ``{"faultstring": ...}``, ``{"errors": [...]}``,
a page of HTML (Glance, Swift). One search finds the text in all of them.
"""

from __future__ import annotations

import html
import http
import re
from collections.abc import Mapping
from typing import Any

import orjson

from stackd.errors import (
    CloudConflict,
    CloudError,
    CloudForbidden,
    CloudNotFound,
    CloudUnauthorized,
    OverQuota,
    Transient,
)

_LONGEST = 1000
_DEEPEST = 5
_WORDS = (
    "message",
    "faultstring",
    "error_message",
    "description",
    "cause",
    "detail",
    "explanation",
    "reason",
)
_QUOTA = re.compile(
    r"quota exceeded|quota has been met|quota reached|exceeded for quota|exceeds? .{0,80}quota"
    r"|over_?quota|limit ?exceeded|quota.{0,40}exceeded|maximum number of [\w ]{1,40} exceeded",
    re.IGNORECASE,
)
_HEAD = re.compile(r"<(head|title|h1|style|script)\b.*?</\1>", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<(?:h1|title)>(.*?)</", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<br */?>", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_PATIENCE = frozenset({429, 502, 503, 504})
_LOST = frozenset({502, 504})


class AnswerLost(Transient):
    """The service may have done the work, but its answer did not arrive.

    Raised for requests that are not safe to repeat: the sender must search for the object before a retry.
    """

    wire_type = Transient.wire_type
    maybe_done = True


class NoEndpoint(CloudError):
    """The catalog does not have the service."""


def failure(
    service: str, status: int, body: Any, *, request_id: str = "", repeatable: bool = True, tried: str = ""
) -> CloudError:
    """The error for an answer with a status of 400 or more.

    ``repeatable`` is whether the request can be sent again without harm, ``tried`` how often and how long
    it was.
    """
    message = explain(body) or _phrase(status)
    kind = _class_of(service, status, body, message)
    if tried and issubclass(kind, Transient):
        message = f"{message} ({tried})"
    if status in _LOST and not repeatable:
        kind = AnswerLost
    return kind(message, service=service, status=status, request_id=request_id)


def _class_of(service: str, status: int, body: Any, message: str) -> type[CloudError]:
    match status:
        case 401:
            return CloudUnauthorized
        case 403 | 409 if _is_over_quota(body, message):
            return OverQuota
        case 403:
            return CloudForbidden
        case 404 | 410:
            return CloudNotFound
        case 409:
            return CloudConflict
        case 413 if service != "object-store":
            return OverQuota
        case _ if status in _PATIENCE:
            return Transient
        case _:
            return CloudError


def _is_over_quota(body: Any, message: str) -> bool:
    kind = ""
    if isinstance(body, dict):
        neutron = body.get("NeutronError")
        kind = str(neutron.get("type", "")) if isinstance(neutron, dict) else str(body.get("type", ""))
    return names_quota(f"{kind} {message}")


def names_quota(message: str) -> bool:
    """Whether a service's message is about a quota."""
    return bool(_QUOTA.search(message))


def explain(body: Any) -> str:
    """The service's own explanation, in one line; empty when it gave none."""
    text = _plain(body) if isinstance(body, str) else _search(body, 0)
    line = " ".join(_BREAK.sub(" ", text).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _search(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return _unwrap(value, depth)
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return next((text for item in value if (text := _search(item, depth + 1))), "")
    if not isinstance(value, Mapping):
        return ""
    beside = value.get("error") if value.get("explanation") else None  # Heat explains the status, too
    if isinstance(beside, Mapping) and (text := _search(beside, depth + 1)):
        return text
    for word in _WORDS:
        if value.get(word) and (text := _search(value[word], depth + 1)):
            return text
    nested = (_search(item, depth + 1) for item in value.values() if isinstance(item, Mapping | list))
    found = next((text for text in nested if text), "")
    if found:
        return found
    return next(
        (item for item in (value.get("title"), value.get("error"), *value.values()) if _said(item)), ""
    )


def _said(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _unwrap(text: str, depth: int) -> str:
    """Ironic and others put JSON as text inside JSON."""
    if text.startswith("{") and depth <= _DEEPEST:
        try:
            return _search(orjson.loads(text), depth + 1) or text
        except orjson.JSONDecodeError:
            return text
    return text


def _plain(text: str) -> str:
    """The text of an HTML page without the heading, or the heading if there is nothing else."""
    if "<" not in text:
        return _unwrap(text.strip(), 0)
    page = text[:20_000]
    said = html.unescape(_TAG.sub(" ", _HEAD.sub(" ", page))).strip()
    title = _TITLE.search(page)
    return said or (html.unescape(title[1]).strip() if title else "")


def _phrase(status: int) -> str:
    try:
        return f"The service answered {status} {http.HTTPStatus(status).phrase}."
    except ValueError:
        return f"The service answered {status}."
