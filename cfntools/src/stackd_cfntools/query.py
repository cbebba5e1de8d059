"""Calls of the Query APIs: signed forms out, XML in."""

import email.utils
import logging
import re
import time
from typing import Callable, Dict, Mapping, NamedTuple, Optional, Tuple
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

from stackd_cfntools import signing
from stackd_cfntools.errors import RequestRefused, ToolError
from stackd_cfntools.retries import PATIENT, passing, repeated
from stackd_cfntools.signing import FORM, Key, Scope
from stackd_cfntools.system import System
from stackd_cfntools.web import Answer, Web, bare

log = logging.getLogger(__name__)

_NAMESPACE = re.compile(r"^\{[^}]*\}")
_CLOCK_MATTERS = 60.0
"""Seconds by which clocks may differ before signatures are made with the server's."""

_CLOCK_CODES = frozenset(
    ["RequestExpired", "AccessDenied", "SignatureDoesNotMatch", "InvalidSignatureException"]
)


class Api(NamedTuple):
    """Where an API is, its version, and how requests to it are signed: 2 or 4 is the signature's version."""

    url: str
    version: str
    scope: Scope
    signature: int


class QueryClient:
    """Sends signed actions to an API."""

    def __init__(self, system: System, web: Web, api: Api, key: Key) -> None:
        self._system = system
        self._web = web
        self._api = api
        self._key = key
        self._ahead = 0.0  # seconds by which the server's clock is ahead of this machine's

    def call(
        self, action: str, params: Mapping[str, str], again: Callable[[ToolError], bool] = passing
    ) -> ET.Element:
        """The answer's document; what failed for now is repeated. Raises RequestRefused."""
        given = dict(params, Action=action, Version=self._api.version)
        return repeated(self._system, lambda: self._in_time(given), PATIENT, again)

    def _in_time(self, params: Dict[str, str]) -> ET.Element:
        """Call; once more by the server's clock if this machine's is wrong, as it may be while it boots."""
        answer = self._send(params)
        ahead = self._clock_is_wrong(answer)
        if ahead is not None:
            log.warning("this machine's clock is %.0f s behind the server's, which is taken instead", ahead)
            self._ahead = ahead
            answer = self._send(params)
        if answer.status != 200:
            raise refused(self._api.url, answer)
        return _document(self._api.url, answer.body)

    def _clock_is_wrong(self, answer: Answer) -> Optional[float]:
        date = email.utils.parsedate_tz(answer.headers.get("date", ""))
        if answer.status < 400 or date is None or error_of(answer)[0] not in _CLOCK_CODES:
            return None
        ahead = email.utils.mktime_tz(date) - self._system.now()
        return ahead if abs(ahead - self._ahead) > _CLOCK_MATTERS else None

    def _send(self, params: Dict[str, str]) -> Answer:
        moment = time.gmtime(self._system.now() + self._ahead)
        if self._api.signature == 2:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
            form = signing.signed_query("POST", self._api.url, params, self._key, stamp)
            headers = {"Content-Type": FORM, "Host": signing.host_of(self._api.url)}
            return self._web.request("POST", self._api.url, headers, urlencode(form).encode())
        body = urlencode(params).encode()
        headers = signing.signed_headers(
            *("POST", self._api.url, {"Content-Type": FORM}, body, self._key, self._api.scope),
            time.strftime("%Y%m%dT%H%M%SZ", moment),
        )
        return self._web.request("POST", self._api.url, headers, body)


def refused(url: str, answer: Answer) -> RequestRefused:
    """What says why the API refused."""
    code, message = error_of(answer)
    text = "{} answered with status {}".format(bare(url), answer.status)
    return RequestRefused("{}: {}: {}".format(text, code, message) if code else text, answer.status, code)


def error_of(answer: Answer) -> Tuple[str, str]:
    """The code and the message of an error; empty if the answer has no such form."""
    try:
        root = plain(ET.fromstring(answer.body))  # noqa: S314  # of the server that the machine belongs to
    except ET.ParseError:
        return "", ""
    return root.findtext("Error/Code") or "", root.findtext("Error/Message") or ""


def _document(url: str, body: bytes) -> ET.Element:
    try:
        return plain(ET.fromstring(body))  # noqa: S314  # of the server that the machine belongs to
    except ET.ParseError as error:
        raise ToolError("{} answered with something that is no XML: {}".format(bare(url), error)) from error


def plain(root: ET.Element) -> ET.Element:
    """The document without namespaces, which one of the servers has and others have not."""
    for element in root.iter():
        element.tag = _NAMESPACE.sub("", element.tag)
    return root
