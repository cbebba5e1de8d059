"""Messages that services of the dev cloud send to URLs outside it, such as the actions of alarms."""

from __future__ import annotations

import asyncio
import logging
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

_log = logging.getLogger(__name__)
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request to a URL: a JSON body, text or bytes as they are, or nothing for None.

    With ``then`` nobody waits for it but what is called with the answer, or with None where there was none.
    """

    url: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    then: Callable[[Answer | None], None] | None = None

    @property
    def content(self) -> bytes | None:
        """The body as it is sent."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else orjson.dumps(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Send = Callable[[Delivery], Awaitable[Answer | None]]


async def post(delivery: Delivery) -> Answer | None:
    """Send it, in a thread. A failure is logged and otherwise ignored, as services do; None then."""
    try:
        return await asyncio.to_thread(_post, delivery)
    except (OSError, ValueError) as error:
        _log.warning("not delivered: %s: %s", delivery.url, error)
        return None


def _post(delivery: Delivery) -> Answer:
    if not delivery.url.startswith(("http://", "https://")):
        raise ValueError("not a URL of HTTP")
    headers = {"content-type": "application/json", **delivery.headers}
    request = urllib.request.Request(  # noqa: S310  (the scheme is checked above)
        delivery.url, delivery.content, headers, method=delivery.method
    )
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
            return Answer(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as refusal:
        if delivery.then is None:
            raise
        return Answer(refusal.code, dict(refusal.headers), refusal.read())
