"""Every command of the client for software configs and deployments, and a stack that a guest signals.

The released client makes deployments with NO_SIGNAL only: it does not know ZAQAR_SIGNAL, and for
TEMP_URL_SIGNAL it fails before it sends anything.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.scenarios.client import CommandFailed, OpenStack
from tests.cloud.scenarios.stack import StackOf

pytestmark = [pytest.mark.cloud, pytest.mark.long]

SCRIPT = "#!/bin/sh\necho $who\n"
DEFINITION = {
    "inputs": [{"name": "who", "default": "world"}],
    "outputs": [{"name": "result", "description": "what it said"}],
    "options": {"verbose": True},
}
WAIT = 60


@pytest.fixture
def typed(stackd_log: Path, users: dict[str, OpenStack]) -> OpenStack:
    """The clients of a member of the project, beside a running server."""
    assert stackd_log.exists()
    return users["member"]


@pytest.fixture
def config(typed: OpenStack, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A software config that the client made."""
    script, definition = tmp_path / "script.sh", tmp_path / "definition.json"
    script.write_text(SCRIPT)
    definition.write_text(json.dumps(DEFINITION))
    files = ("--config-file", str(script), "--definition-file", str(definition))
    # This command prints JSON whatever format is asked for.
    made = json.loads(typed("software", "config", "create", "--group", "script", *files, "hello"))
    yield made
    if made["id"] in typed("software", "config", "list", "-f", "value"):
        typed("software", "config", "delete", made["id"])


def test_configs_are_created_listed_shown_and_deleted(typed: OpenStack, config: dict[str, Any]) -> None:
    assert (config["name"], config["group"], config["config"]) == ("hello", "script", SCRIPT)
    listed = typed.json("software", "config", "list", "--limit", "1")
    assert [(each["id"], each["name"], each["group"]) for each in listed] == [
        (config["id"], "hello", "script")
    ]
    shown = typed.json("software", "config", "show", config["id"])
    assert (shown["inputs"], shown["options"]) == (config["inputs"], DEFINITION["options"])
    assert typed("software", "config", "show", "--config-only", config["id"]) == SCRIPT.strip()
    assert typed("software", "config", "delete", config["id"]) == ""
    with pytest.raises(CommandFailed, match="Configuration not found"):
        typed("software", "config", "show", config["id"])


def test_deployments_are_created_listed_shown_and_deleted(typed: OpenStack, config: dict[str, Any]) -> None:
    server = str(uuid.uuid4())
    made = typed.json(
        *("software", "deployment", "create", "--config", config["id"], "--server", server),
        *("--input-value", "who=you", "--action", "UPDATE", "--signal-transport", "NO_SIGNAL", "greet"),
    )
    assert (made["server_id"], made["action"]) == (server, "UPDATE")
    for words in ((), ("--long",)):
        listed = typed.json("software", "deployment", "list", "--server", server, *words)
        assert [each["id"] for each in listed] == [made["id"]]
        shown = typed.json("software", "deployment", "show", *words, made["id"])
        assert shown["config_id"] == made["config_id"]
    [deployed] = json.loads(typed("software", "deployment", "metadata", "show", server))
    assert (deployed["name"], deployed["config"]) == ("greet", SCRIPT)
    values = {each["name"]: each["value"] for each in deployed["inputs"]}
    assert (values["who"], values["deploy_server_id"]) == ("you", server)
    assert typed("software", "deployment", "delete", made["id"]) == ""
    assert typed("software", "deployment", "metadata", "show", server) == "[]"
    with pytest.raises(CommandFailed, match="not found"):
        typed("software", "deployment", "show", made["id"])
    with pytest.raises(CommandFailed, match="Configuration not found"):
        typed("software", "config", "show", made["config_id"])


def test_signal_completes_a_stack_and_its_outputs_are_shown(typed: OpenStack, stack_of: StackOf) -> None:
    stack = stack_of("software")
    typed("stack", "create", "-t", str(stack.template), stack.name)
    deployment = _once_made(typed, stack.name, "deployment")
    server = _once_made(typed, stack.name, "machine")
    [deployed] = json.loads(typed("software", "deployment", "metadata", "show", server))
    assert (deployed["name"], deployed["config"]) == ("greet", "echo $who")
    metadata = json.loads(typed("stack", "resource", "metadata", stack.name, "machine", "-f", "json"))
    assert [each["id"] for each in metadata["deployments"]] == [deployed["id"]]
    outputs = {"result": "hello", "deploy_stdout": "said", "deploy_status_code": 0}
    typed("stack", "resource", "signal", stack.name, "deployment", "--data", json.dumps(outputs))
    end = time.monotonic() + WAIT
    while (status := typed.json("stack", "show", stack.name)["stack_status"]) != "CREATE_COMPLETE":
        assert status == "CREATE_IN_PROGRESS"
        assert time.monotonic() < end
    assert "result: hello" in typed("software", "deployment", "output", "show", deployment, "result")
    for words in (("--all",), ("--all", "--long")):
        shown = typed("software", "deployment", "output", "show", *words, deployment)
        assert "hello" in shown
        assert "said" in shown
    assert typed.json("stack", "output", "show", stack.name, "result")["output_value"] == "hello"
    typed("stack", "delete", "--yes", "--wait", stack.name)
    with pytest.raises(CommandFailed, match="not found"):
        typed("software", "deployment", "show", deployment)


def _once_made(typed: OpenStack, stack: str, resource: str) -> str:
    """The physical id of a resource, once it has one."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        for each in typed.json("stack", "resource", "list", stack):
            if each["resource_name"] == resource and each["physical_resource_id"]:
                return str(each["physical_resource_id"])
    raise AssertionError(f"{resource} is not made")
