"""Messages reach a real RabbitMQ in the form that consumers of oslo.messaging read."""

from __future__ import annotations

import asyncio
import json
import uuid

import pytest

from stackd.clients.amqp import Broker

pytestmark = pytest.mark.cloud
URL = "rabbit://guest:guest@127.0.0.1:5672/"


@pytest.mark.parametrize("durable", [False, True])
def test_messages_wait_in_a_queue_for_whoever_reads_them(durable: bool) -> None:
    asyncio.run(_published(durable=durable))


async def _published(*, durable: bool) -> None:
    import aio_pika

    mark = uuid.uuid4().hex
    queue, exchange = f"stackd-{mark}.info", f"stackd-{mark}"
    broker = Broker(URL, exchange, durable=durable)
    for number in range(3):
        await broker.publish(queue, {"event_type": "orchestration.stack.create.end", "number": number})
    await broker.close()
    async with await aio_pika.connect("amqp://guest:guest@127.0.0.1:5672/") as connection:
        channel = await connection.channel()
        read = await channel.get_queue(queue)
        bodies = []
        for _ in range(3):
            message = await read.get(timeout=10)
            assert message is not None
            bodies.append(json.loads(message.body))
            await message.ack()
        await read.delete()
        await channel.exchange_delete(exchange)
    assert {body["oslo.version"] for body in bodies} == {"2.0"}
    assert [json.loads(body["oslo.message"])["number"] for body in bodies] == [0, 1, 2]
