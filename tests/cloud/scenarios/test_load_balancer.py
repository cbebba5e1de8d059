"""A load balancer by the names of AWS over real servers, whose guest follows the group behind it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
import pytest
import yaml

from tests.cloud.scenarios.case import Stack
from tests.cloud.scenarios.conftest import PORT
from tests.cloud.scenarios.session import Json, Session, fresh_project
from tests.cloud.scenarios.stack import wait_until
from tests.support.signing import Key, version_2

pytestmark = [pytest.mark.cloud, pytest.mark.long]

EXAMPLE = Path(__file__).parents[3] / "examples" / "balanced.yaml"
DEFAULTS = {"LbImageId": "cirros", "LbFlavor": "m1.nano"}
SUCCESS = {"Status": "SUCCESS", "Reason": "", "UniqueId": "haproxy", "Data": ""}
DETAIL = "DescribeStackResourceResult/StackResourceDetail/Metadata"


@pytest.fixture
def session() -> Iterator[Session]:
    """A user of a project that only this test uses."""
    with fresh_project(f"balanced-{secrets.token_hex(4)}") as sessions:
        yield sessions["plain"]


class Guest:
    """What runs in the instance of the load balancer: it reports once, and then reads what it is to do."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.has_reported = False

    def work(self) -> None:
        """Report that HAProxy runs, as soon as the instance does."""
        rows = self.stack.rows()
        ready = [rows.get(f"Balancer/{name}", {}).get("resource_status") for name in ("instance", "handle")]
        if ready == ["CREATE_COMPLETE"] * 2 and not self.has_reported:
            self.has_reported = True
            self.stack.session.json("POST", "url", f"{self._inside()}/resources/handle/signal", json=SUCCESS)

    def servers(self) -> list[str]:
        """Where connections go, as a request says that is signed with the keys of the guest's user."""
        inside = self._inside()
        keys: Json = self.stack.session.json("GET", "url", f"{inside}/resources/keys")["resource"]
        key = Key(keys["physical_resource_id"], keys["attributes"]["SecretAccessKey"])
        name = inside.split("/")[-2]
        params = {"Action": "DescribeStackResource", "StackName": name, "LogicalResourceId": "configuration"}
        signed = version_2(f"http://127.0.0.1:{PORT + 1}/v1/", params, key)
        reply = httpx.get(signed.url, timeout=60)
        assert reply.status_code == 200, reply.text
        metadata = json.loads(ET.fromstring(reply.text).findtext(DETAIL) or "")
        files = metadata["AWS::CloudFormation::Init"]["config"]["files"]
        lines = files["/etc/haproxy/haproxy.cfg"]["content"].splitlines()
        return sorted(line.split()[2] for line in lines if line.strip().startswith("server "))

    def _inside(self) -> str:
        links = {each["rel"]: each["href"] for each in self.stack.rows()["Balancer"]["links"]}
        return str(links["nested"])


def addresses(session: Session) -> list[str]:
    """Where the members of the group are to be reached."""
    found = session.json("GET", "compute", "/servers/detail")["servers"]
    members = [each for each in found if "metering.AutoScalingGroupName" in each["metadata"]]
    networks = [network for each in members for network in each["addresses"].values()]
    return sorted(f"{each[0]['addr']}:80" for each in networks)


def test_load_balancer_follows_real_servers(stackd_log: Path, session: Session) -> None:
    assert stackd_log.exists()
    before = session.belongings()
    stack = Stack(session, f"balanced-{secrets.token_hex(3)}")
    guest = Guest(stack)
    template = yaml.safe_load(EXAMPLE.read_text())
    for name in ("More", "Fewer"):
        template["Resources"][name]["Properties"]["Cooldown"] = 0
    body = {
        "template": template,
        "parameters": {"Flavor": "m1.nano"},
        "environment": {"parameter_defaults": DEFAULTS},
        "timeout_mins": 10,
    }
    try:
        stack.create(body)
        shown = stack.wait("CREATE_COMPLETE", guest.work)
        outputs = {each["output_key"]: each["output_value"] for each in shown["outputs"]}
        assert guest.servers() == addresses(session)
        assert stack.would_change(body) == {}
        for policy, size in (("More", 2), ("Fewer", 1)):
            assert httpx.post(outputs[policy], timeout=60).status_code == 200
            wait_until(lambda size=size: len(guest.servers()) == size, f"{size} members are followed")
            wait_until(lambda: guest.servers() == addresses(session), "only the members are followed")
    finally:
        stack.delete()
    assert session.belongings() == before
