"""One pass of cfn-hup: which hooks run, and when they run again."""

from __future__ import annotations

from typing import Any

import pytest

from stackd_cfntools.cloudformation import Detail
from stackd_cfntools.errors import RequestRefused, ToolError
from stackd_cfntools.hup import daemon
from stackd_cfntools.hup.hooks import Hook, target_of
from stackd_cfntools.hup.passes import once
from stackd_cfntools.metadata import keep
from stackd_cfntools.system import Outcome
from tests.cfntools.machine import Machine


def hook(name: str, *triggers: str, path: str = "Resources.web.Metadata") -> Hook:
    return Hook(name, triggers, target_of(name, path), f"act {name}", "root")


class Resource:
    """A resource whose metadata changes; it counts how often it is described."""

    def __init__(self, metadata: Any, physical_id: str = "1") -> None:
        self.metadata, self.physical_id, self.described = metadata, physical_id, 0

    def __call__(self, name: str) -> Detail:
        self.described += 1
        return Detail(self.metadata, self.physical_id)


def ran(machine: Machine, resource: Resource, *hooks: Hook) -> list[str]:
    """The actions of one pass."""
    machine.commands.clear()
    once(machine, list(hooks), resource)
    return [each for each in machine.ran if each.startswith("act ")]


def test_changed_metadata_runs_the_hook_once(machine: Machine) -> None:
    resource, update = Resource({"a": 1}), hook("update", "post.update")
    keep(machine, "web", {"a": 1})
    assert ran(machine, resource, update) == []
    resource.metadata = {"a": 2}
    assert ran(machine, resource, update) == ["act update"]
    assert machine.commands[-1].user == "root"
    assert ran(machine, resource, update) == []


def test_order_of_keys_is_no_change(machine: Machine) -> None:
    update = hook("update", "post.update")
    ran(machine, Resource({"a": 1, "b": 2}), update)
    assert ran(machine, Resource({"b": 2, "a": 1}), update) == []


def test_what_was_never_seen_is_both_new_and_changed(machine: Machine) -> None:
    hooks = [hook("update", "post.update"), hook("add", "post.add"), hook("remove", "post.remove")]
    assert ran(machine, Resource({"a": 1}), *hooks) == ["act update", "act add"]


def test_copy_of_cfn_init_counts_in_the_first_pass_only(machine: Machine) -> None:
    update = hook("update", "post.update")
    keep(machine, "web", {"a": 1})
    assert ran(machine, Resource({"a": 2}), update) == ["act update"]
    keep(machine, "web", {"a": 3})  # somebody ran cfn-init by hand
    assert ran(machine, Resource({"a": 3}), update) == ["act update"]


def test_failed_action_is_repeated_until_it_ends_well(machine: Machine) -> None:
    resource, update = Resource({"a": 1}), hook("update", "post.update")
    machine.outcomes["act update"] = Outcome(1, "broke")
    assert not once(machine, [update], resource)
    assert ran(machine, resource, update) == ["act update"]
    machine.outcomes.clear()
    assert ran(machine, resource, update) == ["act update"]
    assert ran(machine, resource, update) == []


def test_failed_action_keeps_no_other_hook_from_running(machine: Machine) -> None:
    resource, hooks = Resource({"a": 1}), [hook("one", "post.update"), hook("two", "post.update")]
    machine.outcomes["act one"] = Outcome(1, "")
    assert ran(machine, resource, *hooks) == ["act one", "act two"]
    assert ran(machine, resource, *hooks) == ["act one"]


def test_hook_of_a_part_sees_that_part_only(machine: Machine) -> None:
    part = hook("part", "post.add", "post.update", "post.remove", path="Resources.web.Metadata.app.version")
    resource = Resource({"app": {"version": 1}, "other": 1})
    assert ran(machine, resource, part) == ["act part"]
    resource.metadata = {"app": {"version": 1}, "other": 2}
    assert ran(machine, resource, part) == []
    changed: list[dict[str, Any]] = [{"app": {"version": 2}}, {"app": {}}, {"app": {"version": None}}]
    for metadata in changed:
        resource.metadata = metadata
        assert ran(machine, resource, part) == ["act part"]
    assert ran(machine, resource, part) == []


def test_what_comes_and_goes_runs_its_own_hooks(machine: Machine) -> None:
    path = "Resources.web.Metadata.key"
    hooks = [hook(name, f"post.{name}", path=path) for name in ("add", "update", "remove")]
    resource = Resource({})
    assert ran(machine, resource, *hooks) == []
    steps = [({"key": 1}, "add"), ({"key": 2}, "update"), ({}, "remove"), ({"key": 2}, "add")]
    for metadata, name in steps:
        resource.metadata = metadata
        assert ran(machine, resource, *hooks) == [f"act {name}"]


def test_hook_of_the_physical_id_sees_a_replacement(machine: Machine) -> None:
    replaced = hook("replaced", "post.update", path="Resources.web.PhysicalResourceId")
    resource = Resource({})
    ran(machine, resource, replaced)
    resource.metadata = {"changed": True}
    assert ran(machine, resource, replaced) == []
    resource.physical_id = "2"
    assert ran(machine, resource, replaced) == ["act replaced"]


def test_each_resource_is_described_once(machine: Machine) -> None:
    resource = Resource({})
    once(machine, [hook("a", "post.update"), hook("b", "post.update")], resource)
    assert resource.described == 1


def test_resource_that_is_refused_keeps_no_other_ones_hook_from_running(machine: Machine) -> None:
    def describe(name: str) -> Detail:
        if name == "db":
            raise RequestRefused("not yours", 403, "AccessDenied")
        return Detail({"a": 1}, "1")

    hooks = [hook("db", "post.update", path="Resources.db"), hook("web", "post.update")]
    assert not once(machine, hooks, describe)
    assert machine.ran == ["act web"]


def test_service_that_is_down_is_started_and_its_hook_runs(machine: Machine) -> None:
    machine.program("systemctl")
    init = {"config": {"services": {"systemd": {"httpd": {"ensureRunning": "true"}, "off": {}}}}}
    resource = Resource({"AWS::CloudFormation::Init": init})
    restarted, update = hook("restarted", "service.restarted"), hook("update", "post.update")
    ran(machine, resource, restarted, update)
    assert ran(machine, resource, restarted, update) == []
    machine.outcomes["systemctl is-active httpd"] = Outcome(3, "")
    assert ran(machine, resource, restarted, update) == ["act restarted"]
    assert "systemctl start httpd" in machine.ran
    machine.outcomes["systemctl start httpd"] = Outcome(1, "masked")
    assert ran(machine, resource, restarted, update) == []


def test_every_service_that_is_down_is_started(machine: Machine) -> None:
    machine.program("systemctl")
    services = {name: {"ensureRunning": True} for name in ("a", "b", "c")}
    init = {"config": {"services": {"systemd": services}}}
    machine.outcomes["systemctl is-active"] = Outcome(3, "")
    once(machine, [hook("restarted", "service.restarted")], Resource({"AWS::CloudFormation::Init": init}))
    started = [each for each in machine.ran if each.startswith("systemctl start")]
    assert started == ["systemctl start a", "systemctl start b", "systemctl start c"]


def test_daemon_goes_on_after_a_pass_that_failed(machine: Machine, caplog: pytest.LogCaptureFixture) -> None:
    results = [ToolError("no route"), ValueError("broken"), None]

    def act() -> bool:
        result = results.pop(0)
        if result is not None:
            raise result
        raise daemon.Stopped

    daemon.repeat(machine, act, 60.0)
    assert machine.pauses == [60.0, 60.0]
    assert "no route" in caplog.text
    assert "mistake of the tool" in caplog.text


def test_only_one_is_at_work(machine: Machine) -> None:
    with daemon.exclusively(machine), pytest.raises(ToolError, match="another cfn-hup is at work"):
        daemon.exclusively(machine)
    daemon.exclusively(machine).close()
