"""Templates at temporary URLs of the cloud's own Swift, whose address is private."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cloud.scenarios.conftest import PORT
from tests.cloud.scenarios.native import Orchestration
from tests.cloud.scenarios.session import Session, fresh_project

pytestmark = pytest.mark.cloud

TEMPLATE = """\
heat_template_version: 2021-04-16
resources:
  inner: {type: OS::Heat::Value, properties: {value: from Swift}}
outputs:
  said: {value: {get_attr: [inner, value]}}
"""
NESTED = """\
heat_template_version: 2021-04-16
resources:
  below: {type: AWS::CloudFormation::Stack, properties: {TemplateURL: "$url"}}
outputs:
  said: {value: {get_attr: [below, Outputs.said]}}
"""


@pytest.fixture
def member() -> Iterator[Session]:
    with fresh_project(f"urls-{secrets.token_hex(3)}") as sessions:
        yield sessions["admin"]


def temporary_url(member: Session, container: str, name: str, text: str) -> str:
    """Put a text into Swift and give a URL that anybody can read it at for some minutes."""
    key = secrets.token_hex(16)
    member.request("POST", "objects", "", headers={"X-Account-Meta-Temp-URL-Key": key}).raise_for_status()
    member.request("PUT", "objects", f"/{container}").raise_for_status()
    member.request("PUT", "objects", f"/{container}/{name}", content=text).raise_for_status()
    url = f"{member.catalog['objects']}/{container}/{name}"
    expires = int(time.time()) + 600
    signed = f"GET\n{expires}\n{urlsplit(url).path}"
    signature = hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest()
    return f"{url}?temp_url_sig={signature}&temp_url_expires={expires}"


def test_templates_at_temporary_urls_of_swift(stackd_log: Path, member: Session) -> None:
    assert stackd_log.exists()
    server = Orchestration(f"http://127.0.0.1:{PORT}", member)
    url = temporary_url(member, "templates", "inner.yaml", TEMPLATE)
    try:
        server.create("by-url", template_url=url)
        server.create("nested-by-url", template=NESTED.replace("$url", url))
        for name in ("by-url", "nested-by-url"):
            said = [each["output_value"] for each in server.show(name)["outputs"]]
            assert said == ["from Swift"]
            server.delete(name)
        refused = "http://127.0.0.1:5000/v3"
        body = {"stack_name": "elsewhere", "template_url": refused}
        path = f"{server.url}/v1/{member.project_id}/stacks"
        assert member.request("POST", "url", path, json=body).status_code == 400
    finally:
        member.request("DELETE", "objects", "/templates/inner.yaml")
        member.request("DELETE", "objects", "/templates")
    assert "temp_url_sig=" not in stackd_log.read_text()
