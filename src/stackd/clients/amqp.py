"""Publishes messages to a message broker, in the envelope of oslo.messaging.

It needs the extra ``stackd[amqp]``.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from stackd.errors import Transient
from stackd.urls import mask_passwords

if TYPE_CHECKING:
    from aio_pika.abc import AbstractChannel, AbstractConnection

_SCHEMES = {"rabbit": "amqp", "rabbits": "amqps"}
_PATIENCE = 10.0
"""Seconds for a connection and for one message."""


def broker_url(url: str) -> str:
    """The address as the driver takes it; oslo.messaging's scheme ``rabbit`` is AMQP."""
    scheme, colon, rest = url.partition("://")
    return f"{_SCHEMES.get(scheme, scheme)}{colon}{rest}"


class Broker:
    """One connection, opened with the first message and again after it was lost."""

    def __init__(self, url: str, exchange: str, *, durable: bool) -> None:
        self._url = broker_url(url)
        self._exchange = exchange
        self._durable = durable
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._queues: set[str] = set()

    async def publish(self, queue: str, message: Mapping[str, Any]) -> None:
        """Put a message into a queue; it has arrived when this returns. Raises ``Transient``."""
        from aio_pika import Message
        from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

        body = json.dumps({"oslo.version": "2.0", "oslo.message": json.dumps(message)}).encode()
        try:
            channel = await self._open()
            exchange = await channel.get_exchange(self._exchange, ensure=False)
            if queue not in self._queues:
                await self._declare(channel, queue)
            sent = Message(body, content_type="application/json", content_encoding="utf-8")
            await exchange.publish(sent, queue, timeout=_PATIENCE)
        except (AMQPError, ChannelInvalidStateError, OSError, TimeoutError) as error:
            await self.close()
            why = mask_passwords(str(error)) or type(error).__name__
            raise Transient(f"The message broker does not take messages: {why}") from error

    async def _open(self) -> AbstractChannel:
        if self._channel is None or self._channel.is_closed:
            from aio_pika import ExchangeType, connect

            await self.close()
            self._connection = await connect(self._url, timeout=_PATIENCE)
            self._channel = await self._connection.channel()
            await self._channel.declare_exchange(self._exchange, ExchangeType.TOPIC, durable=self._durable)
        return self._channel

    async def _declare(self, channel: AbstractChannel, queue: str) -> None:
        """Declare the queue, so that messages without a consumer are kept."""
        declared = await channel.declare_queue(queue, durable=self._durable)
        await declared.bind(self._exchange, queue)
        self._queues.add(queue)

    async def close(self) -> None:
        """End the connection; the next message opens another."""
        connection, self._connection, self._channel = self._connection, None, None
        self._queues.clear()
        if connection is not None:
            from aio_pika.exceptions import AMQPError

            with contextlib.suppress(AMQPError, OSError, TimeoutError):  # it was lost
                await connection.close()
