from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from stackd.cfn_query import params
from stackd.cfn_query.codes import Refused

UP_TO_9 = partial(params.integer, least=1, most=9)


async def decoded(query: str) -> dict[str, Any]:
    return await params.nested(await params.flat(query.encode()))


async def test_lists_are_ordered_by_number_and_may_have_gaps() -> None:
    query = "Tags.member.10.Key=b&Tags.member.2.Key=a&Tags.member.2.Value=&Name=x"
    assert await decoded(query) == {"Tags": [{"Key": "a", "Value": ""}, {"Key": "b"}], "Name": "x"}


async def test_structures_lists_and_maps_nest() -> None:
    query = (
        "RollbackConfiguration.RollbackTriggers.member.1.Arn=a&RollbackConfiguration.MonitoringTimeInMinutes=3"
        "&Import.member.1.Id.entry.2.key=k2&Import.member.1.Id.entry.2.value=v2"
        "&Import.member.1.Id.entry.1.key=k1&Import.member.1.Id.entry.1.value=v1"
    )
    assert await decoded(query) == {
        "RollbackConfiguration": {"RollbackTriggers": [{"Arn": "a"}], "MonitoringTimeInMinutes": "3"},
        "Import": [{"Id": {"k1": "v1", "k2": "v2"}}],
    }


async def test_texts_are_merged_and_the_last_value_counts() -> None:
    pairs = await params.flat(b"A=1&B=%C3%A9+x", b"A=2&C")
    assert pairs == {"A": "2", "B": "é x", "C": ""}


async def test_what_is_not_utf_8_is_replaced() -> None:
    assert await params.flat(b"A=%ff") == {"A": "�"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("A=1&A.member.1=2", "The parameter A.member.1 is given both as a value and as a structure."),
        ("A.member.1=2&A=1", "The parameter A is given both as a value and as a structure."),
        ("A.member.x=2", "The parameter A is a list with a member that has no number but 'x'."),
        ("A.member=2", "The parameter A is a list whose members have no numbers."),
        ("A.member.1=2&A.member.01=3", "The parameter A is a list with two members of the same number."),
        ("A.entry.1.key=2", "The parameter A.entry.1 needs a key and a value."),
        ("A.entry.1.key.member.1=2&A.entry.1.value=1", "The parameter A.entry.1 needs a key and a value."),
        ("A=%00", "The parameter A has a null character."),
        ("a." * 17 + "b=1", f"The name of the parameter '{'a.' * 17}b' is too long."),
        ("&".join(f"a{at}=1" for at in range(20_001)), "There are more than 20000 parameters."),
    ],
)
async def test_bad_pairs_are_refused_by_name(query: str, message: str) -> None:
    with pytest.raises(Refused) as refused:
        await decoded(query)
    assert refused.value.message == message


def test_values_are_read_in_the_type_that_is_meant() -> None:
    given: dict[str, Any] = {"T": "a", "E": "", "F": "True", "N": "-3", "M": "2024-01-01T00:00:00Z"}
    given |= {"L": ["a"], "S": [{"K": "v"}]}
    assert params.text(given, "T") == params.required(given, "T") == "a"
    assert [params.flag(given, name) for name in ("F", "E", "X")] == [True, None, None]
    assert [params.integer(given, name, least=-5, most=5) for name in ("N", "E", "X")] == [-3, None, None]
    assert params.moment(given, "M") == datetime(2024, 1, 1, tzinfo=UTC)
    assert [params.texts(given, name) for name in ("L", "E", "X")] == [["a"], [], None]
    assert [params.structures(given, name) for name in ("S", "E", "X")] == [[{"K": "v"}], [], None]
    assert [params.choice(given, name, "a", "b") for name in ("T", "E", "X")] == ["a", None, None]


def test_values_of_protocols_with_types_are_read_as_well() -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    given = {"F": False, "N": 3, "M": at}
    assert params.flag(given, "F") is False
    assert params.integer(given, "N", least=0, most=5) == 3
    assert params.moment(given, "M") is at


@pytest.mark.parametrize(
    ("read", "value", "fault"),
    [
        (params.text, ["a"], "must be a text"),
        (params.required, "", "is required"),
        (params.flag, "yes", "must be true or false, not 'yes'"),
        (params.flag, ["true"], "must be true or false, not ['true']"),
        (UP_TO_9, "10", "must be an integer from 1 to 9"),
        (UP_TO_9, "x" * 30, "must be an integer"),
        (UP_TO_9, True, "must be an integer"),
        (params.moment, "tomorrow", "must be a time such as 2024-01-01T00:00:00Z, not 'tomorrow'"),
        (params.moment, 5, "must be a time"),
        (params.texts, "a", "must be a list: P.member.1 and so on"),
        (params.texts, [{"a": "b"}], "must be a list of texts"),
        (params.structures, ["a"], "must be a list of structures"),
        (lambda given, name: params.texts(given, name, most=1), ["a", "b"], "has 2 members; there may be 1"),
        (lambda given, name: params.choice(given, name, "a", "b"), "c", "must be one of a, b, not 'c'"),
    ],
)
def test_values_of_other_types_are_refused_by_name(read: Any, value: Any, fault: str) -> None:
    with pytest.raises(Refused) as refused:
        read({"P": value}, "P")
    assert refused.value.message.startswith(f"The parameter P {fault}")
