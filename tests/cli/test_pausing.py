"""`stackd stack hook`, against an API made of canned answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import respx
from click.testing import CliRunner, Result

from stackd.cli.main import cli
from stackd.cli.pausing import pending

BASE = "http://heat/v1/p"
ENVIRON = {"OS_AUTH_TYPE": "none", "OS_PROJECT_ID": "p", "OS_ORCHESTRATION_ENDPOINT": "http://heat"}
INNER = f"{BASE}/stacks/s-group-x/j"

Run = Callable[..., Result]


def event(name: str, reason: str, stack: str = f"{BASE}/stacks/s/i", **more: Any) -> dict[str, Any]:
    return {
        "id": f"{name}{reason}",
        "event_time": "2026-01-01T00:00:00Z",
        "resource_name": name,
        "resource_status": "INIT_COMPLETE",
        "resource_status_reason": reason,
        "physical_resource_id": None,
        "links": [{"rel": "stack", "href": stack}],
    } | more


def paused(name: str, hook: str = "pre-create", **more: Any) -> dict[str, Any]:
    return event(name, f"{hook.partition('-')[2].upper()} paused until Hook {hook} is cleared", **more)


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    with respx.mock(using="httpx", base_url=BASE, assert_all_called=False) as router:
        router.get("/stacks/s").respond(302, headers={"Location": f"{BASE}/stacks/s/i"})
        shown = {"id": "i", "stack_name": "s", "stack_status": "CREATE_IN_PROGRESS"}
        router.get("/stacks/s/i").respond(json={"stack": shown})
        nested = [{"rel": "stack", "href": f"{BASE}/stacks/s/i"}, {"rel": "nested", "href": INNER}]
        row = {"resource_name": "group", "links": nested}
        router.get("/stacks/s/i/resources").respond(json={"resources": [row]})
        yield router


@pytest.fixture
def run() -> Run:
    def invoke(*arguments: str) -> Result:
        return CliRunner(env=ENVIRON).invoke(cli, ["stack", "hook", *arguments])

    return invoke


def test_poll_lists_what_pauses_with_the_way_to_it(web: respx.MockRouter, run: Run) -> None:
    events = [paused("web"), paused("db"), event("db", "Hook pre-create is cleared")]
    events.append(paused("0", "post-create", stack=INNER))
    web.get("/stacks/s/i/events").respond(json={"events": events})
    result = run("poll", "s", "-f", "json")
    assert result.exit_code == 0, result.output
    rows = [(row["resource"], row["hook"], row["stack"]) for row in json.loads(result.stdout)]
    assert rows == [("web", "pre-create", "s"), ("group/0", "post-create", "s-group-x")]
    assert "group/0" in run("poll", "s").stdout


def test_clear_signals_each_resource_in_its_own_stack(web: respx.MockRouter, run: Run) -> None:
    events = [paused("web1"), paused("web2"), paused("0", stack=INNER)]
    web.get("/stacks/s/i/events").respond(json={"events": events})
    first = web.post("/stacks/s/i/resources/web1/signal").respond(200, json=None)
    second = web.post("/stacks/s/i/resources/web2/signal").respond(200, json=None)
    third = web.post("/stacks/s-group-x/j/resources/0/signal").respond(200, json=None)
    result = run("clear", "s", "web*", "group/0")
    assert result.exit_code == 0, result.output
    for route in (first, second, third):
        assert json.loads(route.calls.last.request.content) == {"unset_hook": "pre-create"}


def test_clear_of_what_does_not_pause_is_not_found(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i/events").respond(json={"events": [paused("web")]})
    result = run("clear", "s", "db")
    assert (result.exit_code, "No hook is pending on db" in result.stderr) == (3, True)


def test_clear_of_one_hook_leaves_the_others(web: respx.MockRouter, run: Run) -> None:
    web.get("/stacks/s/i/events").respond(json={"events": [paused("web", "pre-update")]})
    route = web.post("/stacks/s/i/resources/web/signal").mock(return_value=httpx.Response(200))
    assert run("clear", "s", "web", "--hook", "pre-create").exit_code == 0
    assert not route.called


@pytest.mark.parametrize(
    "end",
    [
        event("web", "Failure occurred while waiting."),
        event("web", "Hook pre-create is cleared"),
        event("s", "Stack UPDATE started", physical_resource_id="i"),
    ],
)
def test_a_pause_ends_with_a_later_event(end: dict[str, Any]) -> None:
    assert [row["hook"] for row in pending([paused("web")])] == ["pre-create"]
    assert pending([paused("web"), end]) == []
