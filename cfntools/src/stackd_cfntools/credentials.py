"""The access key of the guest: from the command line, a file, or what the server put on the machine."""

import configparser
import logging
import os
import re
import stat
from typing import Any, Dict, NamedTuple, Optional

from stackd_cfntools import places
from stackd_cfntools.errors import ToolError
from stackd_cfntools.signing import Key
from stackd_cfntools.system import System

log = logging.getLogger(__name__)

_LINE = re.compile(r"^\s*(AWSAccessKeyId|AWSSecretKey)\s*=\s*(\S+)\s*$", re.MULTILINE)
COLLECTOR_CONFIG = "/etc/os-collect-config.conf"


class Given(NamedTuple):
    """What the command line says."""

    access: Optional[str]
    secret: Optional[str]
    file: Optional[str]


def credentials(system: System, given: Given) -> Optional[Key]:
    """The key from the first place that has one; None if there is none at all."""
    if given.access or given.secret:
        if not (given.access and given.secret):
            raise ToolError("--access-key and --secret-key belong together; only one of them is given")
        return Key(given.access, given.secret)
    if given.file:
        return read_file(system, given.file)
    if system.exists(places.CREDENTIALS):
        return read_file(system, places.CREDENTIALS)
    return _collector_key(system)


def required(system: System, given: Given) -> Key:
    """The key from the first place that has one; raises ToolError if there is none."""
    key = credentials(system, given)
    if key is None:
        raise ToolError(
            "there are no credentials: give --access-key and --secret-key, or write {}".format(
                given.file or places.CREDENTIALS
            )
        )
    return key


def read_file(system: System, path: str) -> Key:
    """The key in a file with the lines AWSAccessKeyId=... and AWSSecretKey=...."""
    text = system.read(path)
    if text is None:
        raise ToolError("the file {} with credentials cannot be read".format(path))
    found = dict(_LINE.findall(text))
    missing = [name for name in ("AWSAccessKeyId", "AWSSecretKey") if name not in found]
    if missing:
        raise ToolError("{} has no line {}=VALUE".format(path, missing[0]))
    if os.stat(system.path(path)).st_mode & (stat.S_IRGRP | stat.S_IROTH):
        log.warning("%s can be read by others; its mode should be 0400", path)
    return Key(found["AWSAccessKeyId"], found["AWSSecretKey"])


def _collector_key(system: System) -> Optional[Key]:
    section = collector_settings(system)
    access, secret = section.get("access_key_id"), section.get("secret_access_key")
    return Key(str(access), str(secret)) if access and secret else None


def collector_settings(system: System) -> Dict[str, Any]:
    """What os-collect-config would poll the CloudFormation API with: URL, key, stack and path."""
    files = [folder + "/" + places.INIT_DATA for folder in places.DATA] + list(places.COLLECTED)
    for path in files:
        agents = (system.read_json(path) or {}).get("os-collect-config")
        section = agents.get("cfn") if isinstance(agents, dict) else None
        if isinstance(section, dict) and section.get("metadata_url"):
            return section
    return _section(system, COLLECTOR_CONFIG, "cfn")


def _section(system: System, path: str, name: str) -> Dict[str, Any]:
    parser = read_ini(system, path)
    return dict(parser.items(name)) if parser.has_section(name) else {}


def read_ini(system: System, path: str) -> configparser.RawConfigParser:
    """A configuration file; without sections if it is not there."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(system.read(path) or "")
    except configparser.Error as error:
        raise ToolError("{} is no configuration file: {}".format(path, error)) from error
    return parser
