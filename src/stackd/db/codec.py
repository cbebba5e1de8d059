"""Records to rows and back, by the form of each column."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import orjson
from sqlalchemy import Table

from stackd.db import tables
from stackd.db.tables import DEFINITION_COLUMNS, Form, form_of
from stackd.records import Action, Credential, Definition, Event, Operation, Resource, Stack, Status

R = TypeVar("R", bound=Stack | Resource | Event | Operation | Credential)
Kind = type[Stack] | type[Resource] | type[Event] | type[Operation] | type[Credential]
Convert = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REPLACEMENT = "\ufffd"


class Sealer(Protocol):
    """Encrypts what is stored; made by ``auth`` from the configured keys."""

    def seal(self, plain: bytes) -> bytes:
        """``plain``, encrypted with the newest key."""
        ...

    def unseal(self, sealed: bytes) -> bytes:
        """The plain bytes of ``sealed``, whichever known key it was made with."""
        ...


def to_micros(moment: datetime) -> int:
    """``moment`` as the database keeps it: microseconds since 1970 in UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware datetime of ``micros``."""
    return _EPOCH + timedelta(microseconds=micros)


def to_json(value: Any) -> bytes:
    """``value`` as JSON; integers beyond 64 bits and keys that are no strings take the slow way."""
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError:
        return json.dumps(value, default=_plain).encode()


def from_json(body: bytes | str) -> Any:
    """The value of a JSON text that ``to_json`` wrote."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return json.loads(body)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _clean(prose: str) -> str:
    if prose.isascii() and "\0" not in prose:
        return prose
    return prose.encode("utf-8", "replace").decode().replace("\0", _REPLACEMENT)


def encoders(sealer: Sealer) -> dict[Form, Convert]:
    """Form → function from a field that is not None to its column; forms without one are kept as they are."""
    seal = sealer.seal
    return {
        Form.PROSE: _clean,
        Form.TIME: to_micros,
        Form.ACTION: str,
        Form.STATUS: str,
        Form.NAMES: lambda names: to_json(names).decode(),
        Form.MAP: lambda value: to_json(value).decode() if value else None,
        Form.SEALED_TEXT: lambda value: seal(value.encode()),
        Form.SEALED_MAP: lambda value: seal(to_json(value)) if value else None,
        Form.SEALED_JSON: lambda value: seal(to_json(value)),
    }


def decoders(sealer: Sealer) -> dict[Form, Convert]:
    """Form → function from a column (None for NULL) to its field."""
    unseal = sealer.unseal
    actions = {action.value: action for action in Action}
    statuses = {status.value: status for status in Status}
    return {
        Form.FLAG: bool,
        Form.TIME: lambda value: None if value is None else from_micros(value),
        Form.ACTION: actions.__getitem__,
        Form.STATUS: statuses.__getitem__,
        Form.NAMES: lambda value: None if value is None else tuple(from_json(value)),
        Form.MAP: lambda value: {} if value is None else from_json(value),
        Form.SEALED_TEXT: lambda value: unseal(value).decode(),
        Form.SEALED_MAP: lambda value: {} if value is None else from_json(unseal(value)),
        Form.SEALED_JSON: lambda value: None if value is None else from_json(unseal(value)),
    }


def pack(body: bytes, sealer: Sealer) -> bytes:
    """A document's body as it is stored: compressed, then encrypted."""
    return sealer.seal(zlib.compress(body, 6))


def unpack(stored: bytes, sealer: Sealer) -> bytes:
    """The body of a stored document."""
    return zlib.decompress(sealer.unseal(stored))


class Codec(Generic[R]):
    """Rows of one table to records and back.

    ``columns`` are the names in the order in which ``record`` wants a row; ``brief`` those without the
    columns that a listing leaves out, for ``brief_record``.
    """

    def __init__(self, kind: type[R], table: Table, sealer: Sealer, unlisted: Iterable[str] = ()) -> None:
        self.kind = kind
        self.table = table
        names = {field.name for field in fields(kind)}
        self._groups = {field: parts for field, parts in DEFINITION_COLUMNS.items() if field in names}
        grouped = [part for parts in self._groups.values() for part in parts]
        flat = [column.name for column in table.columns if column.name in names]
        self.columns = (*flat, *grouped)
        self.brief = tuple(name for name in self.columns if name not in frozenset(unlisted))
        to_column, to_field = encoders(sealer), decoders(sealer)
        forms = {name: form_of(table.columns[name]) for name in self.columns}
        self._encode = {name: to_column[form] for name, form in forms.items() if form in to_column}
        self._decode = self._places(self.columns, forms, to_field)
        self._decode_brief = self._places(self.brief, forms, to_field)

    @staticmethod
    def _places(
        columns: Sequence[str], forms: Mapping[str, Form], to_field: Mapping[Form, Convert]
    ) -> list[tuple[int, Convert]]:
        return [(at, to_field[forms[name]]) for at, name in enumerate(columns) if forms[name] in to_field]

    def record(self, row: Sequence[Any]) -> R:
        """The record of a row of ``columns``."""
        return self._make(row, self.columns, self._decode)

    def brief_record(self, row: Sequence[Any]) -> R:
        """The record of a row of ``brief``; the fields left out have their defaults."""
        return self._make(row, self.brief, self._decode_brief)

    def _make(self, row: Sequence[Any], columns: Sequence[str], decode: list[tuple[int, Convert]]) -> R:
        values = list(row)
        for at, convert in decode:
            values[at] = convert(values[at])
        named = dict(zip(columns, values, strict=True))
        for field, parts in self._groups.items():
            template, environment, files = (named.pop(part) for part in parts)
            named[field] = None if template is None else Definition(template, environment, files)
        return self.kind(**named)

    def row(self, record: R, columns: Iterable[str]) -> tuple[Any, ...]:
        """The values of ``columns`` in a row that keeps ``record``."""
        flat = self.flat({field.name: getattr(record, field.name) for field in fields(record)})
        return tuple([flat[name] for name in columns])

    def flat(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values of some fields as the columns that keep them."""
        flat: dict[str, Any] = {}
        for name, value in values.items():
            if parts := self._groups.get(name):
                flat.update(zip(parts, _definition(value), strict=True))
            elif value is None:
                flat[name] = None
            else:
                encode = self._encode.get(name)
                flat[name] = encode(value) if encode else value
        return flat


def _definition(value: Definition | None) -> tuple[str | None, ...]:
    return (None, None, None) if value is None else (value.template, value.environment, value.files)


class Codecs:
    """The codec of every kind of record, for one sealer."""

    def __init__(self, sealer: Sealer) -> None:
        self.stacks = Codec(Stack, tables.stacks, sealer, unlisted=("outputs",))
        self.resources = Codec(
            Resource,
            tables.resources,
            sealer,
            unlisted=("properties", "previous_properties", "attributes", "data"),
        )
        self.events = Codec(Event, tables.events, sealer)
        self.operations = Codec(Operation, tables.operations, sealer)
        self.credentials = Codec(Credential, tables.credentials, sealer)
        self._by_kind: dict[type[Any], Codec[Any]] = {
            Stack: self.stacks,
            Resource: self.resources,
            Event: self.events,
            Operation: self.operations,
            Credential: self.credentials,
        }

    def of(self, kind: type[Any]) -> Codec[Any]:
        """The codec of records of ``kind``."""
        return self._by_kind[kind]
