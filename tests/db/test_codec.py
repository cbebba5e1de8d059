from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.db.codec import Codecs, from_json, from_micros, remembering, to_json, to_micros
from stackd.db.columns import SEALED_FORMS, form_of
from stackd.db.tables import metadata, sealed_columns
from stackd.records import (
    Action,
    Credential,
    Definition,
    Event,
    Export,
    Hidden,
    Import,
    Operation,
    Resource,
    Stack,
    Status,
)
from tests.support.database import ReversingSealer
from tests.support.records import a_credential, a_resource, a_stack

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
TIMES = st.datetimes(
    min_value=datetime(1970, 1, 1),
    max_value=datetime(2200, 1, 1),
    timezones=st.just(UTC),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
MAPS = st.dictionaries(TEXT, JSON, max_size=3)
BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    "str": TEXT,
    "str | None": st.none() | TEXT,
    "int": st.integers(0, 2**31 - 1),
    "int | None": st.none() | st.integers(0, 2**31 - 1),
    "bool": st.booleans(),
    "Action": st.sampled_from(Action),
    "Status": st.sampled_from(Status),
    "Definition": st.builds(Definition, TEXT, TEXT, TEXT),
    "Definition | None": st.none() | st.builds(Definition, TEXT, TEXT, TEXT),
    "datetime": TIMES,
    "datetime | None": st.none() | TIMES,
    "tuple[str, ...]": st.lists(TEXT, max_size=3).map(tuple),
    "tuple[str, ...] | None": st.none() | st.lists(TEXT, max_size=3).map(tuple),
    "Mapping[str, Any]": MAPS,
    "Mapping[str, Any] | None": st.none() | MAPS,
    "Any": JSON,
}
KINDS = (Stack, Resource, Event, Operation, Credential, Export, Import)


def any_record(kind: type[Any]) -> st.SearchStrategy[Any]:
    fields = {name: BY_TYPE[field.type] for name, field in kind.__dataclass_fields__.items()}
    return st.builds(kind, **fields | ({"seq": st.just(0)} if kind is Event else {}))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(data=st.data())
def test_a_record_survives_its_row(kind: type[Any], data: st.DataObject) -> None:
    record = data.draw(any_record(kind))
    codec = Codecs(ReversingSealer()).of(kind)
    row = dict(zip(codec.stored, codec.row(record), strict=True)) | ({"seq": 0} if kind is Event else {})
    assert codec.record([row[name] for name in codec.columns]) == record
    flat = codec.flat({name: getattr(record, name) for name in kind.__dataclass_fields__})
    assert {name: flat[name] for name in row} == row


@given(TIMES)
def test_a_time_survives_to_the_microsecond(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


@pytest.mark.parametrize("value", [2**70, {"a": "\ud800"}, {"n": (1, 2)}, {1: "x"}])
def test_json_keeps_what_the_fast_codec_refuses(value: Any) -> None:
    plain = {"1": "x"} if value == {1: "x"} else {"n": [1, 2]} if value == {"n": (1, 2)} else value
    assert from_json(to_json(value)) == plain


def test_an_object_that_is_no_data_is_refused() -> None:
    with pytest.raises(TypeError, match="object cannot be stored"):
        to_json({"x": object()})


def test_prose_loses_only_what_no_database_keeps() -> None:
    codec = Codecs(ReversingSealer()).stacks
    assert codec.flat({"reason": "a\0b \ud800 ü"})["reason"] == "a\ufffdb ? ü"


def test_everything_that_may_hold_a_secret_is_sealed() -> None:
    assert sealed_columns() == {
        "change_sets": ("content",),
        "alarm_actions": ("target", "message"),
        "alarm_history": ("data",),
        "alarms": ("configuration",),
        "credentials": ("trust_id", "token", "application"),
        "documents": ("body",),
        "events": ("properties",),
        "exports": ("value",),
        "plans": ("options", "content"),
        "resource_drifts": ("type", "physical_id", "content"),
        "resources": (
            "type",
            "kind",
            "physical_id",
            "external_id",
            "metadata",
            "properties",
            "previous_properties",
            "attributes",
            "data",
        ),
        "software_configs": ("content",),
        "software_deployments": ("input_values", "output_values"),
        "stacks": ("outputs",),
    }
    codecs = Codecs(ReversingSealer())
    secret = {"password": "hunter2"}
    resource = a_resource(
        a_stack(),
        properties=secret,
        previous_properties=secret,
        attributes=secret,
        data=secret,
        metadata=secret,
        physical_id=Hidden("hunter2"),
        external_id=Hidden("hunter2"),
    )
    export = Export(
        id="p/n",
        project_id="p",
        name="n",
        stack_id="s",
        root_id="s",
        output="o",
        offered=True,
        revision="1",
        touched="1",
        value="hunter2",
    )
    for record in (resource, a_stack(outputs=secret), a_credential(trust_id="hunter2"), export):
        assert b"hunter2" not in repr(codecs.of(type(record)).row(record)).encode()


def test_every_column_has_a_form() -> None:
    forms = {form_of(column) for table in metadata.sorted_tables for column in table.columns}
    assert forms >= SEALED_FORMS


@given(st.integers())
def test_integers_of_any_size_are_kept(number: int) -> None:
    found = from_json(to_json({"a": [number]}))["a"][0]
    assert found == number
    assert type(found) is int


def test_short_value_is_decrypted_once_and_each_reader_gets_a_value_of_its_own() -> None:
    sealed: list[bytes] = []

    class Counting(ReversingSealer):
        def unseal(self, value: bytes) -> bytes:
            sealed.append(value)
            return super().unseal(value)

    codec = Codecs(Counting()).resources
    row = codec.row(a_resource(a_stack(), attributes={"value": ["a"]}))
    first, second = codec.record(row), codec.record(row)
    assert len(sealed) == len(set(sealed)) > 0
    assert first.attributes == second.attributes == {"value": ["a"]}
    first.attributes["value"].append("b")
    assert second.attributes == codec.record(row).attributes == {"value": ["a"]}


def test_long_value_is_not_remembered() -> None:
    calls: list[bytes] = []

    def unseal(sealed: bytes) -> bytes:
        calls.append(sealed)
        return sealed[::-1]

    known = remembering(unseal)
    for sealed in (b"short", b"short", b"x" * 2000, b"x" * 2000):
        assert known(sealed) == sealed[::-1]
    assert calls == [b"short", b"x" * 2000, b"x" * 2000]
