"""The released heat-cfntools and os-collect-config, unmodified, in guests of stackd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cfntools.guests.cloud import Cloud
from tests.cfntools.guests.test_guests import CLASSIC, SERVER
from tests.cfntools.guests.test_metrics import metrics_of, owner_of
from tests.cloud.guests.mounted import MountedGuest

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def instance(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> MountedGuest:
    """An instance of a template of AWS, which has configured itself and signalled."""
    cloud.create("released", CLASSIC.replace("@VERSION@", "1"))
    guest = MountedGuest(tmp_path_factory.mktemp("instance"), cloud.server("released", "Machine"))
    done = guest.boot()
    assert done.returncode == 0, done.stdout + done.stderr
    return guest


def test_cfn_init_configures_an_instance_and_cfn_signal_completes_its_stack(
    cloud: Cloud, instance: MountedGuest
) -> None:
    assert instance.read("/var/lib/app/version") == "1"
    [output] = cloud.settled("released", "CREATE_COMPLETE")["outputs"]
    [data] = json.loads(output["output_value"]).values()
    assert data == "Application has completed configuration."


def test_cfn_get_metadata_prints_what_the_template_says(instance: MountedGuest) -> None:
    [access, secret] = (line.partition("=")[2] for line in instance.read("/etc/cfn/cfn-credentials").split())
    keys = ("--access-key", access, "--secret-key", secret)
    done = instance.run("cfn-get-metadata", "-s", "released", "-r", "Machine", *keys)
    assert done.returncode == 0, done.stderr
    assert "/var/lib/app/version" in done.stdout
    refused = instance.run("cfn-get-metadata", "-s", "no-such-stack", "-r", "Machine", *keys)
    assert refused.returncode != 0


def test_cfn_hup_notices_a_change_and_runs_its_hook(cloud: Cloud, instance: MountedGuest) -> None:
    cloud.settled("released", "CREATE_COMPLETE")
    cloud.update("released", CLASSIC.replace("@VERSION@", "2"))
    cloud.settled("released", "UPDATE_COMPLETE")
    done = instance.run("cfn-hup", "-f")
    assert done.returncode == 0, done.stderr
    assert instance.read("/var/lib/app/version") == "2"


def collected(guest: MountedGuest, collector: str) -> tuple[dict[str, Any], int]:
    """What os-collect-config has collected in one round, and how often its command has run so far."""
    section = json.loads(guest.read("/var/lib/heat-cfntools/cfn-init-data"))["os-collect-config"][collector]
    guest.write("/var/lib/notice", '#!/bin/sh\necho "$OS_CONFIG_FILES" >> /var/lib/noticed\n')
    lines = ["[DEFAULT]", f"collectors={collector}", "command=sh /var/lib/notice", f"[{collector}]"]
    lines += [f"{name}={value}" for name, value in section.items() if value is not None]
    guest.write("/var/lib/os-collect-config.conf", "\n".join(lines) + "\n")
    done = guest.run("os-collect-config", "--config-file", "/var/lib/os-collect-config.conf", "--one-time")
    assert done.returncode == 0, done.stderr
    noticed = guest.read("/var/lib/noticed").splitlines()
    return json.loads(guest.read(f"/var/lib/os-collect-config/{collector}.json")), len(noticed)


@pytest.mark.parametrize(
    ("transport", "collector"), [("POLL_SERVER_CFN", "cfn"), ("POLL_SERVER_HEAT", "heat")]
)
def test_os_collect_config_collects_metadata_and_notices_its_changes(
    cloud: Cloud, root: Path, transport: str, collector: str
) -> None:
    template = (
        SERVER.replace("POLL_SERVER_CFN", transport)
        .replace("@STACK@", collector)
        .replace("@ROOT@", str(root))
    )
    cloud.create(collector, template.replace("@VERSION@", "1"))
    guest = MountedGuest(root, cloud.server(collector, "server"))
    metadata, runs = collected(guest, collector)
    assert metadata == json.loads(guest.read("/var/lib/heat-cfntools/cfn-init-data"))
    assert runs == 1
    url = guest.script.split("'")[1]
    assert guest.run("cfn-signal", "-e", "0", url).returncode == 0
    cloud.settled(collector, "CREATE_COMPLETE")
    cloud.update(collector, template.replace("@VERSION@", "2"))
    cloud.settled(collector, "UPDATE_COMPLETE")
    metadata, runs = collected(guest, collector)
    files = metadata["AWS::CloudFormation::Init"]["config"]["files"]
    assert files["/etc/app/version"]["content"] == "2"
    assert runs == 2


def test_cfn_push_stats_sends_what_alarms_watch(cloud: Cloud, instance: MountedGuest) -> None:
    """The released program measures with functions that its library no longer has; what needs none works."""
    words = ("--heartbeat", "--watch", "an-alarm")
    done = instance.run("cfn-push-stats", *words)
    assert done.returncode == 0, done.stderr
    done = instance.run("cfn-push-stats", "--metric", "Queue", "--units", "Counter", "--value", "7.5")
    assert done.returncode == 0, done.stderr
    found = metrics_of(owner_of(cloud, instance), instance.uuid)
    assert found.keys() == {"Heartbeat", "Queue"}
