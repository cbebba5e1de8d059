"""Signed URLs: headers with which anybody may use some of a queue for a while."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from stackd.devcloud.wire import Call, Reply, Route, bad_request, forbidden
from stackd.devcloud.world import Actor, stamp_plain
from stackd.devcloud.zaqar.style import client_of

_SECRET: Final = b"the dev cloud has no secrets"
_METHODS: Final = frozenset(("GET", "DELETE", "PATCH", "POST", "PUT"))
_PARTS: Final = frozenset(("messages", "subscriptions", "claims"))
_DAY: Final = 86400


def _signature(paths: Iterable[str], methods: Iterable[str], project: str, expires: str) -> str:
    text = "\n".join((",".join(paths), ",".join(methods), project, expires))
    return hmac.new(_SECRET, text.encode(), hashlib.sha256).hexdigest()


def _moment(text: Any) -> float:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise bad_request(f"{text} is no time.") from None
    return found.replace(tzinfo=found.tzinfo or UTC).timestamp()


def _share(call: Call) -> Reply:
    """Sign paths and methods until a time."""
    client_of(call)
    asked = call.json()
    methods, parts = sorted(asked.get("methods") or ["GET"]), asked.get("paths") or ["messages"]
    if unknown := sorted({*methods} - _METHODS | {*parts} - _PARTS):
        raise bad_request(f"Invalid methods or paths: {', '.join(unknown)}.")
    until = _moment(asked["expires"]) if asked.get("expires") else call.world.clock() + _DAY
    if until <= call.world.clock():
        raise bad_request("`expires` is lower than the current time")
    paths, expires = sorted(f"/v2/queues/{call.params['queue']}/{each}" for each in parts), stamp_plain(until)
    project = call.actor.project_id
    signed = {"project": project, "paths": paths, "methods": methods, "expires": expires}
    return Reply(200, signed | {"signature": _signature(paths, methods, project, expires)})


def sign_in(call: Call) -> Actor | None:
    """The caller that the headers of a signed URL stand for; None where there are none, a fault if wrong."""
    given = call.headers.get("url-signature")
    if given is None:
        return None
    paths, methods = (call.headers.get(f"url-{name}", "").split(",") for name in ("paths", "methods"))
    project, expires = call.headers.get("x-project-id", ""), call.headers.get("url-expires", "")
    path = f"/v2{call.path}"
    is_signed = hmac.compare_digest(given.encode(), _signature(paths, methods, project, expires).encode())
    is_covered = call.method in methods and any(path == each or path.startswith(f"{each}/") for each in paths)
    if not is_signed or not is_covered or _moment(expires) <= call.world.clock():
        raise forbidden("The signature does not allow this.", "Forbidden")
    return Actor("", "", project, "", frozenset(("member", "reader")), _moment(expires), {})


ROUTES: Final = (Route("POST", "/queues/{queue}/share", _share),)
