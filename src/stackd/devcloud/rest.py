"""Small pieces that several services share: fault bodies of the Nova kind, page links, maps of texts."""

from __future__ import annotations

from collections.abc import Callable

from stackd.devcloud.store import JSON
from stackd.devcloud.wire import Call, Fault, Reply, bad_request

FAULT_NAMES = {
    400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod",
    409: "conflictingRequest", 413: "overLimit", 415: "badMediaType", 429: "overLimit", 501: "notImplemented",
    503: "serviceUnavailable",
}  # fmt: skip


def unauthorized() -> Reply:
    """The 401 answer for a missing or invalid token, the same for most services."""
    message = "The request you have made requires authentication."
    return Reply(401, {"error": {"code": 401, "title": "Unauthorized", "message": message}})


def fault(default: str) -> Callable[[Fault], Reply]:
    """A renderer of faults in the form of Nova and Cinder; `default` names other faults."""

    def render(error: Fault) -> Reply:
        if error.status == 401:
            return unauthorized()
        name = FAULT_NAMES.get(error.status, default)
        return Reply(error.status, {name: {"code": error.status, "message": error.message}})

    return render


def next_link(call: Call, plural: str, items: list[JSON], following: str | None) -> JSON:
    """A page, with the link to the next one if there is one."""
    page: JSON = {plural: items}
    if following:
        page[f"{plural}_links"] = [{"rel": "next", "href": following}]
    return page


def texts(values: JSON) -> JSON:
    """A map as it is, if its values are texts or null; else the fault of Nova and Cinder."""
    for name, value in values.items():
        if not isinstance(value, str | None):
            raise bad_request(
                f"Invalid input for field/attribute {name}. Value: {value}. "
                f"{value} is not of type 'string', 'null'"
            )
    return values
