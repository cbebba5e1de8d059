"""The URLs of the two APIs: from the command line, the files that the server put here, or boto's.

A URL is taken as it is written, with its scheme, port and path. Without a path, /v1/ is meant.
"""

from typing import Dict, NamedTuple, Optional
from urllib.parse import urlsplit, urlunsplit

from stackd_cfntools import places
from stackd_cfntools.credentials import collector_settings, read_ini
from stackd_cfntools.errors import ToolError
from stackd_cfntools.system import System
from stackd_cfntools.values import is_true

CFN_PORT, WATCH_PORT = 8000, 8003
_CFN_PATH, _WATCH_PATH = "heat-api-cfn", "heat-api-cloudwatch"
_VERSION = "/v1/"


class Endpoint(NamedTuple):
    """A URL, and whom to trust there if the configuration says so."""

    url: str
    bundle: Optional[str]
    insecure: bool


def cloudformation(system: System, given: Optional[str]) -> Optional[Endpoint]:
    """Where the CloudFormation API is; None if nothing says so."""
    boto, collector = _boto(system), collector_settings(system)
    hint = _hint(system, places.METADATA_SERVER)
    host = _boto_url(boto, "cfn_region_endpoint", CFN_PORT)
    url = given or hint or collector.get("metadata_url") or host
    return _endpoint(url, boto, collector.get("ca_certificate")) if url else None


def cloudwatch(system: System, given: Optional[str]) -> Optional[Endpoint]:
    """Where the CloudWatch API is; None if nothing says so."""
    boto = _boto(system)
    url = given or _hint(system, places.WATCH_SERVER)
    url = url or _boto_url(boto, "cloudwatch_region_endpoint", WATCH_PORT)
    if url:
        return _endpoint(url, boto, None)
    beside = cloudformation(system, None)
    return beside._replace(url=watch_url(beside.url)) if beside else None


def required(found: Optional[Endpoint], hint: str) -> Endpoint:
    """The endpoint; raises ToolError that says how to give one."""
    if found is None:
        raise ToolError(
            "the server's URL is not known: give --url, or write it to {}/{}".format(places.DATA[0], hint)
        )
    return found


def watch_url(url: str) -> str:
    """The URL of the CloudWatch API that belongs to one of the CloudFormation API."""
    parts = urlsplit(url)
    first, _, rest = parts.path.lstrip("/").partition("/")
    if first == _CFN_PATH:
        return urlunsplit(parts._replace(path="/{}/{}".format(_WATCH_PATH, rest)))
    if parts.port == CFN_PORT:
        host = parts.netloc.rpartition(":")[0]
        return urlunsplit(parts._replace(netloc="{}:{}".format(host, WATCH_PORT)))
    return url


def _endpoint(url: str, boto: Dict[str, str], bundle: Optional[str]) -> Endpoint:
    lenient = not is_true(boto.get("https_validate_certificates", "1"))
    return Endpoint(with_path(url), bundle or boto.get("ca_certificates_file"), lenient)


def with_path(url: str) -> str:
    """The URL, with /v1/ if it has no path."""
    parts = urlsplit(url.strip())
    return urlunsplit(parts._replace(path=_VERSION)) if parts.path in ("", "/") else url.strip()


def _hint(system: System, name: str) -> str:
    texts = (system.read(folder + "/" + name) for folder in places.DATA)
    return next((text.strip() for text in texts if text and text.strip()), "")


def _boto(system: System) -> Dict[str, str]:
    """The section of boto's configuration, from the first file that there is."""
    named = [system.environ["BOTO_CONFIG"]] if system.environ.get("BOTO_CONFIG") else []
    files = named + [folder + "/" + places.BOTO_CONFIG for folder in places.DATA] + list(places.BOTO_CONFIGS)
    for path in files:
        parser = read_ini(system, path)
        if parser.has_section("Boto"):
            return dict(parser.items("Boto"))
    return {}


def _boto_url(boto: Dict[str, str], option: str, port: int) -> str:
    host = boto.get(option, "")
    if not host:
        return ""
    scheme = "https" if is_true(boto.get("is_secure", "0")) else "http"
    return "{}://{}{}{}".format(scheme, host, "" if ":" in host else ":{}".format(port), _VERSION)
