from stackd.errors import (
    InvalidFormat,
    Place,
    PropertyError,
    StackdError,
    TemplateError,
    TemplateErrors,
    all_errors,
    headline,
)
from stackd.wording import HERE, PROPERTY_ERROR, Reason

UNKNOWN = PropertyError(
    Reason.UNKNOWN_PROPERTY(name="size"),
    lead=PROPERTY_ERROR,
    path="resources.disk.properties.size",
    at="resources.disk.properties",
    remedy="Leave it out.",
    value="size",
)


def test_message_is_made_of_lead_path_and_sentence() -> None:
    assert UNKNOWN.message == "Property error: resources.disk.properties: Unknown Property size"
    assert UNKNOWN.path == "resources.disk.properties.size"
    assert UNKNOWN.reason is Reason.UNKNOWN_PROPERTY
    assert str(UNKNOWN) == UNKNOWN.message


def test_mistake_without_a_reason_of_its_own_has_a_text() -> None:
    error = TemplateError("It is {wrong}.")
    assert (error.message, error.reason) == ("It is {wrong}.", Reason.OTHER)
    assert TemplateError().message == "The template, environment or a parameter is invalid."


def test_error_in_a_nested_stack_shows_its_whole_path() -> None:
    seen = UNKNOWN.inside("pair<pair.yaml>").inside("all<all.yaml>")
    inner = "resources.all<all.yaml>.resources.pair<pair.yaml>.resources.disk.properties"
    assert seen.message == f"Property error: {inner}: Unknown Property size"
    assert seen.path == f"{inner}.size"
    assert type(seen) is PropertyError
    assert (seen.remedy, seen.value) == (UNKNOWN.remedy, UNKNOWN.value)
    assert UNKNOWN.path == "resources.disk.properties.size"


def test_message_without_a_path_says_in_which_resource_it_is() -> None:
    error = TemplateError("Rules are odd.", path="rules")
    seen = error.inside("pair<pair.yaml>").inside("all<all.yaml>")
    assert seen.message == "resources.all<all.yaml>.resources.pair<pair.yaml>: Rules are odd."
    assert seen.path == "resources.all<all.yaml>.resources.pair<pair.yaml>.rules"


def test_path_among_the_words_is_the_one_seen_from_outside() -> None:
    error = TemplateError(Reason.NOT_A_MAP(where=HERE, found="1"), path="resources.a.properties")
    assert error.message == '"resources.a.properties" is not a map but: 1'
    assert (
        error.inside("b<b.yaml>").message
        == '"resources.b<b.yaml>.resources.a.properties" is not a map but: 1'
    )


def test_member_of_a_group_is_named_by_its_index() -> None:
    error = TemplateError("bad", lead=(HERE,), path="resources.0.properties.x").as_member()
    assert error.message == "resources[0].properties.x: bad"
    inside = TemplateError("bad", lead=(HERE,), path="outputs.x").inside("1<m.yaml>").as_member()
    assert inside.inside("group<nested_stack>").path == (
        "resources.group<nested_stack>.resources[1]<m.yaml>.outputs.x"
    )


def test_quoted_error_keeps_its_words() -> None:
    error = InvalidFormat(**UNKNOWN.quoted("Template not in valid format"))
    assert error.message == f"Template not in valid format: {UNKNOWN.message}"
    assert error.inside("a<a.yaml>").message == f"resources.a<a.yaml>: {error.message}"


def test_gist_is_the_same_for_all_values() -> None:
    first, second = (
        PropertyError(Reason.OUT_OF_RANGE(value=value, min=1, max=3), lead=PROPERTY_ERROR) for value in (4, 5)
    )
    assert first.message != second.message
    assert first.gist == second.gist
    assert first.gist != PropertyError(Reason.OUT_OF_RANGE(value=4, min=1, max=2)).gist


def test_group_answers_as_its_headline() -> None:
    other = StackdError("other")
    group = TemplateErrors(UNKNOWN, [UNKNOWN, other])
    assert (group.message, group.path, group.place) == (UNKNOWN.message, UNKNOWN.path, UNKNOWN.place)
    assert (group.code, group.wire_type) == (400, "StackValidationFailed")
    assert all_errors(group) == (UNKNOWN, other)
    assert headline(group) is UNKNOWN
    assert all_errors(UNKNOWN) == (UNKNOWN,)
    assert headline(UNKNOWN) is UNKNOWN


def test_group_seen_from_outside_is_its_headline() -> None:
    seen = TemplateErrors(UNKNOWN, [UNKNOWN, UNKNOWN]).inside("a<a.yaml>")
    assert type(seen) is PropertyError
    assert seen.path == "resources.a<a.yaml>.resources.disk.properties.size"


def test_data_of_an_error_do_not_change() -> None:
    placed = UNKNOWN.but(place=Place("a.yaml", 3, 5))
    assert str(placed.place) == "a.yaml:3:5"
    assert UNKNOWN.place == Place()
