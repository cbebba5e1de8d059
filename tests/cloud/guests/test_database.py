"""The instance of a database sets it up, and changes what an update changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cfntools.guests.cloud import Cloud
from tests.cloud.guests.mounted import MountedGuest

pytestmark = pytest.mark.cloud

DATABASE = (Path(__file__).parent / "database.yaml").read_text()


@pytest.mark.parametrize("released", [True, False], ids=["released", "ours"])
def test_database_is_set_up_and_changes_its_password(cloud: Cloud, root: Path, released: bool) -> None:
    stack = "database-released" if released else "database"
    cloud.create(stack, DATABASE.replace("@PASSWORD@", "firstPassword1"), DBImageId="cirros")
    server = cloud.server(cloud.inside(stack, "Database"), "instance")
    guest = MountedGuest(root, server, released=released)
    guest.record("mysqld", "mysql", "systemctl")
    done = guest.boot()
    assert done.returncode == 0, done.stderr
    cloud.settled(stack, "CREATE_COMPLETE")
    assert "firstPassword1" in guest.read("/etc/cfn/setup.sql")
    setting_up = ["systemctl enable mariadb", "systemctl restart mariadb", "mysql "]
    assert guest.recorded == setting_up
    cloud.update(stack, DATABASE.replace("@PASSWORD@", "secondPassword2"), DBImageId="cirros")
    cloud.settled(stack, "UPDATE_COMPLETE")
    done = guest.run("cfn-hup", "-f")
    assert done.returncode == 0, done.stderr
    assert "secondPassword2" in guest.read("/etc/cfn/setup.sql")
    assert guest.recorded == setting_up * 2
