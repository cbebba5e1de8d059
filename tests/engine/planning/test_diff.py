"""What becomes of one resource: each rule of the decision, in the order in which they are asked."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.engine.planning.diff import UNCHANGED, diff_resource, present
from stackd.engine.planning.verbs import Verb
from stackd.errors import NotSupported
from stackd.records import Action, Resource, Status
from stackd.resources.base import ResourceType
from stackd.resources.schema import IMMUTABLE, IN_PLACE, Properties, prop
from stackd.template.unknown import Unknown
from tests.support.records import a_resource, a_stack


class Props(Properties):
    name: str | None = prop("", update=IN_PLACE)
    size: int | None = prop("", update=IN_PLACE)
    image: str | None = prop("")
    zone: str | None = prop("", update=IMMUTABLE)
    tags: list[str] | None = prop("", update=IN_PLACE)


class ResolvedType(ResourceType[Props]):
    properties = Props

    def needs_replace(self, old: Props, new: Props, changed: frozenset[str]) -> str | None:
        return "it cannot shrink" if "size" in changed and (new.size or 0) < (old.size or 0) else None


OLD = {"name": "a", "size": 2, "image": "i", "zone": "z", "tags": []}


def row(**fields: Any) -> Resource:
    given = {"type": "T", "kind": "T", "properties": OLD, "action": Action.CREATE, "physical_id": "p"}
    return a_resource(a_stack(), "r", **(given | fields))


def decision(known: Resource, kind_name: str = "T", /, *, broken: bool = True, **changed: Any) -> Any:
    return diff_resource(known, ResolvedType(), Props.wrap(OLD | changed), type_name=kind_name, broken=broken)


def test_other_type_replaces() -> None:
    made = decision(row(), "U")
    assert (made.verb, made.reason) == (Verb.REPLACE, "type changed: T → U")


def test_template_resource_of_another_file_is_updated_in_place() -> None:
    assert decision(row(kind="a.yaml"), "b.yaml") == UNCHANGED
    assert decision(row(kind="a.yaml"), "b.template") == UNCHANGED
    assert decision(row(kind="a.yaml"), "T").verb is Verb.REPLACE


def test_external_resource_is_left_alone_whatever_its_properties_say() -> None:
    assert decision(row(external_id="e"), image="other", zone="other") == UNCHANGED


@pytest.mark.parametrize("status", list(Status))
def test_deleted_resource_is_made_anew(status: Status) -> None:
    assert decision(row(action=Action.DELETE, status=status)).verb is Verb.REPLACE


def test_resource_that_never_was_is_made_anew() -> None:
    assert decision(row(action=Action.INIT, physical_id=None)).verb is Verb.REPLACE


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.CHECK, Action.SUSPEND])
def test_failed_and_broken_resource_is_replaced(action: Action) -> None:
    made = decision(row(action=action, status=Status.FAILED, reason="it burst"))
    assert made.verb is Verb.REPLACE
    assert made.reason == f"its last {action} failed: it burst"


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE])
def test_failed_resource_whose_object_is_sound_is_not_replaced(action: Action) -> None:
    assert decision(row(action=action, status=Status.FAILED), broken=False) == UNCHANGED


def test_same_properties_change_nothing() -> None:
    assert decision(row()) == UNCHANGED


def test_order_of_keys_and_unset_properties_are_no_change() -> None:
    known = row(properties={key: OLD[key] for key in reversed(OLD)} | {"later": None})
    assert decision(known) == UNCHANGED


def test_metadata_alone_is_an_update() -> None:
    made = diff_resource(row(), ResolvedType(), Props.wrap(OLD), type_name="T", metadata_changed=True)
    assert (made.verb, made.changed) == (Verb.UPDATE, frozenset())


def test_metadata_alone_replace_where_the_type_says_so() -> None:
    class Kept(ResolvedType):
        replaced_by_metadata = True

    made = diff_resource(row(), Kept(), Props.wrap(OLD), type_name="T", metadata_changed=True)
    assert (made.verb, made.reason) == (Verb.REPLACE, "metadata changed")


def test_immutable_property_refuses_even_where_another_would_replace() -> None:
    with pytest.raises(NotSupported, match=r"^Update to properties zone of r \(T\) is not supported\.$"):
        decision(row(), zone="y", image="j")


def test_type_can_ask_for_replacement_of_updatable_properties() -> None:
    assert decision(row(), size=3).verb is Verb.UPDATE
    shrunk = decision(row(), size=1)
    assert (shrunk.verb, shrunk.reason) == (Verb.REPLACE, "it cannot shrink")


def test_property_that_cannot_change_in_place_replaces_and_says_so() -> None:
    made = decision(row(), image="j", name="b")
    assert made.verb is Verb.REPLACE
    assert made.reason == "`image` cannot be changed in place: i → j"
    assert made.changed == {"image", "name"}


def test_updatable_properties_are_updated_and_told_in_order() -> None:
    made = decision(row(), name="b", size=3)
    assert (made.verb, made.reason) == (Verb.UPDATE, "`name` a → b; `size` 2 → 3")


def test_removed_property_is_a_change_to_nothing() -> None:
    assert decision(row(), name=None).changed == {"name"}


def test_value_that_is_not_known_yet_counts_as_a_change() -> None:
    made = decision(row(), image=Unknown("net"))
    assert made.verb is Verb.REPLACE
    assert "(known after apply)" in made.reason


@pytest.mark.parametrize("value", [["secret"], "s" * 61])
def test_lists_and_long_texts_are_not_shown(value: Any) -> None:
    name = "tags" if isinstance(value, list) else "name"
    reason = decision(row(), **{name: value}).reason
    assert reason.endswith(f"→ ({type(value).__name__})")


FAILED_UPDATE = {"action": Action.UPDATE, "status": Status.FAILED}


def test_update_that_failed_is_made_again() -> None:
    known = row(properties=OLD | {"name": "b"}, previous_properties=OLD, **FAILED_UPDATE)
    made = decision(known, broken=False, name="b")
    assert (made.verb, made.changed) == (Verb.UPDATE, {"name"})


def test_update_that_failed_is_undone_by_the_way_back() -> None:
    known = row(properties=OLD | {"name": "b"}, previous_properties=OLD, **FAILED_UPDATE)
    made = decision(known, broken=False)
    assert (made.verb, made.changed) == (Verb.UPDATE, {"name"})


def test_value_lost_in_two_failed_updates_still_shows() -> None:
    first = row(properties=OLD | {"name": "b"}, previous_properties=OLD, **FAILED_UPDATE)
    wanted = Props.wrap(OLD | {"name": "b", "size": 3})
    second = row(properties=dict(wanted.data), previous_properties=present(first, wanted), **FAILED_UPDATE)
    assert present(second, wanted) == OLD
    assert decision(second, broken=False, name="b").changed == {"name", "size"}
