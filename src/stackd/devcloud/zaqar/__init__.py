"""Zaqar: queues of messages, claims on messages, subscriptions, and signed URLs for queues."""

from __future__ import annotations

from stackd.devcloud.service import Service
from stackd.devcloud.wire import Call, Reply, Route
from stackd.devcloud.zaqar import claims, messages, queues, signed, subscriptions
from stackd.devcloud.zaqar.style import MESSAGES, QUEUES, SUBSCRIPTIONS, fault


def _ping(call: Call) -> Reply:
    return Reply(204)


ZAQAR = Service(
    name="zaqar",
    prefix="messaging",
    api="/v2",
    catalog=(("messaging", "zaqar", ""),),
    fault=fault,
    routes=(
        Route("GET", "/ping", _ping),
        *queues.ROUTES,
        *signed.ROUTES,
        *messages.ROUTES,
        *claims.ROUTES,
        *subscriptions.ROUTES,
    ),
    kinds={QUEUES: (), MESSAGES: ("queue",), SUBSCRIPTIONS: ("queue",)},
    sign_in=signed.sign_in,
)
