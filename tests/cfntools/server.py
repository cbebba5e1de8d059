"""A server on loopback that records requests and answers as it is told."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl


@dataclass(frozen=True)
class Request:
    """A request as it came; the names of headers are in small letters."""

    verb: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of the form in the body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True)
class Reply:
    """What the server answers."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Server:
    """``answer`` answers every request; ``requests`` are those that came."""

    port: int
    answer: Callable[[Request], Reply] = field(default=lambda request: Reply())
    requests: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The URL without a path."""
        return f"http://127.0.0.1:{self.port}"

    def replies(self, *replies: Reply) -> None:
        """Answer with these one after the other, and with the last one from then on."""
        left = list(replies)
        self.answer = lambda request: left.pop(0) if len(left) > 1 else left[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(length))
        state: Server = self.server.state  # type: ignore[attr-defined]
        state.requests.append(request)
        reply = state.answer(request)
        self.send_response_only(reply.status)
        for name, value in {
            "Content-Length": str(len(reply.body)),
            "Connection": "close",
            **reply.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = do_PUT = do_HEAD = _handle  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Requests are kept, not printed."""


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Server]:
    """A running server; with TLS if there is a file with a certificate and its key."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as http:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
        state = Server(http.server_address[1])
        http.state = state  # type: ignore[attr-defined]
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            http.shutdown()
            thread.join()


def described(metadata: str, physical_id: str = "id") -> Reply:
    """The answer to DescribeStackResource."""
    from xml.sax.saxutils import escape

    body = (
        "<DescribeStackResourceResponse><DescribeStackResourceResult><StackResourceDetail>"
        f"<Metadata>{escape(metadata)}</Metadata><PhysicalResourceId>{physical_id}</PhysicalResourceId>"
        "</StackResourceDetail></DescribeStackResourceResult></DescribeStackResourceResponse>"
    )
    return Reply(body.encode())


def refusing(code: str, status: int, message: str = "no", **headers: str) -> Reply:
    """An error as the APIs answer it."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(f"<ErrorResponse>{error}</ErrorResponse>".encode(), status, headers)
