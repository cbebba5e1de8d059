"""Filters, order and pages of lists, shared by all services."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urlencode

from stackd.devcloud.store import Entity
from stackd.devcloud.wire import Call, bad_request

Filter = Callable[[Call, Entity, list[str]], bool]
"""Whether an object passes, given all values of the query parameter."""

PAGING = frozenset(
    [
        "marker",
        "limit",
        "sort_key",
        "sort_dir",
        "sort",
        "fields",
        "page_reverse",
        "all_tenants",
        "all_projects",
        "with_count",
        "is_public",
        "include_names",
        "effective",
        "deleted",
        "offset",
        "changes-since",
        "include_subtree",
        "format",
        "reverse",
    ]
)


def chosen(
    call: Call, entities: Iterable[Entity], filters: Mapping[str, Filter], known: Iterable[str] = ()
) -> list[Entity]:
    """The objects that pass every filter in the query.

    A parameter that names neither a filter nor a field of the objects is ignored.
    """
    wanted: dict[str, list[str]] = {}
    for key, value in call.query:
        if key in filters or key not in PAGING:
            wanted.setdefault(key, []).append(value)
    if not wanted:
        return list(entities)
    fields = frozenset(known)
    kept = []
    for entity in entities:
        for key, values in wanted.items():
            if (special := filters.get(key)) is not None:
                if not special(call, entity, values):
                    break
            elif (key in entity.data or key in fields) and not same(entity.data.get(key), values):
                break
        else:
            kept.append(entity)
    return kept


def same(value: object, wanted: Sequence[str]) -> bool:
    """Whether a field has one of the values, which arrived as text."""
    if isinstance(value, bool):
        return any((text.lower() in ("true", "1", "t", "yes")) == value for text in wanted)
    if value is None:
        return any(text in ("", "None", "null") for text in wanted)
    return str(value) in wanted


def ordered(call: Call, entities: list[Entity], newest_first: bool) -> list[Entity]:
    """The objects as `sort_key` and `sort_dir` (or `sort`) ask for, else by age."""
    keys = [(key, call.first("sort_dir")) for name, key in call.query if name == "sort_key"]
    for part in filter(None, call.first("sort").split(",")):
        key, _, direction = part.partition(":")
        keys.append((key, direction))
    if not keys:
        return entities[::-1] if newest_first else entities
    for key, direction in reversed(keys):
        entities = sorted(
            entities, key=lambda entity: str(entity.data.get(key, "")), reverse=direction == "desc"
        )
    return entities


def page(
    call: Call, entities: list[Entity], default: int | None, largest: int | None
) -> tuple[list[Entity], str | None]:
    """The page that `marker` and `limit` ask for, and the URL of the next one if there is more."""
    text = call.first("limit")
    if text and not text.isdigit():
        raise bad_request(
            f"Invalid input for limit: '{text}' is not a non-negative integer.", "HTTPBadRequest"
        )
    limit = int(text) if text else default
    if largest is not None:
        limit = min(limit, largest) if limit is not None else largest
    if marker := call.first("marker"):
        start = next((at + 1 for at, entity in enumerate(entities) if entity.id == marker), None)
        if start is None:
            raise bad_request(f"marker [{marker}] not found", "HTTPBadRequest")
        entities = entities[start:]
    if limit is None or len(entities) <= limit:
        return entities, None
    entities = entities[:limit]
    if not entities:
        return entities, None
    query = [(key, value) for key, value in call.query if key not in ("marker", "limit")]
    query += [("limit", str(limit)), ("marker", entities[-1].id)]
    return entities, f"{call.base}{call.path}?{urlencode(query)}"
