"""The configuration of cfn-hup and its hooks."""

from __future__ import annotations

import pytest

from stackd_cfntools.errors import ToolError
from stackd_cfntools.hup import hooks, settings
from stackd_cfntools.hup.hooks import Target, target_of
from tests.cfntools.machine import Machine

CONF, HOOKS, DIRECTORY = "/etc/cfn/cfn-hup.conf", "/etc/cfn/hooks.conf", "/etc/cfn/hooks.d"
HOOK = "[{}]\ntriggers = post.update\npath = Resources.web.Metadata\naction = act %s\nrunas = root\n"


def test_settings_have_their_defaults(machine: Machine) -> None:
    machine.put(
        CONF, "[main]\nstack=arn:openstack:heat::p:stacks/s/1\ncredential-file=/etc/cfn/cfn-credentials\n"
    )
    found = settings.read(machine)
    assert (found.stack, found.credential_file) == (
        "arn:openstack:heat::p:stacks/s/1",
        "/etc/cfn/cfn-credentials",
    )
    assert (found.region, found.interval, found.url, found.verbose) == ("nova", 600.0, None, False)


def test_interval_is_in_minutes(machine: Machine) -> None:
    machine.put(CONF, "[main]\nstack=s\ncredential-file=c\ninterval=0.5\nurl=https://h/v1\nverbose=true\n")
    found = settings.read(machine)
    assert (found.interval, found.url, found.verbose) == (30.0, "https://h/v1", True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "there is no /etc/cfn/cfn-hup.conf"),
        ("", "has no stack"),
        ("[main]\nstack=s\n", "has no credential-file"),
        ("[main]\nstack=s\ncredential-file=c\ninterval=0\n", "'0' is no number of minutes"),
        ("[main]\nstack=s\ncredential-file=c\ninterval=often\n", "'often' is no number of minutes"),
        ("stack=s\n", "is no configuration file"),
    ],
)
def test_mistakes_in_the_settings_are_named(machine: Machine, text: str | None, message: str) -> None:
    if text is not None:
        machine.put(CONF, text)
    with pytest.raises(ToolError, match=message):
        settings.read(machine)


def test_hooks_come_from_the_file_and_the_directory(machine: Machine) -> None:
    machine.put(HOOKS, "[main]\nx=1\n" + HOOK.format("first") + HOOK.format("second"))
    machine.put(f"{DIRECTORY}/b.conf", HOOK.format("second").replace("= act", "= replaced"))
    machine.put(f"{DIRECTORY}/a.conf", HOOK.format("third"))
    machine.put(f"{DIRECTORY}/.hidden", "no configuration")
    found = {hook.name: hook.action for hook in hooks.read(machine, DIRECTORY)}
    assert found == {"first": "act %s", "third": "act %s", "second": "replaced %s"}


@pytest.mark.parametrize("missing", ["triggers", "path", "action", "runas"])
def test_all_keys_of_a_hook_are_required(machine: Machine, missing: str) -> None:
    lines = [line for line in HOOK.format("mine").splitlines() if not line.startswith(missing)]
    machine.put(HOOKS, "\n".join(lines))
    with pytest.raises(ToolError, match=f"{HOOKS}: the hook mine has no {missing}"):
        hooks.read(machine, DIRECTORY)


def test_no_hooks_at_all_is_a_mistake(machine: Machine) -> None:
    with pytest.raises(ToolError, match="there are no hooks"):
        hooks.read(machine, DIRECTORY)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("Resources.web", Target("web", "Metadata", "")),
        ("Resources.web.Metadata", Target("web", "Metadata", "")),
        ("Resources.web.Metadata.a.'b.c'", Target("web", "Metadata", "'a'.'b.c'")),
        ("Resources.web.PhysicalResourceId", Target("web", "PhysicalResourceId", "")),
    ],
)
def test_path_names_what_is_watched(path: str, target: Target) -> None:
    assert target_of("h", path) == target


@pytest.mark.parametrize("path", ["web", "Resources.", "Resources.web.Properties", "Stack.web.Metadata"])
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ToolError, match="h: "):
        target_of("h", path)


def test_unknown_trigger_is_refused(machine: Machine) -> None:
    machine.put(HOOKS, HOOK.format("mine").replace("post.update", "post.update, pre.update"))
    with pytest.raises(ToolError, match=r"trigger 'pre\.update'; there are post\.add, post\.remove"):
        hooks.read(machine, DIRECTORY)
