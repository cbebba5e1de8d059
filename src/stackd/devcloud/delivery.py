"""Messages that services of the dev cloud send to URLs outside it, such as the actions of alarms."""

from __future__ import annotations

import asyncio
import logging
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

_log = logging.getLogger(__name__)
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A JSON body that is to be posted to a URL."""

    url: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


Send = Callable[[Delivery], Awaitable[None]]


async def post(delivery: Delivery) -> None:
    """Post it, in a thread. A failure is logged and otherwise ignored, as services do."""
    try:
        await asyncio.to_thread(_post, delivery)
    except (OSError, ValueError) as error:
        _log.warning("not delivered: %s: %s", delivery.url, error)


def _post(delivery: Delivery) -> None:
    if not delivery.url.startswith(("http://", "https://")):
        raise ValueError("not a URL of HTTP")
    headers = {"content-type": "application/json", **delivery.headers}
    request = urllib.request.Request(  # noqa: S310  (the scheme is checked above)
        delivery.url, orjson.dumps(delivery.body), headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=_PATIENCE):  # noqa: S310
        pass
