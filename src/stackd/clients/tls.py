"""Whom clients of TLS trust. Reading the certificates takes 50 ms, so that clients share what was read."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

import httpx


def trust(ca_file: str = "") -> ssl.SSLContext:
    """The context that trusts the authorities in a file, by default the usual ones; not to be changed."""
    return _read(ca_file, os.stat(ca_file).st_mtime_ns if ca_file else 0)


@lru_cache(8)
def _read(ca_file: str, stamp: int) -> ssl.SSLContext:
    """``stamp`` is the age of the file, which may be replaced by a newer one."""
    return httpx.create_ssl_context(verify=ca_file or True, trust_env=False)
