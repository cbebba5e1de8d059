"""Query strings: booleans, numbers, lists of alternatives and pages, with their errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from stackd.db.stacks import Page
from stackd.errors import BadRequest
from stackd.routers.bodies import truth

_MOST = 2**62


class Query:
    """The query of a request, by name; empty values count as absent."""

    def __init__(self, request: Request) -> None:
        raw: bytes = request.scope.get("query_string", b"")
        text = raw.decode("latin-1").replace("%00", "%EF%BF%BD")  # no database knows null characters
        self.pairs = parse_qsl(text, keep_blank_values=True, errors="replace")
        self._last = {key: value for key, value in self.pairs if value != ""}

    def text(self, name: str) -> str | None:
        """One value; of several the last."""
        return self._last.get(name)

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean."""
        value = self._last.get(name)
        return default if value is None else truth(value, name)

    def number(self, name: str) -> int | None:
        """A whole number from 0."""
        value = self._last.get(name)
        if value is None:
            return None
        try:
            number = int(value) if len(value) < 32 else _MOST
        except ValueError:
            raise BadRequest(f"Only integer is acceptable by '{name}'.") from None
        if number < 0:
            raise BadRequest(
                f"Value '{value}' is invalid for '{name}' which only accepts non-negative integer."
            )
        return min(number, _MOST)

    def several(self, name: str) -> tuple[str, ...]:
        """All values of a repeatable parameter."""
        return tuple(value for key, value in self.pairs if key == name and value != "")

    def words(self, name: str) -> tuple[str, ...]:
        """A list of words parted by commas."""
        value = self._last.get(name)
        return tuple(value.split(",")) if value is not None else ()

    def allowed(self, names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """Filters: for each known name that is given, the field it is about and its allowed values."""
        found: dict[str, tuple[str, ...]] = {}
        for key, value in self.pairs:
            if key in names and value != "":
                field = names[key]
                found[field] = (*found.get(field, ()), value)
        return found

    def page(self, keys: Mapping[str, str]) -> Page:
        """Which part of a list, sorted how; ``keys`` maps sort keys to fields, others are dropped."""
        direction = self.text("sort_dir")
        if direction not in (None, "asc", "desc"):
            raise BadRequest(f"Unknown sort direction: {direction}, must be one of asc, desc.")
        chosen = [key.strip() for value in self.several("sort_keys") for key in value.split(",")]
        return Page(
            limit=self.number("limit"),
            marker=self.text("marker") or "",
            sort_keys=tuple(keys[key] for key in chosen if key in keys),
            descending=None if direction is None else direction == "desc",
        )


def refuse_others(query: Query, known: Mapping[str, Any] | frozenset[str]) -> None:
    """Refuse parameters that are not known."""
    for key, _ in query.pairs:
        if key not in known:
            raise BadRequest(f"Invalid filter parameters {[key]}")
