"""The actions that tasks do: nothing, an echo, a failure, and requests to URLs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from stackd.devcloud.delivery import Answer, Delivery
from stackd.devcloud.store import JSON
from stackd.devcloud.world import World

_REFUSALS: Final = 307
"""The lowest status of an answer that is a failure, among those from 200 on."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action: its result, or why it failed."""

    result: Any = None
    error: Any = None

    @property
    def is_success(self) -> bool:
        """Whether it did what it should."""
        return self.error is None


Done = Callable[[Outcome], None]
Do = Callable[[World, JSON, Done], None]


def act(world: World, name: str, given: JSON, done: Done) -> None:
    """Do an action; ``done`` is called with its outcome, at once or later."""
    if name not in _ACTIONS:
        done(Outcome(error=f"Failed to find action [action_name={name}]"))
        return
    needed, allowed, do = _ACTIONS[name]
    missing, unexpected = sorted(needed - given.keys()), sorted(given.keys() - allowed - needed)
    if missing or unexpected:
        done(Outcome(error=f"Invalid input [name={name}, missing={missing}, unexpected={unexpected}]"))
        return
    do(world, given, done)


def _noop(world: World, given: JSON, done: Done) -> None:
    done(Outcome())


def _echo(world: World, given: JSON, done: Done) -> None:
    done(Outcome(given["output"]))


def _fail(world: World, given: JSON, done: Done) -> None:
    done(Outcome(error=given.get("error_data") or "Fail action expected exception."))


def _http(world: World, given: JSON, done: Done) -> None:
    """A request, for whose answer nothing waits but the task."""

    def answered(answer: Answer | None) -> None:
        done(_http_outcome(given, answer))

    url, body = str(given["url"]), given.get("body")
    if given.get("params"):
        url = f"{url}{'&' if '?' in url else '?'}{urlencode(given['params'])}"
    headers = {str(key).lower(): str(value) for key, value in (given.get("headers") or {}).items()}
    content = body if isinstance(body, str | None) else orjson.dumps(body)
    method = str(given.get("method") or "GET").upper()
    world.outbox.append(Delivery(url, content, headers, method, then=answered))


def _http_outcome(given: JSON, answer: Answer | None) -> Outcome:
    if answer is None:
        return Outcome(error=f"Failed to send HTTP request: {given['url']}")
    try:
        content = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        content = answer.body.decode(errors="replace")
    shown = {"content": content, "status": answer.status, "headers": {**answer.headers}, "url": given["url"]}
    return Outcome(shown) if 200 <= answer.status < _REFUSALS else Outcome(error=shown)


_HTTP_INPUT: Final = frozenset(
    (
        "method",
        "params",
        "body",
        "headers",
        "cookies",
        "auth",
        "timeout",
        "allow_redirects",
        "verify",
        "proxies",
    )
)
_ACTIONS: Final[Mapping[str, tuple[frozenset[str], frozenset[str], Do]]] = {
    "std.noop": (frozenset(), frozenset(), _noop),
    "std.echo": (frozenset(("output",)), frozenset(("delay",)), _echo),
    "std.fail": (frozenset(), frozenset(("error_data",)), _fail),
    "std.http": (frozenset(("url",)), _HTTP_INPUT, _http),
}
"""By name: the input that must be given, that may be given, and what is done."""
