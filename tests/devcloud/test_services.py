"""The services that a dev cloud has, and what is imported for them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from stackd.devcloud.services import SERVICES, present
from tests.devcloud.conftest import Cloud

IMPORTED = """\
import sys
from stackd.devcloud import DevCloud, DevCloudSettings
DevCloud(DevCloudSettings(services={services!r}))
names = {{each.split(".")[2] for each in sys.modules if each.startswith("stackd.devcloud.")}}
print(*sorted(names & {known!r}))
"""


async def catalog(cloud: Cloud) -> set[str]:
    user = await cloud.login("demo", "demo")
    reply = await user.call("GET", "/identity/v3/auth/catalog")
    return {each["name"] for each in reply.json()["catalog"]}


async def test_every_service_is_there_by_default(build: Callable[..., Cloud]) -> None:
    assert len(await catalog(build())) >= len(SERVICES)


async def test_catalog_has_what_was_chosen_and_the_rest_works_behind_it(build: Callable[..., Cloud]) -> None:
    cloud = build(services=["blazar"])
    assert await catalog(cloud) == {"keystone", "blazar"}
    admin = await cloud.login("admin", "admin")
    assert await admin.status("POST", "/reservation/v1/os-hosts", {"name": "dev"}) == 201
    assert await admin.status("GET", "/dns/v2/zones") == 404


@pytest.mark.parametrize("name", SERVICES)
async def test_each_service_works_alone(build: Callable[..., Cloud], name: str) -> None:
    assert await catalog(build(services=[name])) >= {"keystone"}
    assert [each.is_listed for each in present([name])].count(True) == len({name, "keystone"})


def test_only_services_that_are_needed_are_imported() -> None:
    code = IMPORTED.format(services=["octavia"], known=set(SERVICES))
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.split() == ["barbican", "keystone", "neutron", "octavia"]


def test_services_that_there_are_not_are_refused() -> None:
    with pytest.raises(ValueError, match="no service solaris, but keystone, "):
        present(["nova", "solaris"])
