"""Names in properties become ids before the cloud is asked."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from stackd.clients.lookup import Finder
from stackd.errors import PropertyError, StackdError
from stackd.resources.property_schema import PropertySchema, walk_values
from stackd.resources.schema import Properties
from stackd.wording import PROPERTY_ERROR


async def with_ids(
    props: Properties, find: Finder, known: set[str], *, path: str = "properties", strict: bool = True
) -> Properties:
    """A copy with the id for every name whose property says where to look it up.

    ``known`` are ids of the stack's own objects: they need no look-up. Unless ``strict``, what
    cannot be found stays as it is; that is for properties that once were valid.
    """
    if not _looks_up(type(props)):
        return props
    data = copy.deepcopy(props.data)
    for schema, value, where, container, key in list(walk_values(props.schema, data, path)):
        if schema.find is None or not isinstance(value, str) or not value or value in known:
            continue
        try:
            container[key] = await find.id_of(schema.find, value)
        except StackdError as error:
            if strict:
                raise PropertyError(str(error), lead=PROPERTY_ERROR, path=where) from error
    return type(props)(data, props.given)


_known: WeakKeyDictionary[type[Properties], bool] = WeakKeyDictionary()


def _looks_up(kind: type[Properties]) -> bool:
    known = _known.get(kind)
    if known is None:
        known = _known[kind] = any(schema.find for schema in _all_schemas(kind.schema))
    return known


def _all_schemas(schemas: Mapping[str, PropertySchema]) -> Iterator[Any]:
    for schema in schemas.values():
        yield schema
        if schema.element is not None:
            yield from _all_schemas({"*": schema.element})
        if schema.keys is not None:
            yield from _all_schemas(schema.keys)
