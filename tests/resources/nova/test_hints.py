from stackd.resources.nova.hints import with_stack
from stackd.resources.nova.metadata import as_text
from tests.support.context import FakeContext


def test_the_stack_is_only_told_where_the_operator_wants_it() -> None:
    assert with_stack(FakeContext("OS::Heat::None"), {"group": "g", "none": None}) == {"group": "g"}
    ctx = FakeContext("OS::Heat::None", limits={"stack_scheduler_hints": True})
    assert with_stack(ctx, {"group": "g"}) == {
        "group": "g",
        "heat_root_stack_id": "stack-id",
        "heat_stack_id": "stack-id",
        "heat_stack_name": "app",
        "heat_path_in_stack": ["app"],
        "heat_resource_name": "thing",
        "heat_resource_uuid": "thing-uuid",
    }


def test_metadata_is_text() -> None:
    assert as_text({"a": "b", "n": 1, "m": {"x": [None]}}) == {"a": "b", "n": "1", "m": '{"x": [null]}'}
    assert as_text(None) == {}
