"""Whom clients of TLS trust. Reading the certificates takes 50 ms, so that clients share what was read."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

import httpx


def trust(ca_file: str = "") -> ssl.SSLContext:
    """The context that trusts the authorities in a file, by default the usual ones; not to be changed."""
    return _shared(ca_file, os.stat(ca_file).st_mtime_ns if ca_file else 0)


def read_trust(ca_file: str = "", ca_data: str = "") -> ssl.SSLContext:
    """A new context; ``ca_data`` is the text of certificates that it trusts besides."""
    usual = httpx.create_ssl_context
    context = ssl.create_default_context(cafile=ca_file) if ca_file else usual(trust_env=False)
    if ca_data:
        context.load_verify_locations(cadata=ca_data)
    return context


@lru_cache(8)
def _shared(ca_file: str, stamp: int) -> ssl.SSLContext:
    """``stamp`` is the age of the file, which may be replaced by a newer one."""
    return read_trust(ca_file)
