import asyncio

import httpx
from hypothesis import given
from hypothesis import strategies as st

from stackd.clients.limiter import Limiter, LimiterSettings
from stackd.clients.wire import Wire


class Clock:
    """Time that passes when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def _round(
    limiter: Limiter, clock: Clock, count: int, seconds: float, *, refused: bool = False
) -> None:
    """``count`` calls side by side, all answered after ``seconds``."""
    starts = [await limiter.acquire() for _ in range(count)]
    clock.now += seconds
    for started in starts:
        limiter.release(started, "GET", refused=refused, failed=refused)


async def test_limit_grows_to_its_maximum_while_latency_is_flat() -> None:
    clock = Clock()
    limiter = Limiter(LimiterSettings(start=2, maximum=8), clock)
    for _ in range(20):
        await _round(limiter, clock, limiter.stats().limit, 0.1)
    assert limiter.stats().limit == 8


async def test_limit_stays_when_it_holds_nobody_back() -> None:
    clock = Clock()
    limiter = Limiter(LimiterSettings(start=4, maximum=64), clock)
    for _ in range(20):
        await _round(limiter, clock, 1, 0.1)
    assert limiter.stats().limit == 4


async def test_limit_stays_when_latency_rises() -> None:
    clock = Clock()
    limiter = Limiter(LimiterSettings(start=4, maximum=64), clock)
    await _round(limiter, clock, 1, 0.1)
    for _ in range(5):
        await _round(limiter, clock, 4, 5.0)
    before = limiter.stats().limit
    for _ in range(5):
        await _round(limiter, clock, before, 5.0)
    assert limiter.stats().limit == before


async def test_a_burst_of_refusals_halves_the_limit_once() -> None:
    clock = Clock()
    limiter = Limiter(LimiterSettings(start=16, maximum=64), clock)
    await _round(limiter, clock, 16, 0.1, refused=True)
    assert limiter.stats().limit == 8
    await _round(limiter, clock, 8, 0.1, refused=True)
    assert limiter.stats().limit == 4
    assert limiter.stats().errors == 24


async def test_limit_never_falls_below_its_minimum() -> None:
    clock = Clock()
    limiter = Limiter(LimiterSettings(start=4, minimum=2), clock)
    for _ in range(10):
        await _round(limiter, clock, 1, 0.1, refused=True)
    assert limiter.stats().limit == 2


async def test_calls_get_their_turn_in_order() -> None:
    limiter = Limiter(LimiterSettings(start=1, maximum=1), Clock())
    order: list[int] = []

    async def call(number: int) -> None:
        started = await limiter.acquire()
        order.append(number)
        await asyncio.sleep(0)
        limiter.release(started, "GET")

    await asyncio.gather(*(call(number) for number in range(10)))
    assert order == list(range(10))
    assert limiter.stats().in_flight == 0


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 3))
def test_cancelled_calls_lose_no_slot(cancel: list[bool], slots: int) -> None:
    async def story() -> None:
        limiter = Limiter(LimiterSettings(start=slots, maximum=slots), Clock())

        async def call() -> None:
            started = await limiter.acquire()
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                limiter.abandon()
                raise
            limiter.release(started, "GET")

        tasks = [asyncio.create_task(call()) for _ in cancel]
        await asyncio.sleep(0)
        for task, stop in zip(tasks, cancel, strict=True):
            if stop:
                task.cancel()
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limiter.stats().in_flight == 0
        assert limiter.stats().waiting == 0
        await asyncio.wait_for(limiter.acquire(), 60)

    asyncio.run(story())


async def test_limiters_of_hosts_that_templates_name_are_bounded() -> None:
    async with httpx.AsyncClient() as client:
        wire = Wire(client)
        kept = wire.limiter("network", "http://neutron:9696/v2.0")
        for number in range(2_000):
            wire.limiter("orchestration", f"http://host{number}/v1")
            assert wire.limiter("network", "http://neutron:9696/v2.0/ports") is kept
        assert len(wire.stats()) <= 1_000
