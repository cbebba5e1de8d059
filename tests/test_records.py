"""Records are changed by making others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stackd.records import Action, Resource, changed, now

NET = "OS::Neutron::Net"
ROW = Resource(id="1", stack_id="s", root_id="s", name="net", type=NET, kind=NET, created_at=now())


def test_a_changed_record_is_what_the_standard_library_makes() -> None:
    values = {"action": Action.CREATE, "reason": "begun", "data": {"a": 1}}
    assert changed(ROW, **values) == replace(ROW, **values)
    assert ROW.reason == ""


def test_a_field_that_a_record_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError, match="colour"):
        changed(ROW, colour="red")
