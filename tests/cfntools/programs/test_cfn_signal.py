"""cfn-signal: what it prints, sends and ends with."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.cfntools.conftest import Programs
from tests.cfntools.server import Reply, Server, refusing

SIGNED = "/v1/waitcondition/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/1/resources/h?Signature=abc%2B%3D"


def test_signal_is_put_without_a_type_to_the_url_as_it_is(programs: Programs, server: Server) -> None:
    done = programs("cfn-signal", server.url + SIGNED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    [request] = server.requests
    assert (request.verb, request.path, request.headers["content-type"]) == ("PUT", SIGNED, "")
    assert json.loads(request.body) == {
        "Status": "SUCCESS",
        "Reason": "Configuration Complete",
        "UniqueId": "U-1",
        "Data": "Application has completed configuration.",
    }


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("-s", "true"), "SUCCESS"),
        (("--success", "false"), "FAILURE"),
        (("-e", "0", "-s", "false"), "SUCCESS"),
        (("-e", "3", "-s", "true"), "FAILURE"),
        (("--exit", "1"), "FAILURE"),
        (("--exit-code", "0"), "SUCCESS"),
    ],
)
def test_exit_code_counts_before_success(
    programs: Programs, server: Server, words: tuple[str, ...], status: str
) -> None:
    assert programs("cfn-signal", *words, server.url).returncode == 0
    assert json.loads(server.requests[0].body)["Status"] == status


def test_texts_are_sent_as_they_are(programs: Programs, server: Server) -> None:
    words = ("-r", 'it "broke" \u2603', "-d", '{"a": 1}', "-i", "me")
    assert programs("cfn-signal", *words, server.url).returncode == 0
    sent = json.loads(server.requests[0].body)
    assert (sent["Reason"], sent["Data"], sent["UniqueId"]) == ('it "broke" \u2603', '{"a": 1}', "me")


def test_signal_is_sent_again_until_the_server_takes_it(programs: Programs, server: Server) -> None:
    server.replies(Reply(status=503), Reply())
    assert programs("cfn-signal", server.url).returncode == 0
    assert [each.body for each in server.requests] == [server.requests[0].body] * 2


def test_refused_signal_is_a_failure_that_keeps_the_signature_secret(
    programs: Programs, server: Server
) -> None:
    server.replies(Reply(status=403))
    done = programs("cfn-signal", server.url + SIGNED)
    assert done.returncode == 22
    assert "answered with status 403" in done.stderr
    assert "Signature" not in done.stderr + programs.machine.real("/var/log/cfn-signal.log").read_text()


def test_tls_is_verified_unless_it_is_not_to_be(
    programs: Programs, tls_server: Server, certificate: Path
) -> None:
    url = f"https://localhost:{tls_server.port}/"
    from stackd_cfntools.programs import cfn_signal, program

    machine = programs.machine
    assert program.run(cfn_signal.parser(), cfn_signal.work, [url], machine) == 60
    assert tls_server.requests == []
    assert programs("cfn-signal", "--ca", str(certificate), url).returncode == 0
    assert programs("cfn-signal", url, REQUESTS_CA_BUNDLE=str(certificate)).returncode == 0
    done = programs("cfn-signal", "-k", url)
    assert (done.returncode, done.stderr) == (0, "WARNING: TLS is not verified\n")


def test_unreachable_server_has_curls_exit_code(programs: Programs) -> None:
    from stackd_cfntools.programs import cfn_signal, program

    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        assert program.run(cfn_signal.parser(), cfn_signal.work, [url], programs.machine) == 7


def test_resource_of_a_stack_is_signalled_with_credentials(programs: Programs, server: Server) -> None:
    server.replies(Reply(b"<SignalResourceResponse/>"))
    words = ("--stack", "s", "--resource", "group", "--url", server.url, "-e", "1")
    done = programs("cfn-signal", *words)
    assert done.returncode == 1
    assert "there are no credentials" in done.stderr
    programs.machine.put("/etc/cfn/cfn-credentials", "AWSAccessKeyId=AK\nAWSSecretKey=SK\n", 0o400)
    assert programs("cfn-signal", *words).returncode == 0
    form = server.requests[0].form
    assert (form["Action"], form["UniqueId"], form["Status"]) == ("SignalResource", "U-1", "FAILURE")
    server.replies(refusing("ValidationError", 400, "Stack with id s does not exist"))
    done = programs("cfn-signal", *words)
    assert done.returncode == 22
    assert "Stack with id s does not exist" in done.stderr


def test_nobody_to_signal_is_a_mistake(programs: Programs) -> None:
    done = programs("cfn-signal", "--stack", "s")
    assert done.returncode == 1
    assert "give the URL of a handle, or --stack and --resource" in done.stderr
