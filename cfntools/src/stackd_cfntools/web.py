"""Requests over HTTP, with TLS that is verified."""

import email.message
import http.client
import os
import shutil
import socket
import ssl
import urllib.error
import urllib.request
from typing import IO, Dict, Mapping, NamedTuple, Optional
from urllib.parse import urlsplit

from stackd_cfntools.errors import RequestFailed, RequestRefused, ToolError

MOST = 16 * 1024 * 1024
"""Bytes of an answer that is held in memory."""

TIMEOUT = 30.0
BUNDLE_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "OS_CACERT", "CURL_CA_BUNDLE")

_NO_HOST, _NO_CONNECTION, _TOO_LATE, _BROKEN, _UNTRUSTED = 6, 7, 28, 56, 60
"""The exit codes that curl gives these failures: scripts around the older tools know them."""


class Answer(NamedTuple):
    """What a server answered; the names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Trust(NamedTuple):
    """The file with the authorities to trust, if it is not the system's; whether to trust anybody."""

    bundle: Optional[str]
    insecure: bool


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects of what was not signed, and takes no credentials to another host."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> Optional[urllib.request.Request]:
        if req.get_method() not in ("GET", "HEAD") or req.has_header("X-amz-date"):
            return None
        made = super().redirect_request(req, fp, code, msg, headers, newurl)
        if made is not None and urlsplit(newurl)[:2] != urlsplit(req.full_url)[:2]:
            made.headers.pop("Authorization", None)
        return made


class _Https(urllib.request.HTTPSHandler):
    """TLS. The authorities are read when they are needed first: that takes longer than a request does."""

    def __init__(self, trust: Trust) -> None:
        urllib.request.AbstractHTTPHandler.__init__(self)
        self._trust = trust
        self._tls: Optional[ssl.SSLContext] = None

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        self._tls = self._tls or _context(self._trust)
        return self.do_open(http.client.HTTPSConnection, req, context=self._tls)


class Web:
    """Sends requests; ``proxies`` are the URLs of proxies by scheme, None for those of the environment."""

    def __init__(
        self,
        trust: Optional[Trust] = None,
        proxies: Optional[Dict[str, str]] = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._timeout = timeout
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies), _Https(trust or Trust(None, False)), _Redirects()
        )

    def request(
        self, verb: str, url: str, headers: Optional[Mapping[str, str]] = None, body: Optional[bytes] = None
    ) -> Answer:
        """The answer, whatever its status; raises RequestFailed if there is none."""
        try:
            with self._open(verb, url, headers or {}, body) as reply:
                content = reply.read(MOST + 1)
                _check_whole(reply, len(content))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _lowered(error.headers), error.read(MOST))
        except (OSError, http.client.HTTPException) as error:
            raise failure(url, error) from error
        if len(content) > MOST:
            raise ToolError("{} answered with more than {} bytes".format(bare(url), MOST))
        return Answer(reply.status, _lowered(reply.headers), content)

    def download(self, url: str, headers: Mapping[str, str], target: IO[bytes]) -> None:
        """Write what is at the URL to a file; raises RequestRefused for a status of failure."""
        try:
            with self._open("GET", url, headers, None) as reply:
                before = target.tell()
                shutil.copyfileobj(reply, target)
                _check_whole(reply, target.tell() - before)
        except urllib.error.HTTPError as error:
            raise refusal(url, error.code) from error
        except (OSError, http.client.HTTPException) as error:
            raise failure(url, error) from error

    def _open(
        self, verb: str, url: str, headers: Mapping[str, str], body: Optional[bytes]
    ) -> "http.client.HTTPResponse":
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ToolError("{!r} is no URL that begins with http:// or https://".format(url))
        request = urllib.request.Request(url, data=body, headers=dict(headers), method=verb)  # noqa: S310
        reply: http.client.HTTPResponse = self._opener.open(request, timeout=self._timeout)
        return reply


def _check_whole(reply: http.client.HTTPResponse, received: int) -> None:
    """Raise IncompleteRead if a connection ended early, which goes unnoticed when one reads by parts."""
    expected = reply.headers.get("Content-Length", "")
    if expected.isdigit() and received < min(int(expected), MOST + 1):
        raise http.client.IncompleteRead(b"", int(expected) - received)


def _lowered(headers: email.message.Message) -> Dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def refusal(url: str, status: int) -> RequestRefused:
    """What says that a server answered with that status."""
    return RequestRefused("{} answered with status {}".format(bare(url), status), status)


def failure(url: str, error: Exception) -> RequestFailed:
    """What says why no answer came."""
    reason = getattr(error, "reason", error)
    cause = reason if isinstance(reason, Exception) else error
    text = "{} cannot be reached: {}".format(bare(url), cause or type(cause).__name__)
    return RequestFailed(text, _exit_code(cause), connected=not _unconnected(cause))


def _unconnected(cause: Exception) -> bool:
    return isinstance(cause, (ConnectionRefusedError, socket.gaierror, ssl.SSLError))


def _exit_code(cause: Exception) -> int:
    table = (
        (ssl.SSLError, _UNTRUSTED),
        (socket.gaierror, _NO_HOST),
        (socket.timeout, _TOO_LATE),
        (ConnectionResetError, _BROKEN),
        (http.client.HTTPException, _BROKEN),
    )
    return next((code for kind, code in table if isinstance(cause, kind)), _NO_CONNECTION)


def bare(url: str) -> str:
    """The URL as logs may have it: without credentials, and without a query, which may be a signature."""
    parts = urlsplit(url)
    return "{}://{}{}".format(parts.scheme, parts.netloc.rpartition("@")[2], parts.path)


def trusted(
    environ: Mapping[str, str], given: Optional[str], known: Optional[str] = None, insecure: bool = False
) -> Trust:
    """Whom to trust: the file that was asked for, that of the environment, that of the configuration."""
    named = next((environ[name] for name in BUNDLE_VARIABLES if environ.get(name)), None)
    return Trust(given or named or known, insecure)


def _context(trust: Trust) -> ssl.SSLContext:
    if trust.bundle and not os.path.exists(trust.bundle):
        raise ToolError("the file {} with trusted authorities does not exist".format(trust.bundle))
    folder = trust.bundle is not None and os.path.isdir(trust.bundle)
    context = ssl.create_default_context(
        cafile=None if folder else trust.bundle, capath=trust.bundle if folder else None
    )
    if trust.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
