"""User data in the form that the tools in the guest expect. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from email import message_from_string
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from typing import Any
from urllib.parse import quote, urlsplit

_BOUNDARY = "===============user-data-part=="
_CLOUD_CONFIG = """#cloud-config
output: {all: '| tee -a /var/log/cloud-init-output.log'}
"""
_BOOTHOOK = """#!/bin/bash
command -v cfn-create-aws-symlinks >/dev/null && cfn-create-aws-symlinks
exit 0
"""
_PART_HANDLER = '''#part-handler
"""Puts parts of the type text/x-cfninitdata where the guest tools look for them."""
import os

DIRECTORIES = ("/var/lib/heat-cfntools", "/var/lib/cloud/data")


def list_types():
    return ["text/x-cfninitdata"]


def handle_part(data, content_type, filename, payload):
    if content_type in ("__begin__", "__end__"):
        return
    if isinstance(payload, bytes):
        payload = payload.decode()
    for directory in DIRECTORIES:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        with open(os.path.join(directory, os.path.basename(filename)), "w") as out:
            out.write(payload)
'''
_RUN_USER_DATA = '''#!/usr/bin/env python3
"""Runs the user's script once, and keeps what it says."""
import os
import subprocess

PLACE = "/var/lib/heat-cfntools"
SCRIPT = os.path.join(PLACE, "cfn-userdata")
LOG = "/var/log/heat-provision.log"

status = 0
if os.path.exists(SCRIPT) and os.path.getsize(SCRIPT):
    os.chmod(SCRIPT, 0o700)
    with open(os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as log:
        try:
            status = subprocess.call([SCRIPT], stdout=log, stderr=log)
        except OSError as error:
            log.write(("Cannot be run: %s\\n" % error).encode())
with open(os.path.join(PLACE, "provision-finished"), "w"):
    pass
raise SystemExit(status)
'''
_INIT_DATA = "x-cfninitdata"
Part = tuple[str, str, str]


def build(
    form: str, user_data: str, metadata: Mapping[str, Any] | None, cfn_url: str, watch_url: str = ""
) -> str:
    """The user data of a server in a ``user_data_format``; RAW is left alone."""
    if form == "RAW":
        return user_data
    if form == "SOFTWARE_CONFIG" and (ignition := _ignition(user_data)) is not None:
        return _with_files(ignition, metadata)
    return _multipart(_parts(form, user_data, metadata, cfn_url, watch_url))


def _parts(
    form: str, user_data: str, metadata: Mapping[str, Any] | None, cfn_url: str, watch_url: str
) -> Iterator[Part]:
    """(content, subtype, file name) in the order in which cloud-init has to see them."""
    yield _CLOUD_CONFIG, "cloud-config", "cloud-config"
    yield _BOOTHOOK, "cloud-boothook", "boothook.sh"
    yield _PART_HANDLER, "part-handler", "part-handler.py"
    tools = form == "HEAT_CFNTOOLS"
    if tools:
        yield user_data, _INIT_DATA, "cfn-userdata"
        yield _RUN_USER_DATA, "x-shellscript", "loguserdata.py"
    elif user_data:
        yield from _exploded(user_data)
    if metadata:
        yield json.dumps(metadata), _INIT_DATA, "cfn-init-data"
    if tools and watch_url:
        yield f"{watch_url}/", _INIT_DATA, "cfn-watch-server"
    if tools:
        yield f"{cfn_url}/", _INIT_DATA, "cfn-metadata-server"
        yield _boto_config(cfn_url, watch_url), _INIT_DATA, "cfn-boto-cfg"


def _exploded(user_data: str) -> Iterator[Part]:
    """The parts of user data that is multipart already, or the one that it is."""
    message = message_from_string(user_data)
    if not message.is_multipart():
        yield user_data, _subtype(user_data), "user-data"
        return
    for part in message.walk():
        if not part.is_multipart():
            payload = part.get_payload(decode=True)
            text = payload.decode(errors="replace") if isinstance(payload, bytes) else str(payload)
            yield text, part.get_content_subtype(), part.get_filename() or "user-data"


_STARTS = (
    ("#!", "x-shellscript"),
    ("#cloud-config", "cloud-config"),
    ("#cloud-boothook", "cloud-boothook"),
    ("#include", "x-include-url"),
    ("#upstart-job", "upstart-job"),
    ("#part-handler", "part-handler"),
)


def _subtype(text: str) -> str:
    return next((subtype for start, subtype in _STARTS if text.startswith(start)), "plain")


def _multipart(parts: Iterable[Part]) -> str:
    whole = MIMEMultipart(boundary=_BOUNDARY)
    for content, subtype, name in parts:
        charset = "us-ascii" if content.isascii() else "utf-8"
        part = MIMEText(content, _subtype=subtype, _charset=charset)
        part.add_header("Content-Disposition", "attachment", filename=name)
        whole.attach(part)
    return whole.as_string()


def _boto_config(cfn_url: str, watch_url: str) -> str:
    """What boto is to connect to; the older tools know the ports themselves."""
    parts, watch = urlsplit(cfn_url), urlsplit(watch_url)
    lines = [
        "[Boto]",
        "debug = 0",
        f"is_secure = {int(parts.scheme == 'https')}",
        "https_validate_certificates = 1",
        "cfn_region_name = heat",
        f"cfn_region_endpoint = {parts.hostname or ''}",
    ]
    if watch.hostname:
        lines += ["cloudwatch_region_name = heat", f"cloudwatch_region_endpoint = {watch.hostname}"]
    return "\n".join([*lines, ""])


def _ignition(user_data: str) -> dict[str, Any] | None:
    """User data for Ignition, which takes files instead of parts."""
    if not user_data.lstrip().startswith("{"):
        return None
    try:
        data = json.loads(user_data)
    except ValueError:
        return None
    return data if isinstance(data, dict) and "version" in (data.get("ignition") or {}) else None


def _with_files(config: dict[str, Any], metadata: Mapping[str, Any] | None) -> str:
    if not metadata:
        return json.dumps(config)
    source = {"source": f"data:,{quote(json.dumps(metadata))}"}
    places = ("/var/lib/heat-cfntools/cfn-init-data", "/var/lib/cloud/data/cfn-init-data")
    files = [{"path": path, "mode": 0o640, "contents": source} for path in places]
    storage = dict(config.get("storage") or {})
    storage["files"] = [*storage.get("files", ()), *files]
    return json.dumps({**config, "storage": storage})
