"""Queries: each a pydantic model, which documents it and parses it, with the messages that Heat has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from stackd.engine.usecases.request_values import truth
from stackd.engine.usecases.stack_queries import Page
from stackd.errors import BadRequest

_MOST = 2**62
_LONGEST = 16_384
"""Characters of a query string."""

_SHORT = 128
"""Characters of a query that is remembered, as clients ask for the same over and over."""

_REMEMBERED = 1024

_MOST_VALUES = 100
"""Values that a list may be filtered by, or that a parameter may be given."""


class QueryModel(BaseModel):
    """A query; a validator gets all values of a parameter that are not empty, usually the last one counts."""

    model_config = ConfigDict(frozen=True, defer_build=True)


Q = TypeVar("Q", bound=QueryModel)


def pairs_of(raw: bytes) -> list[tuple[str, str]]:
    """Names and values of a query string, empty ones too."""
    text = raw.decode("latin-1").replace("%00", "%EF%BF%BD")  # databases refuse null characters
    return parse_qsl(text, keep_blank_values=True, errors="replace")


def read_query(model: type[Q], raw: bytes) -> Q:
    """The query as its model declares it; where the model forbids others, so does this."""
    if len(raw) <= _SHORT:
        query: Q = _remembered(model, raw)
        return query
    if len(raw) > _LONGEST:
        raise BadRequest(f"The query is longer than {_LONGEST} characters. Ask for less at a time.")
    return _read(model, raw)


def _read(model: type[Q], raw: bytes) -> Q:
    given: dict[str, list[str]] = {}
    for name, value in pairs_of(raw):
        if name in model.model_fields:
            given.setdefault(name, []).append(value)
        elif model.model_config.get("extra") == "forbid":
            raise BadRequest(f"Invalid filter parameters {[name]}")
    _refuse_too_many(given)
    present = {name: [value for value in values if value != ""] for name, values in given.items()}
    return model.model_validate({name: values for name, values in present.items() if values})


_remembered = lru_cache(_REMEMBERED)(_read)
"""Queries are frozen, so that many requests may have the same one; a refusal is not remembered."""


def _refuse_too_many(given: Mapping[str, Sequence[str]]) -> None:
    """Refuse more values than a list can be filtered by; tags are written with commas."""
    for name, values in given.items():
        count = len(values) + sum(value.count(",") for value in values)
        if count > _MOST_VALUES:
            raise BadRequest(
                f"The query has {count} values for {name}, and {_MOST_VALUES} are allowed. Ask for fewer."
            )


def _last(values: Any) -> Any:
    return values[-1] if isinstance(values, list) else values


def _flag(values: Any, info: ValidationInfo) -> bool:
    return truth(_last(values), str(info.field_name))


def _number(values: Any, info: ValidationInfo) -> Any:
    value = _last(values)
    if not isinstance(value, str):
        return value
    try:
        number = int(value) if len(value) < 32 else _MOST
    except ValueError:
        raise BadRequest(f"Only integer is acceptable by '{info.field_name}'.") from None
    if number < 0:
        raise BadRequest(
            f"Value '{value}' is invalid for '{info.field_name}' which only accepts non-negative integer."
        )
    return min(number, _MOST)


def _words(values: Any) -> Any:
    return tuple(_last(values).split(",")) if isinstance(values, list) else values


def _direction(values: Any) -> Any:
    direction = _last(values)
    if direction not in (None, "asc", "desc"):
        raise BadRequest(f"Unknown sort direction: {direction}, must be one of asc, desc.")
    return direction


Text = Annotated[str | None, BeforeValidator(_last)]
"""Any text."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""A boolean, or the word for one."""

Number = Annotated[int | None, Field(ge=0), BeforeValidator(_number)]
"""A whole number from 0."""

Words = Annotated[tuple[str, ...], BeforeValidator(_words, json_schema_input_type=str)]
"""A comma-separated list of words."""

Names = tuple[str, ...]
"""All values of a repeatable parameter."""

Filter = Annotated[tuple[str, ...], Field(description="Only with one of these values.")]
"""Alternatives: what is listed has one of these values."""


class PageQuery(QueryModel):
    """Which part of a list, sorted how."""

    sort_dir: Annotated[str | None, BeforeValidator(_direction)] = Field(None, description="`asc` or `desc`.")
    sort_keys: Names = Field((), description="What to sort by; others are dropped.")
    limit: Number = Field(None, description="How many to show at most.")
    marker: Text = Field(None, description="Id of the last one already seen.")

    def page(self, keys: Mapping[str, str]) -> Page:
        """The page; ``keys`` maps sort keys to fields."""
        chosen = [key.strip() for value in self.sort_keys for key in value.split(",")]
        return Page(
            limit=self.limit,
            marker=self.marker or "",
            sort_keys=tuple(keys[key] for key in chosen if key in keys),
            descending=None if self.sort_dir is None else self.sort_dir == "desc",
        )


def allowed(query: QueryModel, names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Filters: for each parameter that is given, the field it is about and the field's allowed values."""
    found: dict[str, tuple[str, ...]] = {}
    for name, field in names.items():
        values: Sequence[str] = getattr(query, name)
        if values:
            found[field] = (*found.get(field, ()), *values)
    return found
