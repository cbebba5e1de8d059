"""Where failures began."""

from __future__ import annotations

from typing import Any

from stackd.cli.causes import Cause, brief, causes_in, root_causes
from stackd.cli.naming import Owners
from stackd.cli.progress import Progress, with_events, with_listing


def failed(path: str, reason: str, kind: str = "T") -> Cause:
    return Cause(path, kind, "CREATE_FAILED", reason)


def test_failure_is_told_once_where_it_began() -> None:
    causes = root_causes(
        [
            failed("group", "ResourceInError: resources.group.resources.0.resources.vm: No host", "G"),
            failed("group/0", "ResourceInError: resources.0.resources.vm: No host", "inner.yaml"),
            failed("group/0/vm", "ResourceInError: resources.vm: No host", "OS::Nova::Server"),
        ]
    )
    assert [str(cause) for cause in causes] == ["group/0/vm (OS::Nova::Server): No host"]


def test_reason_around_gives_the_path_where_the_inside_is_gone() -> None:
    causes = root_causes(
        [failed("group", "ResourceInError: resources.group.resources.0.resources.vm: No host")]
    )
    assert [str(cause) for cause in causes] == ["group/0/vm: No host"]


def test_all_failures_that_began_by_themselves_are_told() -> None:
    causes = root_causes([failed("a", "X: resources.a: one"), failed("b", "Y: resources.b: two: three")])
    assert [(cause.path, cause.message) for cause in causes] == [("a", "one"), ("b", "two: three")]


def test_what_was_only_stopped_is_left_out_unless_it_is_all_there_is() -> None:
    stopped = failed("b", "ResourceFailure: resources.b: CREATE aborted (Operation cancelled)")
    assert [cause.path for cause in root_causes([failed("a", "X: resources.a: one"), stopped])] == ["a"]
    assert [cause.path for cause in root_causes([stopped])] == ["b"]


def test_reason_of_another_form_is_kept() -> None:
    assert [str(cause) for cause in root_causes([failed("a", "It broke: badly")])] == [
        "a (T): It broke: badly"
    ]


def test_row_of_a_table_leaves_the_inside_to_its_own() -> None:
    assert brief("X: resources.a: no room\nat all") == "no room at all"
    assert brief("X: resources.a.resources.0.resources.vm: no room") == "in 0/vm"


def item(name: str, stack: str, nested: str = "", parent: str = "") -> dict[str, Any]:
    links = [{"rel": "stack", "href": f"http://h/v1/p/stacks/n/{stack}"}]
    links += [{"rel": "nested", "href": f"http://h/v1/p/stacks/m/{nested}"}] if nested else []
    return {
        "resource_name": name,
        "resource_type": "T",
        "resource_status": "CREATE_FAILED",
        "resource_status_reason": f"X: resources.{name}: no room",
        "links": links,
    } | ({"parent_resource": parent} if parent else {})


def test_resource_in_stacks_in_stacks_has_its_whole_path() -> None:
    rows = [item("group", "S", "G"), item("0", "G", "M", "group"), item("vm", "M", parent="0")]
    owners = Owners.among(rows)
    assert [owners.path(row) for row in rows] == ["group", "group/0", "group/0/vm"]
    assert [cause.path for cause in causes_in(rows, owners)] == ["group/0/vm"]
    assert Owners().path(rows[2]) == "0/vm"
    of_the_stack_itself = item("n-group-0", "M") | {"physical_resource_id": "M"}
    assert owners.path(of_the_stack_itself) == "group/0"


def event(number: int, name: str, stack: str, status: str, reason: str, physical: str = "") -> dict[str, Any]:
    return item(name, stack) | {
        "id": str(number),
        "resource_status": status,
        "resource_status_reason": reason,
        "physical_resource_id": physical,
    }


def test_rollback_does_not_hide_what_failed() -> None:
    progress = with_listing(Progress(), [item("vm", "S"), item("net", "S")])
    events = [
        event(1, "vm", "S", "CREATE_FAILED", "X: resources.vm: no room"),
        event(2, "s", "S", "ROLLBACK_IN_PROGRESS", "", physical="S"),
        event(3, "vm", "S", "DELETE_COMPLETE", "state changed"),
    ]
    assert [str(cause) for cause in with_events(progress, events, "S").causes("S")] == ["vm (T): no room"]


def test_what_went_well_when_tried_again_has_not_failed() -> None:
    events = [
        event(1, "vm", "S", "CREATE_FAILED", "X: resources.vm: no room"),
        event(2, "vm", "S", "CREATE_COMPLETE", "state changed"),
    ]
    assert with_events(Progress(), events, "S").causes("S") == []
