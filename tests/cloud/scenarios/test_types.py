"""Every resource type on the real services, by the cases in `templates/types`, which `case.py` describes."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

import httpx
import pytest
import yaml

from tests.cloud.scenarios.case import LONGEST_STEP, Case, Stack
from tests.cloud.scenarios.session import Json, Session
from tests.cloud.scenarios.stack import TEMPLATES

pytestmark = pytest.mark.cloud

LONG = frozenset(
    {
        *("administration", "barbican", "blazar", "designate", "ironic", "magnum", "manila", "mistral"),
        *("neutron_administration", "neutron_agents", "neutron_plugged", "neutron_ways"),
        *("nova_floating_ips", "octavia", "octavia_operated", "trove", "zun"),
    }
)
"""Cases that need further services, or take minutes."""
CASES = [
    pytest.param(path, marks=pytest.mark.long if path.stem in LONG else (), id=path.stem)
    for path in sorted((TEMPLATES / "types").glob("*.yaml"))
]
GUEST = httpx.Client(timeout=LONGEST_STEP)
"""What a guest asks with: the services may be slow to answer on a busy machine."""


@pytest.mark.parametrize("path", CASES)
def test_type(path: Path, stackd_log: Path, sessions: dict[str, Session], image_url: str) -> None:
    assert stackd_log.exists()
    what = next(yaml.load_all(path.read_text(), yaml.CSafeLoader))
    session, admin = sessions[what.get("user", "plain")], sessions["admin"]
    stamp = secrets.token_hex(3)
    given = {"stamp": stamp, "project": session.project_id, "image_url": image_url}
    before = session.belongings()

    Case(path, session, given).run()

    assert session.belongings() == before
    assert admin.traces(stamp) == set()


SIGNALS = """
heat_template_version: 2021-04-16
resources:
  token: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: TOKEN_SIGNAL}}
  user: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: HEAT_SIGNAL}}
  signed: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: CFN_SIGNAL}}
  object: {type: OS::Heat::WaitConditionHandle, properties: {signal_transport: TEMP_URL_SIGNAL}}
  two:
    type: OS::Heat::WaitCondition
    properties: {handle: {get_resource: token}, timeout: 120, count: 2}
  by_user:
    type: OS::Heat::WaitCondition
    properties: {handle: {get_resource: user}, timeout: 120}
  by_owner:
    type: OS::Heat::WaitCondition
    properties: {handle: {get_resource: signed}, timeout: 120}
  by_object:
    type: OS::Heat::WaitCondition
    properties: {handle: {get_resource: object}, timeout: 120}
outputs:
  two: {value: {get_attr: [two, data]}}
  by_user: {value: {get_attr: [by_user, data]}}
  by_owner: {value: {get_attr: [by_owner, data]}}
  by_object: {value: {get_attr: [by_object, data]}}
"""


class Guest:
    """Sends the signals that the conditions of `SIGNALS` wait for, each once its handle is complete."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.waiting = {
            "token": self._with_token,
            "user": self._as_user,
            "signed": self._as_owner,
            "object": self._to_object,
        }

    def work(self) -> None:
        """Send to the handles that have become complete."""
        for name, row in self.stack.rows().items():
            if name in self.waiting and row["resource_status"] == "CREATE_COMPLETE":
                self.waiting.pop(name)(self.stack.attributes(name))

    def _with_token(self, shown: Json) -> None:
        headers = {"X-Auth-Token": shown["token"]}
        assert shown["endpoint"] in shown["curl_cli"]
        for identity in ("one", "two"):
            body = {"status": "SUCCESS", "id": identity, "data": f"from {identity}"}
            GUEST.post(shown["endpoint"], json=body, headers=headers).raise_for_status()

    def _as_user(self, shown: Json) -> None:
        login = json.loads(shown["signal"])
        person = {"id": login["user_id"], "password": login["password"]}
        auth = {
            "identity": {"methods": ["password"], "password": {"user": person}},
            "scope": {"project": {"id": login["project_id"]}},
        }
        reply = GUEST.post(f"{login['auth_url']}/auth/tokens", json={"auth": auth}).raise_for_status()
        headers = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
        # What the user may do ends at its own resource.
        assert GUEST.get(self.stack.path, headers=headers).status_code in (403, 404)
        body = {"id": "u", "data": "by user"}
        GUEST.post(login["alarm_url"], json=body, headers=headers).raise_for_status()

    def _as_owner(self, shown: Json) -> None:
        url = json.loads(shown["signal"])["alarm_url"]
        assert re.search(r"/v1/waitcondition/arn%3A.*/resources/signed\?.*&Signature=", url), url
        body = {"status": "SUCCESS", "reason": "done", "id": "s", "data": "by owner"}
        self.stack.session.json("POST", "url", f"{self.stack.path}/resources/signed/signal", json=body)

    def _to_object(self, shown: Json) -> None:
        url = json.loads(shown["signal"])["alarm_url"]
        GUEST.put(url, json={"id": "o", "data": "by object"}).raise_for_status()


def test_wait_conditions_hear_every_kind_of_signal(stackd_log: Path, sessions: dict[str, Session]) -> None:
    assert stackd_log.exists()
    session, stamp = sessions["plain"], secrets.token_hex(3)
    before = session.belongings()
    stack = Stack(session, f"types-signals-{stamp}")
    guest = Guest(stack)
    try:
        stack.create({"template": SIGNALS, "timeout_mins": 5})
        shown = stack.wait("CREATE_COMPLETE", guest.work)
        outputs = {each["output_key"]: json.loads(each["output_value"]) for each in shown["outputs"]}
        assert outputs == {
            "two": {"one": "from one", "two": "from two"},
            "by_user": {"u": "by user"},
            "by_owner": {"s": "by owner"},
            "by_object": {"o": "by object"},
        }
    finally:
        stack.delete()
    assert session.belongings() == before
    assert sessions["admin"].traces(stamp) == set()


def test_a_signal_of_failure_fails_the_stack(stackd_log: Path, sessions: dict[str, Session]) -> None:
    assert stackd_log.exists()
    stack = Stack(sessions["plain"], f"types-failure-{secrets.token_hex(3)}")
    template = yaml.safe_load(SIGNALS.replace("2021-04-16", "'2021-04-16'"))
    template["resources"] = {name: template["resources"][name] for name in ("token", "two")}

    def refuse() -> None:
        if stack.rows().get("token", {}).get("resource_status") == "CREATE_COMPLETE":
            shown = stack.attributes("token")
            headers = {"X-Auth-Token": shown["token"]}
            GUEST.post(shown["endpoint"], json={"status": "FAILURE", "reason": "no disk"}, headers=headers)

    try:
        stack.create({"template": {**template, "outputs": {}}, "timeout_mins": 5})
        assert "no disk" in stack.wait("CREATE_FAILED", refuse)["stack_status_reason"]
    finally:
        stack.delete()
