"""Calls of the Query APIs: what is sent, which answers are read, and what errors come to."""

from __future__ import annotations

import pytest

from stackd_cfntools import cloudformation
from stackd_cfntools.errors import RequestRefused, ToolError
from stackd_cfntools.query import Api, QueryClient
from stackd_cfntools.signing import Key, Scope, signed_headers
from stackd_cfntools.web import Web
from tests.cfntools.machine import Machine
from tests.cfntools.server import Reply, Server, described, refusing

KEY, SCOPE = Key("AK", "SK"), Scope("nova", "cloudformation")


def client(machine: Machine, server: Server, signature: int = 4) -> QueryClient:
    return QueryClient(machine, Web(), Api(server.url + "/v1/", "2010-05-15", SCOPE, signature), KEY)


def test_resource_is_described_by_a_signed_form(machine: Machine, server: Server) -> None:
    server.replies(described('{"a": "b & c"}', "physical"))
    found = cloudformation.describe_resource(client(machine, server), "stack", "web")
    assert (found.metadata, found.physical_id) == ({"a": "b & c"}, "physical")
    [request] = server.requests
    assert request.form == {
        "Action": "DescribeStackResource",
        "Version": "2010-05-15",
        "StackName": "stack",
        "LogicalResourceId": "web",
    }
    sent = {"Content-Type": request.headers["content-type"]}
    moment = request.headers["x-amz-date"]
    signed = signed_headers("POST", server.url + "/v1/", sent, request.body, KEY, SCOPE, moment)
    assert {name: request.headers[name] for name in signed} == signed


def test_version_2_signs_the_form(machine: Machine, server: Server) -> None:
    server.replies(described("{}"))
    cloudformation.describe_resource(client(machine, server, 2), "stack", "web")
    [request] = server.requests
    assert request.form["SignatureVersion"] == "2"
    assert request.form["Timestamp"] == "2023-11-14T22:13:20Z"
    assert "authorization" not in request.headers


def test_namespace_of_an_answer_does_not_matter(machine: Machine, server: Server) -> None:
    reply = described('{"a": 1}')
    spaced = reply.body.replace(
        b"<DescribeStackResourceResponse>", b'<DescribeStackResourceResponse xmlns="x">'
    )
    server.replies(Reply(spaced))
    assert cloudformation.describe_resource(client(machine, server), "s", "r").metadata == {"a": 1}


def test_resource_without_metadata_has_an_empty_one(machine: Machine, server: Server) -> None:
    server.replies(described(""))
    assert cloudformation.describe_resource(client(machine, server), "s", "r").metadata == {}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "no XML"),
        (b"<a/>", "has no details"),
        (described("[1]").body, "is no map"),
        (described("{").body, "is no JSON"),
    ],
)
def test_answer_of_another_kind_is_an_error(
    machine: Machine, server: Server, body: bytes, message: str
) -> None:
    server.replies(Reply(body))
    with pytest.raises(ToolError, match=message):
        cloudformation.describe_resource(client(machine, server), "s", "r")


def test_refusal_has_the_code_and_the_message(machine: Machine, server: Server) -> None:
    server.replies(refusing("AccessDenied", 403, "not yours"))
    with pytest.raises(RequestRefused, match="status 403: AccessDenied: not yours") as raised:
        cloudformation.describe_resource(client(machine, server), "s", "r")
    assert (raised.value.code, raised.value.status) == ("AccessDenied", 403)
    assert len(server.requests) == 1


def test_busy_server_is_asked_again(machine: Machine, server: Server) -> None:
    busy = refusing("Throttling", 400)
    server.replies(Reply(b"", 503), busy, described('{"a": 1}'))
    assert cloudformation.describe_resource(client(machine, server), "s", "r").metadata == {"a": 1}
    assert (len(server.requests), len(machine.pauses)) == (3, 2)


def test_wrong_clock_gives_way_to_the_servers(machine: Machine, server: Server) -> None:
    expired = refusing("RequestExpired", 400, Date="Wed, 31 Jan 2024 23:59:59 GMT")
    server.replies(expired, described("{}"))
    talk = client(machine, server)
    cloudformation.describe_resource(talk, "s", "r")
    cloudformation.describe_resource(talk, "s", "r")
    dates = [each.headers["x-amz-date"] for each in server.requests]
    assert dates == ["20231114T221320Z", "20240131T235959Z", "20240131T235959Z"]
    assert machine.pauses == []


def test_right_clock_is_not_changed_by_a_refusal(machine: Machine, server: Server) -> None:
    server.replies(refusing("AccessDenied", 403, Date="Tue, 14 Nov 2023 22:13:10 GMT"))
    with pytest.raises(RequestRefused):
        cloudformation.describe_resource(client(machine, server), "s", "r")
    assert len(server.requests) == 1


def test_signal_is_sent_with_its_status(machine: Machine, server: Server) -> None:
    server.replies(Reply(b"<SignalResourceResponse/>"))
    cloudformation.signal_resource(client(machine, server), "s", "r", "U-1", success=False)
    [request] = server.requests
    assert request.form == {
        "Action": "SignalResource",
        "Version": "2010-05-15",
        "StackName": "s",
        "LogicalResourceId": "r",
        "UniqueId": "U-1",
        "Status": "FAILURE",
    }
