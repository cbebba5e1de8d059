"""URLs: which names of what users have fetched are one, and what of any URL may be shown."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

SCHEMES: Final = ("http", "https")
MASK: Final = "******"
_TELLING: Final = 4
"""Characters of the shortest query that is looked for in other texts: a shorter one says hardly anything."""


def is_url(name: str) -> bool:
    """Whether a name is a URL that could be fetched, rather than that of a file or anything else."""
    scheme, separator, _ = name.partition("://")
    return bool(separator) and scheme.lower() in SCHEMES


def shown(url: str) -> str:
    """The URL without what may be a secret in it: credentials, and the query, which often is a signature."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return re.sub(r"(//).*@", rf"\1{MASK}@", url, flags=re.DOTALL).partition("?")[0]
    query = MASK if parts.query else ""
    netloc = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=netloc, query=query, fragment=""))


def shown_name(name: str) -> str:
    """The name of a type or a file as it is shown: without what is secret in it if it is a URL."""
    return shown(name) if "://" in name and is_signed(name) else name


def is_signed(name: str) -> bool:
    """Whether a name is a URL with something in it that may be a secret."""
    return is_url(name) and ("?" in name or "@" in name)


def query_of(name: str) -> str:
    """The query of a URL, empty for any other name and if it is too short to be a secret."""
    found = name.partition("?")[2].partition("#")[0] if is_url(name) else ""
    return found if len(found) >= _TELLING else ""


def mask_passwords(text: str) -> str:
    """The text with the password of any URL in it replaced.

    A password may have any character, also ``@`` and ``/``: all up to the last ``@`` of the line counts as a
    part of it. Drivers take passwords from the query as well.
    """
    text = re.sub(r"(://[^:/\s]*):.*@", r"\1:***@", text)
    return re.sub(r"([?&](?:ssl)?pass(?:word|wd|file)?=)[^&\s'\"]*", r"\1***", text)
