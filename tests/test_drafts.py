"""Frozen objects are made and changed in a cheaper way than by their constructors, with the same result."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from stackd.drafts import changed, draft_of
from stackd.records import Action, Caller, Resource, Status, new_id, now

RESOURCE = Resource(
    id=new_id(), stack_id="s", root_id="s", name="r", type="T", kind="T", created_at=now(), requires=("q",)
)
CALLER = Caller("u", "user", "p", roles=("member",), token="t")


@pytest.mark.parametrize(
    ("record", "values"),
    [
        (RESOURCE, {}),
        (RESOURCE, {"action": Action.CREATE, "status": Status.FAILED, "attributes": {"a": 1}}),
        (CALLER, {"request_id": "req-1", "region": "one"}),
    ],
)
def test_changed_record_is_what_replace_makes(record: Any, values: dict[str, Any]) -> None:
    made = changed(record, **values)
    assert made == replace(record, **values)
    assert type(made) is type(record)


def test_changed_record_is_frozen_and_leaves_the_other_as_it_was() -> None:
    made: Any = changed(RESOURCE, name="other")
    with pytest.raises(FrozenInstanceError):
        made.name = "third"
    assert RESOURCE.name == "r"


def test_unknown_field_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        changed(CALLER, nothing=1)


def test_draft_has_defaults_for_what_is_not_given() -> None:
    made: Any = draft_of(Resource, ("name", "id"))("r", "1")
    made.__class__ = Resource
    other: Any = draft_of(Resource, ("name", "id"))("r", "2")
    assert (made.name, made.id, made.requires, made.deletion_policy) == ("r", "1", (), "Delete")
    assert made.attributes == {}
    assert made.attributes is not other.attributes
