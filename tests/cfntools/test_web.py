"""Requests over HTTP: what is sent, what failures come to, and whom TLS trusts."""

from __future__ import annotations

import io
import socket
import ssl
from pathlib import Path

import pytest

from stackd_cfntools.errors import RequestFailed, RequestRefused, ToolError
from stackd_cfntools.web import Trust, Web, bare, failure, trusted
from tests.cfntools.server import Reply, Server, serving


def test_blank_type_of_a_body_is_sent_blank(server: Server) -> None:
    Web().request("PUT", server.url + "/x", {"Content-Type": ""}, b"{}")
    [request] = server.requests
    assert (request.verb, request.headers["content-type"], request.body) == ("PUT", "", b"{}")


def test_answer_has_status_headers_and_body_whatever_the_status(server: Server) -> None:
    server.replies(Reply(b"no", 404, {"X-Why": "gone"}))
    answer = Web().request("GET", server.url)
    assert (answer.status, answer.headers["x-why"], answer.body) == (404, "gone", b"no")


def test_download_of_what_is_not_there_is_refused(server: Server) -> None:
    server.replies(Reply(b"a page that says so", 404))
    with pytest.raises(RequestRefused, match=r"127\.0\.0\.1:\d+/file answered with status 404"):
        Web().download(server.url + "/file?sig=secret", {}, io.BytesIO())


@pytest.mark.parametrize("sent", [b"", b"half"])
def test_connection_that_ends_early_is_a_failure(server: Server, sent: bytes) -> None:
    server.replies(Reply(sent, headers={"Content-Length": "8"}))
    with pytest.raises(RequestFailed, match="IncompleteRead") as raised:
        Web().download(server.url, {}, io.BytesIO())
    assert (raised.value.exit_code, raised.value.connected) == (56, True)
    with pytest.raises(RequestFailed):
        Web().request("GET", server.url)


def test_redirect_to_another_host_takes_no_credentials_along(server: Server) -> None:
    with serving() as other:
        server.replies(Reply(b"", 302, {"Location": other.url + "/there"}))
        other.replies(Reply(b"content"))
        target = io.BytesIO()
        Web().download(server.url, {"Authorization": "Basic eDp5"}, target)
        assert target.getvalue() == b"content"
        assert server.requests[0].headers["authorization"] == "Basic eDp5"
        assert "authorization" not in other.requests[0].headers


def test_redirect_on_the_same_host_keeps_them(server: Server) -> None:
    server.replies(Reply(b"", 302, {"Location": "/there"}), Reply(b"content"))
    Web().download(server.url, {"Authorization": "Basic eDp5"}, io.BytesIO())
    assert [each.headers["authorization"] for each in server.requests] == ["Basic eDp5"] * 2


def test_signed_request_follows_no_redirect(server: Server) -> None:
    server.replies(Reply(b"", 307, {"Location": "/there"}))
    assert Web().request("POST", server.url, {}, b"form").status == 307
    with pytest.raises(RequestRefused, match="307"):
        Web().download(server.url, {"x-amz-date": "20240131T235959Z"}, io.BytesIO())
    assert len(server.requests) == 2


def test_refused_connection_has_curls_exit_code() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(RequestFailed, match="cannot be reached") as raised:
            Web().request("GET", f"http://127.0.0.1:{unused.getsockname()[1]}/x?Signature=s")
    assert (raised.value.exit_code, raised.value.connected) == (7, False)
    assert "Signature" not in str(raised.value)


@pytest.mark.parametrize(
    ("cause", "code", "connected"),
    [
        (socket.gaierror(-2, "unknown"), 6, False),
        (TimeoutError("timed out"), 28, True),
        (ConnectionResetError(104, "reset"), 56, True),
        (ssl.SSLError(1, "unknown authority"), 60, False),
        (OSError(113, "no route"), 7, True),
    ],
)
def test_failures_have_curls_exit_codes(cause: Exception, code: int, connected: bool) -> None:
    made = failure("http://h/x", cause)
    assert (made.exit_code, made.connected) == (code, connected)


@pytest.mark.parametrize("url", ["ftp://h/x", "file:///etc/shadow", "h:8000", ""])
def test_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(ToolError, match="no URL"):
        Web().request("GET", url)


def test_too_long_answer_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackd_cfntools.web.MOST", 10)
    server.replies(Reply(b"x" * 11))
    with pytest.raises(ToolError, match="more than 10 bytes"):
        Web().request("GET", server.url)


def test_unknown_authority_is_not_trusted_unless_its_file_is_given(
    tls_server: Server, certificate: Path
) -> None:
    url = f"https://localhost:{tls_server.port}/"
    with pytest.raises(RequestFailed, match="certificate verify failed") as raised:
        Web().request("GET", url)
    assert raised.value.exit_code == 60
    assert Web(Trust(str(certificate), False)).request("GET", url).status == 200
    with pytest.raises(RequestFailed, match="IP address mismatch"):
        Web(Trust(str(certificate), False)).request("GET", url.replace("localhost", "127.0.0.1"))
    assert Web(Trust(None, True)).request("GET", url).status == 200


def test_file_of_authorities_comes_from_the_option_then_the_environment_then_the_configuration() -> None:
    environ = {"REQUESTS_CA_BUNDLE": "/environment"}
    assert trusted(environ, "/option", "/configuration").bundle == "/option"
    assert trusted(environ, None, "/configuration").bundle == "/environment"
    assert trusted({}, None, "/configuration").bundle == "/configuration"
    assert trusted({}, None) == Trust(None, False)


def test_missing_file_of_authorities_is_named() -> None:
    with pytest.raises(ToolError, match="/no/such/file"):
        Web(Trust("/no/such/file", False)).request("GET", "https://h/")


def test_bare_url_has_neither_user_nor_query() -> None:
    assert bare("https://u:p@h:1/path?Signature=s") == "https://h:1/path"
