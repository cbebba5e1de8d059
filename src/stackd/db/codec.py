"""Converts records to rows and back, by the form of each column."""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

import orjson
from sqlalchemy import Table

from stackd.db import tables
from stackd.db.columns import ASSIGNED, DEFINITION_COLUMNS, Form, form_of
from stackd.drafts import draft_of
from stackd.records import (
    Action,
    Alarm,
    AlarmAction,
    AlarmHistory,
    ChangeSet,
    Credential,
    Definition,
    DriftDetection,
    DriftState,
    Event,
    Export,
    Hidden,
    Hook,
    HookState,
    Import,
    Operation,
    RequestToken,
    Resource,
    ResourceDrift,
    SavedPlan,
    Sink,
    Snapshot,
    SoftwareConfig,
    SoftwareDeployment,
    Stack,
    Status,
)

Record = (
    Stack
    | Resource
    | Event
    | Operation
    | Credential
    | Hook
    | Sink
    | Export
    | Import
    | SavedPlan
    | Snapshot
    | SoftwareConfig
    | SoftwareDeployment
    | ChangeSet
    | RequestToken
    | DriftDetection
    | ResourceDrift
    | Alarm
    | AlarmHistory
    | AlarmAction
)
R = TypeVar("R", bound=Record)
Kind = (
    type[Stack]
    | type[Resource]
    | type[Event]
    | type[Operation]
    | type[Credential]
    | type[Hook]
    | type[SavedPlan]
    | type[Snapshot]
    | type[Sink]
    | type[Export]
    | type[Import]
    | type[SoftwareConfig]
    | type[SoftwareDeployment]
    | type[ChangeSet]
    | type[RequestToken]
    | type[DriftDetection]
    | type[ResourceDrift]
    | type[Alarm]
    | type[AlarmHistory]
    | type[AlarmAction]
)
Convert = Callable[[Any], Any]
Unseal = Callable[[bytes], bytes]
Seal = Callable[[bytes], bytes]
Conversions = tuple[dict["Form", Convert], dict["Form", Convert]]
"""``encoders`` and ``decoders``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIMES_KEPT = 8192
_MICROSECOND = timedelta(microseconds=1)
_REPLACEMENT = "\ufffd"
PLAIN_MAPS = (b"{", b" ")
"""How JSON objects begin, and nothing that is encrypted."""

_NO_NAMES = "[]"
_SLOWLY = b" "
"""Prefix of texts that the fast parser must not read: it converts large integers to floats."""
AT_ONCE, BRIEF_AT_ONCE = 25, 75
"""Rows that are made records, with and without decryption, in one turn of the event loop."""
SEALED_NAME = "sealed:"
"""Prefix of an encrypted text in a column of plain texts."""

_UNSEALED_KEPT, _SEALED_KEPT = 4096, 64
_SHORT = 1024
"""Bytes up to which what is encrypted is remembered with its plain text: 7 MB at most."""

_BULKY = frozenset({Form.MAP, Form.SEALED_TEXT, Form.SEALED_MAP, Form.SEALED_JSON})
_EMPTY_IS_NULL = frozenset({Form.MAP, Form.SEALED_MAP})


class Sealer(Protocol):
    """Encrypts what is stored; made by ``auth`` from the configured keys."""

    def seal(self, plain: bytes) -> bytes:
        """``plain``, encrypted with the newest key."""
        ...

    def unseal(self, sealed: bytes) -> bytes:
        """The plain bytes of ``sealed``, whichever known key it was made with."""
        ...


def to_micros(moment: datetime) -> int:
    """``moment`` as stored: microseconds since 1970 in UTC."""
    return (moment - _EPOCH) // _MICROSECOND


@lru_cache(_TIMES_KEPT)
def from_micros(micros: int) -> datetime:
    """The aware datetime of ``micros``; remembered, as what is watched is read over and over."""
    return _EPOCH + timedelta(0, 0, micros)


def to_json(value: Any) -> bytes:
    """``value`` as JSON; integers beyond 64 bits and keys that are not strings use the slow encoder."""
    try:
        return orjson.dumps(value, default=_plain)
    except TypeError:
        return _SLOWLY + json.dumps(value, default=_plain).encode()


def from_json(body: bytes | str) -> Any:
    """The value of a JSON text that ``to_json`` wrote."""
    if body[:1] in (_SLOWLY, " "):
        return json.loads(body)
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


def sealed_name(name: str, sealer: Sealer) -> str:
    """A name as it is stored if it is hidden."""
    return SEALED_NAME + sealer.seal(name.encode()).decode()


def _name_encoder(sealer: Sealer) -> Convert:
    def encode(name: str) -> str:
        is_hidden = isinstance(name, Hidden) or name.startswith(SEALED_NAME)
        return sealed_name(name, sealer) if is_hidden else name

    return encode


def _name_decoder(sealer: Sealer) -> Convert:
    def decode(stored: str) -> str:
        if stored.startswith(SEALED_NAME):
            return Hidden(sealer.unseal(stored[len(SEALED_NAME) :].encode()).decode())
        return stored

    return decode


def resealed(stored: bytes | str, sealer: Sealer) -> bytes | str | None:
    """A stored value encrypted with the newest key, or for the first time; None for a plain text."""
    if isinstance(stored, str):
        if not stored.startswith(SEALED_NAME):
            return None
        opened = sealer.unseal(stored[len(SEALED_NAME) :].encode())
        return SEALED_NAME + sealer.seal(opened).decode()
    return sealer.seal(stored if is_plain(stored) else sealer.unseal(stored))


def is_plain(stored: bytes) -> bool:
    """Whether the value of a column that is encrypted now is still as it was before that: a JSON object."""
    return stored[:1] in PLAIN_MAPS


def encoders(sealer: Sealer) -> dict[Form, Convert]:
    """Form → function from a field that is not None to its column; forms without one are kept as they are."""
    seal, repeated = sealer.seal, _sealing_once(sealer.seal)
    return {
        Form.NAME: _name_encoder(sealer),
        Form.PROSE: _clean,
        Form.TIME: to_micros,
        Form.ACTION: str,
        Form.STATUS: str,
        Form.HOOK_STATE: str,
        Form.DRIFT_STATE: str,
        Form.NAMES: lambda names: to_json([_clean(name) for name in names]).decode(),
        Form.MAP: lambda value: to_json(value).decode() if value else None,
        Form.SEALED_TEXT: lambda value: seal(value.encode()),
        Form.SEALED_MAP: lambda value: repeated(to_json(value)) if value else None,
        Form.SEALED_JSON: lambda value: seal(to_json(value)),
    }


def decoders(sealer: Sealer, known: Unseal) -> dict[Form, Convert]:
    """Form → function from a column that is not NULL to its field; ``known`` unseals what is read often."""
    unseal = sealer.unseal
    actions = {action.value: action for action in Action}
    statuses = {status.value: status for status in Status}
    hook_states = {state.value: state for state in HookState}
    return {
        Form.NAME: _name_decoder(sealer),
        Form.FLAG: bool,
        Form.TIME: from_micros,
        Form.ACTION: actions.__getitem__,
        Form.STATUS: statuses.__getitem__,
        Form.HOOK_STATE: hook_states.__getitem__,
        Form.DRIFT_STATE: DriftState,
        Form.NAMES: lambda value: () if value == _NO_NAMES else tuple(from_json(value)),
        Form.MAP: from_json,
        Form.SEALED_TEXT: lambda value: unseal(value).decode(),
        Form.SEALED_MAP: lambda value: from_json(value if is_plain(value) else known(value)),
        Form.SEALED_JSON: lambda value: from_json(known(value)),
    }


def _sealing_once(seal: Seal) -> Seal:
    """The function with a memory for the last short values: those of a resource are in its event, too."""
    remembered = lru_cache(_SEALED_KEPT)(seal)
    return lambda plain: remembered(plain) if len(plain) <= _SHORT else seal(plain)


def remembering(unseal: Unseal) -> Unseal:
    """The function with a memory for short values, as a stack that is watched is read over and over.

    What is encrypted anew differs, so nothing that is remembered is ever stale.
    """
    remembered = lru_cache(_UNSEALED_KEPT)(unseal)
    return lambda sealed: remembered(sealed) if len(sealed) <= _SHORT else unseal(sealed)


def pack(body: bytes, sealer: Sealer) -> bytes:
    """A document's body as stored: compressed, then encrypted."""
    return sealer.seal(zlib.compress(body, 6))


def unpack(stored: bytes, sealer: Sealer) -> bytes:
    """The body of a stored document."""
    return zlib.decompress(sealer.unseal(stored))


@dataclass(frozen=True, slots=True)
class _Reading:
    """How rows of some columns become records, by position in the row."""

    forms: tuple[Form, ...]
    empty: tuple[int, ...]
    """Positions where NULL is the empty mapping."""
    groups: tuple[int, ...]
    """Positions where the three columns of a definition begin, in descending order."""

    draft: type[Any]
    """Makes a record of values in the order of the columns; fields without a column have their defaults."""


class _Layout:
    """Where the fields of a record are in the rows of its table."""

    def __init__(self, kind: type[Any], table: Table, unlisted: frozenset[str]) -> None:
        self._kind = kind
        names = {field.name for field in fields(kind)}
        self.groups = {field: parts for field, parts in DEFINITION_COLUMNS.items() if field in names}
        parts = {part for group in self.groups.values() for part in group}
        self.forms = {
            column.name: form_of(column) for column in table.columns if column.name in names | parts
        }
        self.columns = tuple(self.forms)
        self.brief = tuple(name for name in self.columns if name not in unlisted)
        self.full_reading = self._reading(self.columns)
        self.brief_reading = self._reading(self.brief)
        self.stored = tuple(name for name in self.columns if name != ASSIGNED)
        self.stored_fields = attrgetter(*self._collapsed(self.stored))
        self.bulky = tuple(attrgetter(name) for name in self.stored if self.forms[name] in _BULKY)
        self.definitions = sorted(self.stored.index(group[0]) for group in self.groups.values())

    def _collapsed(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        field_of = {part: field for field, group in self.groups.items() for part in group}
        # SQLAlchemy names columns by a subclass of str; plain interned names pass for keywords twice as fast.
        return tuple(dict.fromkeys(sys.intern(str(field_of.get(name, name))) for name in columns))

    def _reading(self, columns: tuple[str, ...]) -> _Reading:
        forms = tuple(self.forms[name] for name in columns)
        kind: Any = self._kind  # mypy takes it for unhashable
        return _Reading(
            forms=forms,
            draft=draft_of(kind, self._collapsed(columns)),
            empty=tuple(at for at, form in enumerate(forms) if form in _EMPTY_IS_NULL),
            groups=tuple(sorted((columns.index(group[0]) for group in self.groups.values()), reverse=True)),
        )


_layout = cache(_Layout)


class Codec(Generic[R]):
    """Converts rows of one table to records and back.

    ``columns`` are the names in the order in which ``record`` wants a row; ``brief`` those without the
    columns that a listing leaves out, for ``brief_record``.
    """

    def __init__(
        self, kind: type[R], table: Table, conversions: Conversions, unlisted: Iterable[str] = ()
    ) -> None:
        self.kind = kind
        self.table = table
        known_as: Any = kind  # mypy takes a generic class for unhashable
        self._layout = layout = _layout(known_as, table, frozenset(unlisted))
        self.columns, self.brief, self.stored = layout.columns, layout.brief, layout.stored
        to_column, self._decoders = conversions
        self.record = self._maker(layout.full_reading)
        """The record of a row of ``columns``."""
        self.brief_record = self._maker(layout.brief_reading)
        """The record of a row of ``brief``; the fields left out have their defaults."""
        self._encode = {name: to_column[form] for name, form in layout.forms.items() if form in to_column}
        self._stored_places = tuple(
            (at, self._encode[name]) for at, name in enumerate(self.stored) if name in self._encode
        )

    def _maker(self, reading: _Reading) -> Callable[[Sequence[Any]], R]:
        kind, draft, empty, groups = self.kind, reading.draft, reading.empty, reading.groups
        known = self._decoders
        conversions = [(at, known[form]) for at, form in enumerate(reading.forms) if form in known]

        def make(row: Sequence[Any]) -> R:
            values = list(row)
            for at, convert in conversions:
                if (value := values[at]) is not None:
                    values[at] = convert(value)
            for at in empty:
                if values[at] is None:
                    values[at] = {}
            for at in groups:
                template = values[at]
                values[at : at + 3] = (None if template is None else Definition(*values[at : at + 3]),)
            record = draft(*values)
            record.__class__ = kind
            return record  # type: ignore[no-any-return]

        return make

    def value(self, column: str, stored: Any) -> Any:
        """The field of one column."""
        decode = self._decoders.get(self._layout.forms[column])
        return stored if stored is None or decode is None else decode(stored)

    def bulky_fields(self, record: R) -> list[Any]:
        """What is in the fields of a record that may be large, and are encoded as a whole."""
        return [value for read in self._layout.bulky if (value := read(record))]

    def row(self, record: R) -> tuple[Any, ...]:
        """The values of ``stored``, the columns that an insert fills, in a row that keeps ``record``."""
        values = list(self._layout.stored_fields(record))
        for at in self._layout.definitions:
            values[at : at + 1] = _definition(values[at])
        for at, encode in self._stored_places:
            if (value := values[at]) is not None:
                values[at] = encode(value)
        return tuple(values)

    def flat(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values of some fields as the columns that keep them."""
        flat: dict[str, Any] = {}
        encoders, groups = self._encode, self._layout.groups
        for name, value in values.items():
            if name in groups:
                flat.update(zip(groups[name], _definition(value), strict=True))
            elif value is None or name not in encoders:
                flat[name] = value
            else:
                flat[name] = encoders[name](value)
        return flat


def _definition(value: Definition | None) -> tuple[str | None, ...]:
    return (None, None, None) if value is None else (value.template, value.environment, value.files)


class Codecs:
    """The codec of every kind of record, for one sealer."""

    def __init__(self, sealer: Sealer) -> None:
        conversions = encoders(sealer), decoders(sealer, remembering(sealer.unseal))
        self.stacks = Codec(Stack, tables.stacks, conversions, unlisted=("outputs", "policy"))
        self.resources = Codec(
            Resource,
            tables.resources,
            conversions,
            unlisted=("metadata", "properties", "previous_properties", "attributes", "data"),
        )
        self.events = Codec(Event, tables.events, conversions, unlisted=("properties",))
        self.operations = Codec(Operation, tables.operations, conversions)
        self.credentials = Codec(Credential, tables.credentials, conversions)
        self.hooks = Codec(Hook, tables.hooks, conversions)
        self.sinks = Codec(Sink, tables.sinks, conversions)
        self.exports = Codec(Export, tables.exports, conversions, unlisted=("value",))
        self.imports = Codec(Import, tables.imports, conversions)
        self.plans = Codec(SavedPlan, tables.plans, conversions, unlisted=("fingerprint", "content"))
        self.change_sets = Codec(ChangeSet, tables.change_sets, conversions, unlisted=("content",))
        self.request_tokens = Codec(RequestToken, tables.request_tokens, conversions)
        self.drift_detections = Codec(DriftDetection, tables.drift_detections, conversions)
        self.resource_drifts = Codec(ResourceDrift, tables.resource_drifts, conversions)
        self.snapshots = Codec(Snapshot, tables.snapshots, conversions)
        self.software_configs = Codec(
            SoftwareConfig, tables.software_configs, conversions, unlisted=("content",)
        )
        self.software_deployments = Codec(SoftwareDeployment, tables.software_deployments, conversions)
        self.alarms = Codec(Alarm, tables.alarms, conversions)
        self.alarm_history = Codec(AlarmHistory, tables.alarm_history, conversions)
        self.alarm_actions = Codec(AlarmAction, tables.alarm_actions, conversions)
        self._by_kind: dict[type[Any], Codec[Any]] = {
            Stack: self.stacks,
            Resource: self.resources,
            Event: self.events,
            Operation: self.operations,
            Credential: self.credentials,
            Hook: self.hooks,
            Sink: self.sinks,
            Export: self.exports,
            Import: self.imports,
            SavedPlan: self.plans,
            ChangeSet: self.change_sets,
            RequestToken: self.request_tokens,
            DriftDetection: self.drift_detections,
            ResourceDrift: self.resource_drifts,
            Snapshot: self.snapshots,
            SoftwareConfig: self.software_configs,
            SoftwareDeployment: self.software_deployments,
            Alarm: self.alarms,
            AlarmHistory: self.alarm_history,
            AlarmAction: self.alarm_actions,
        }

    def of(self, kind: type[Any]) -> Codec[Any]:
        """The codec of records of ``kind``."""
        return self._by_kind[kind]
