"""Who this server is, as Nova says: its id, and the metadata that its owner gave it."""

import json
import logging
from typing import Any, Dict, NamedTuple, Optional

from stackd_cfntools import places
from stackd_cfntools.errors import ToolError
from stackd_cfntools.retries import BRIEF, repeated
from stackd_cfntools.system import System
from stackd_cfntools.web import Answer, Web, refusal

log = logging.getLogger(__name__)

URL = "http://169.254.169.254/openstack/2012-08-10/meta_data.json"
_TIMEOUT = 5.0


class Identity(NamedTuple):
    """A server of Nova's: its id and the metadata that its owner gave it."""

    uuid: str
    meta: Dict[str, str]


def identity(system: System, url: str = URL) -> Optional[Identity]:
    """The server's identity, asked for once and kept; None if this is no server of Nova's."""
    kept = _identity(system.read_json(places.NOVA_METADATA))
    if kept is not None:
        return kept
    try:
        answer = repeated(system, lambda: _asked(url), BRIEF)
    except ToolError as error:
        log.info("this server's identity is not known: %s", error)
        return None
    found = _identity(_parsed(answer.body))
    if found is not None:
        system.write(places.NOVA_METADATA, answer.body, 0o600)
    return found


def _asked(url: str) -> Answer:
    answer = Web(proxies={}, timeout=_TIMEOUT).request("GET", url)
    if answer.status != 200:
        raise refusal(url, answer.status)
    return answer


def _parsed(body: bytes) -> Optional[Dict[str, Any]]:
    try:
        value = json.loads(body.decode("utf-8", "replace"))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _identity(value: Optional[Dict[str, Any]]) -> Optional[Identity]:
    if not value or not value.get("uuid"):
        return None
    meta = value.get("meta")
    given = meta.items() if isinstance(meta, dict) else ()
    return Identity(str(value["uuid"]), {str(name): str(text) for name, text in given})


def unique_id(system: System) -> str:
    """What tells this server's signals from those of others: its id, else its name in the network."""
    found = identity(system)
    return found.uuid if found else system.name()
