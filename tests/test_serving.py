from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stackd.serving import Deferred, Stamp, json_line, plain_line


def line(**values: object) -> str:
    return plain_line(None, "info", {"timestamp": "2026-01-01T00:00:00Z", "level": "info", **values})


def test_line_for_people_has_time_level_event_and_values_by_name() -> None:
    found = line(event="request", status=200, method="GET", route="/v1/{project}")
    assert found.split() == [
        *("2026-01-01T00:00:00Z", "[info", "]", "request"),
        *("method=GET", "route=/v1/{project}", "status=200"),
    ]


def test_value_that_could_pass_for_another_line_or_value_is_quoted() -> None:
    found = line(event="x", name="a\nb=c d")
    assert found.endswith("name='a\\nb=c d'")
    assert "\n" not in found


def test_traceback_follows_its_line() -> None:
    found = line(event="request_broke", method="GET", exception="Traceback\n  ...")
    first, _, rest = found.partition("\n\n")
    assert first.endswith("method=GET")
    assert rest == "Traceback\n  ..."


def test_line_for_programs_may_have_any_integer_and_any_object() -> None:
    for values in ({"size": 2**70, "name": "é"}, {"value": {1, 2}}, {"half": "\ud800"}):
        assert json.loads(json_line(values, repr)).keys() == values.keys()


def test_record_is_stamped_with_level_and_time_to_the_microsecond() -> None:
    moments = iter([1_700_000_000.0, 1_700_000_000.25, 1_700_000_001.000030517578125])
    stamp = Stamp(lambda: next(moments))
    records = [stamp(None, level, {"event": "x"}) for level in ("info", "warning", "error")]
    assert records == [
        {"event": "x", "level": "info", "timestamp": "2023-11-14T22:13:20.000000Z"},
        {"event": "x", "level": "warning", "timestamp": "2023-11-14T22:13:20.250000Z"},
        {"event": "x", "level": "error", "timestamp": "2023-11-14T22:13:21.000030Z"},
    ]


def test_stack_that_was_asked_for_is_in_the_record() -> None:
    assert "test_serving.py" in Stamp()(None, "info", {"event": "x", "stack_info": True})["stack"]


async def test_a_deferred_application_is_built_once_for_its_first_requests() -> None:
    answered: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answered.append(scope["path"])

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        pass

    built: list[bool] = []

    def make() -> ASGIApp:
        built.append(threading.current_thread() is threading.main_thread())
        return app

    deferred = Deferred(make)
    assert not built
    await asyncio.gather(*(deferred({"path": path}, receive, send) for path in "ab"))
    await deferred({"path": "c"}, receive, send)
    assert built == [False]
    assert sorted(answered) == ["a", "b", "c"]
