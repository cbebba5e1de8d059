"""What is told from events while an operation runs."""

from __future__ import annotations

from typing import Any

from stackd.cli.progress import Progress, line, stack_of, with_events, with_listing


def links(stack: str) -> list[dict[str, str]]:
    return [{"rel": "self", "href": "x"}, {"rel": "stack", "href": f"http://h/v1/p/stacks/n/{stack}"}]


def event(
    number: int, name: str, status: str, stack: str = "S", physical: str | None = None
) -> dict[str, Any]:
    return {
        "id": f"e{number}",
        "event_time": "2026-01-01T00:00:00Z",
        "resource_name": name,
        "resource_status": status,
        "resource_status_reason": "state changed",
        "physical_resource_id": physical,
        "links": links(stack),
    }


def resource(name: str, status: str = "INIT_COMPLETE", stack: str = "S", parent: str = "") -> dict[str, Any]:
    owner = {"parent_resource": parent} if parent else {}
    return {
        "resource_name": name,
        "resource_type": "T",
        "resource_status": status,
        "links": links(stack),
    } | owner


def test_stack_of_an_item_is_in_its_links() -> None:
    assert stack_of(event(1, "a", "CREATE_COMPLETE", "S1")) == "S1"
    assert stack_of({}) == ""


def test_listing_shows_what_waits_and_events_move_it() -> None:
    progress = with_listing(Progress(), [resource("a"), resource("b")])
    assert progress.counts()["waiting"] == 2
    progress = with_events(
        progress, [event(1, "a", "CREATE_IN_PROGRESS"), event(2, "a", "CREATE_COMPLETE")], "S"
    )
    assert progress.counts() == {"COMPLETE": 1, "IN_PROGRESS": 0, "FAILED": 0, "waiting": 1}
    assert progress.marker == "e2"


def test_events_of_the_stack_itself_are_no_row() -> None:
    progress = with_events(Progress(), [event(1, "n", "CREATE_IN_PROGRESS", physical="S")], "S")
    assert (dict(progress.rows), progress.marker, progress.strangers) == ({}, "e1", False)


def test_unknown_resource_asks_for_a_listing_which_names_its_owner() -> None:
    progress = with_events(Progress(), [event(1, "disk", "CREATE_COMPLETE", "CHILD")], "S")
    assert progress.strangers
    progress = with_listing(progress, [resource("disk", "CREATE_IN_PROGRESS", "CHILD", parent="web")])
    assert not progress.strangers
    [row] = progress.rows.values()
    assert (row.name, row.type, row.status) == ("web/disk", "T", "CREATE_COMPLETE")


def test_failed_comes_first_then_running_then_done_then_waiting() -> None:
    progress = with_listing(Progress(), [resource(name) for name in "wdrf"])
    statuses = {"d": "CREATE_COMPLETE", "r": "CREATE_IN_PROGRESS", "f": "CREATE_FAILED"}
    events = [event(number, name, status) for number, (name, status) in enumerate(statuses.items())]
    assert [row.name for row in with_events(progress, events, "S").visible(9)] == ["f", "r", "d", "w"]


def test_among_equals_the_latest_comes_first_and_the_rest_is_cut() -> None:
    events = [event(number, f"r{number}", "CREATE_COMPLETE") for number in range(5)]
    assert [row.name for row in with_events(Progress(), events, "S").visible(2)] == ["r4", "r3"]


def test_line_leaves_out_the_reason_that_says_nothing() -> None:
    assert line(event(1, "a", "CREATE_COMPLETE")) == "2026-01-01T00:00:00Z  CREATE_COMPLETE     a"
    told = event(1, "a", "CREATE_FAILED") | {"resource_status_reason": "No quota"}
    assert line(told).endswith("a  No quota")
