"""The id under which a request of ours is known in the logs of every service that it reaches."""

from __future__ import annotations

from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("stackd_request_id", default="")


def current_request_id() -> str:
    """The id of the current request or operation; empty outside of one."""
    return _current.get()


def use_request_id(request_id: str) -> None:
    """Sends ``request_id`` on with every call that this task, and those it starts, make from now on."""
    _current.set(request_id)
