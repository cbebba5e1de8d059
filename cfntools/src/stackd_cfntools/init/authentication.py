"""Credentials for downloads, from AWS::CloudFormation::Authentication."""

import base64
import time
from typing import Any, Callable, Dict, Optional
from urllib.parse import urlsplit

from stackd_cfntools import signing
from stackd_cfntools.errors import ToolError
from stackd_cfntools.signing import Key, Scope
from stackd_cfntools.values import listing, mapping


class Authentication:
    """The credentials of the metadata, by their names; ``region`` is that of object stores."""

    def __init__(self, entries: Dict[str, Any], region: str, now: Callable[[], float]) -> None:
        self._entries = {name: mapping(entry, name) for name, entry in entries.items()}
        self._region = region
        self._now = now

    def headers(self, url: str, name: Optional[str] = None) -> Dict[str, str]:
        """The headers for a download: of the entry of that name, else of one that is for the URL."""
        if name is not None and name not in self._entries:
            raise ToolError("there is no authentication {!r} in the metadata".format(name))
        entry = self._entries[name] if name is not None else self._entry_for(url)
        return self._made(entry, url) if entry else {}

    def _entry_for(self, url: str) -> Optional[Dict[str, Any]]:
        return next((each for each in self._entries.values() if _is_for(each, url)), None)

    def _made(self, entry: Dict[str, Any], url: str) -> Dict[str, str]:
        kind = str(entry.get("type", "")).lower()
        if kind == "basic":
            pair = "{}:{}".format(_needed(entry, "username"), _needed(entry, "password"))
            return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
        if kind == "s3":
            key = Key(_needed(entry, "accessKeyId"), _needed(entry, "secretKey"))
            moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._now()))
            return signing.signed_headers("GET", url, {}, b"", key, Scope(self._region, "s3"), moment)
        raise ToolError("authentication of type {!r} is not known; there are basic and S3".format(kind))


def _needed(entry: Dict[str, Any], name: str) -> str:
    if not entry.get(name):
        raise ToolError("authentication of type {} needs {}".format(entry.get("type"), name))
    return str(entry[name])


def _is_for(entry: Dict[str, Any], url: str) -> bool:
    """Whether the entry is for the URL: by the beginning of an address, or by the name of a bucket."""
    parts = urlsplit(url)
    places = [urlsplit(str(each)) for each in listing(entry.get("uris"), "uris")]
    if any(each[:2] == parts[:2] and _below(parts.path, each.path) for each in places):
        return True
    buckets = [str(each) for each in listing(entry.get("buckets"), "buckets")]
    return parts.hostname is not None and any(
        bucket in parts.path.split("/") or parts.hostname.startswith(bucket + ".") for bucket in buckets
    )


def _below(path: str, base: str) -> bool:
    return path == base or path.startswith(base.rstrip("/") + "/")
