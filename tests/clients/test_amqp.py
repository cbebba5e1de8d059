"""Addresses of message brokers, and one that is not there."""

from __future__ import annotations

import pytest

from stackd.clients.amqp import Broker, broker_url
from stackd.errors import Transient
from tests.support.network import free_port


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("rabbit://u:p@h:5672/", "amqp://u:p@h:5672/"),
        ("rabbits://h/", "amqps://h/"),
        ("amqp://h/v", "amqp://h/v"),
    ],
)
def test_addresses_of_oslo_messaging_are_taken(written: str, taken: str) -> None:
    assert broker_url(written) == taken


async def test_a_broker_that_is_away_is_a_transient_error() -> None:
    broker = Broker(f"amqp://127.0.0.1:{free_port()}/", "heat", durable=False)
    with pytest.raises(Transient, match="broker"):
        await broker.publish("notifications.info", {})
    await broker.close()
