"""cfn-get-metadata: what it prints, sends and ends with."""

from __future__ import annotations

import json

import pytest

from tests.cfntools.conftest import Programs
from tests.cfntools.server import Server, described

METADATA = {"a": {"b.c": [1, {"d": "text"}]}, "none": None}


@pytest.fixture
def ready(programs: Programs, server: Server) -> Programs:
    server.replies(described(json.dumps(METADATA)))
    programs.machine.put("/etc/cfn/cfn-credentials", "AWSAccessKeyId=AK\nAWSSecretKey=SK\n", 0o400)
    programs.machine.put("/var/lib/heat-cfntools/cfn-metadata-server", server.url)
    return programs


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ((), json.dumps(METADATA) + "\n"),
        (("-k", "a.'b.c'.1.d"), '"text"\n'),
        (("--key", "a.'b.c'"), '[1, {"d": "text"}]\n'),
        (("-k", "none"), "null\n"),
        (("-k", "a.nosuch"), ""),
    ],
)
def test_metadata_or_a_part_of_it_is_printed(ready: Programs, words: tuple[str, ...], printed: str) -> None:
    done = ready("cfn-get-metadata", "-s", "stack", "-r", "web", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")


def test_stack_and_resource_are_required(ready: Programs) -> None:
    done = ready("cfn-get-metadata", "-s", "stack")
    assert done.returncode == 2
    assert "-r/--resource" in done.stderr


def test_request_goes_to_the_given_url_by_the_given_signature(ready: Programs, server: Server) -> None:
    words = ("-s", "stack", "-r", "web", "-u", server.url + "/heat-api-cfn/v1", "--signature-version", "2")
    assert ready("cfn-get-metadata", *words).returncode == 0
    [request] = server.requests
    assert request.path == "/heat-api-cfn/v1"
    assert request.form["SignatureVersion"] == "2"
    assert (request.form["StackName"], request.form["LogicalResourceId"]) == ("stack", "web")
