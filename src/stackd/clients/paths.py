"""Paths and queries of requests. Pure.

Ids in a path come from users and from answers: none of them may lead to another place than meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

_SAFE = "/:@!$&'()*+,;=~%"

Params = Mapping[str, Any] | list[tuple[str, Any]]


def full_url(base: str, path: str, params: Params | None) -> str:
    """The URL of ``path`` below ``base``.

    ``path`` is a path only: ``?`` and ``#`` in it are escaped. ``ValueError`` when it would climb out.
    """
    parts = path.split("/")
    if ".." in parts or "." in parts:
        raise ValueError(f"The path {path!r} leads elsewhere")
    url = base + quote(path, safe=_SAFE)
    query = encode_query(params)
    return f"{url}?{query}" if query else url


def names_object(path: str, *, nested: bool = False) -> bool:
    """Whether no part of the path is empty: DELETE of ``/ports/`` would address the whole collection.

    ``nested`` is for names that contain slashes themselves, as Swift's do: only the first part counts.
    """
    parts = path.split("/")[1:]
    return all(parts[:1] if nested else parts) and bool(parts)


def encode_query(params: Params | None) -> str:
    """``params`` as a query string: lists repeat their name, booleans are lower case, None is left out."""
    if not params:
        return ""
    pairs = params.items() if isinstance(params, Mapping) else params
    return urlencode([(name, _text(item)) for name, value in pairs for item in _each(value)])


def query_of(href: str) -> list[tuple[str, str]]:
    """The query of a link to the next page. Its host and path are not to be trusted behind a proxy."""
    return parse_qsl(urlsplit(href).query, keep_blank_values=True)


def next_link(page: Any, key: str) -> str | None:
    """The link to the next page of a collection in any of the forms that services use; None on the last."""
    if not isinstance(page, Mapping):
        return None
    links = page.get("links")
    for entry in page.get(f"{key}_links") or (links if isinstance(links, list) else ()):
        if isinstance(entry, Mapping) and entry.get("rel") == "next":
            return str(entry.get("href", "")) or None
    if isinstance(links, Mapping) and isinstance(links.get("next"), str):
        return str(links["next"])
    link = page.get("next")
    return link if isinstance(link, str) and link else None


def _each(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
