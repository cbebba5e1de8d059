"""The files of a stack come from a container of the real Swift, sent there by the official client."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.cloud.scenarios.client import OpenStack

pytestmark = pytest.mark.cloud

ROOT = """\
heat_template_version: 2021-04-16
parameters: {greeting: {type: string}}
resources:
  inner: {type: parts/inner.yaml, properties: {greeting: {get_param: greeting}}}
outputs:
  said: {value: {get_attr: [inner, said]}}
"""
INNER = """\
heat_template_version: 2021-04-16
parameters: {greeting: {type: string}}
resources:
  network: {type: OS::Neutron::Net}
  words:
    type: OS::Heat::Value
    properties:
      value: {str_replace: {template: {get_file: parts/words.txt}, params: {$it: {get_param: greeting}}}}
outputs:
  said: {value: {get_attr: [words, value]}}
"""


def test_stack_of_files_in_a_container(stackd_log: Path, users: dict[str, OpenStack], tmp_path: Path) -> None:
    assert stackd_log.exists()
    openstack, stamp = users["member"], secrets.token_hex(3)
    container, name = f"files-{stamp}", f"scenario-container-{stamp}"
    files = {"parts/inner.yaml": INNER, "parts/words.txt": "They said $it.", "root.yaml": ROOT}
    openstack("container", "create", container)
    try:
        for path, text in files.items():
            local = tmp_path / path
            local.parent.mkdir(exist_ok=True)
            local.write_text(text)
            openstack("object", "create", "--name", path, container, str(local))
        root = str(tmp_path / "root.yaml")
        common = ("--wait", "-t", root, "-s", container, "--parameter")
        openstack("stack", "create", *common, "greeting=hello", name)
        said = ("stack", "output", "show", name, "said", "-f", "value", "-c", "output_value")
        assert openstack(*said) == "They said hello."
        openstack("stack", "update", *common, "greeting=goodbye", name)
        assert openstack(*said) == "They said goodbye."
    finally:
        openstack("container", "delete", "--recursive", container)
    # What the stack is made of is its own by now.
    openstack("stack", "update", "--wait", "--existing", "--parameter", "greeting=more", name)
    assert openstack(*said) == "They said more."
    openstack("stack", "delete", "--yes", "--wait", name)
    assert name not in openstack("stack", "list", "-f", "value", "-c", "Stack Name").splitlines()
