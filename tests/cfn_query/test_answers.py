from datetime import datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from starlette.requests import Request

from stackd.cfn_query.answers import Entries, JsonText, action_answer, to_xml
from stackd.cfn_query.front import ACTION, AS_JSON, REQUEST_ID

AT = datetime(2024, 1, 1, 2, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))


def asked(action: str, *, as_json: bool = False) -> Request:
    scope = {"type": "http", "query_string": b"", "headers": [], ACTION: action}
    return Request(scope | {AS_JSON: as_json, REQUEST_ID: "req-1"})


@pytest.mark.parametrize(
    ("content", "xml"),
    [
        ({"A": None, "B": "x<"}, "<R><B>x&lt;</B></R>"),
        ({"A": [], "B": ["x", {"C": 1}]}, "<R><A></A><B><member>x</member><member><C>1</C></member></B></R>"),
        ({"A": True, "B": False, "C": 0, "D": 1.5}, "<R><A>true</A><B>false</B><C>0</C><D>1.5</D></R>"),
        ({"A": AT}, "<R><A>2024-01-01T01:00:00Z</A></R>"),
        (Entries({"k:": "v"}), "<R><entry><key>k:</key><value>v</value></entry></R>"),
        (JsonText({"a": [1, None]}), '<R>{"a":[1,null]}</R>'),
        ("a\x00\x1b\ud800", "<R>a���</R>"),
    ],
)
def test_content_as_xml(content: Any, xml: str) -> None:
    assert to_xml("R", content).decode() == xml


async def test_answer_has_its_result_and_the_id_of_the_request() -> None:
    made = await action_answer(asked("ListStacks"), {"StackSummaries": []})
    assert made.body.decode() == (
        "<ListStacksResponse><ListStacksResult><StackSummaries></StackSummaries></ListStacksResult>"
        "<ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></ListStacksResponse>"
    )
    assert (made.headers["x-amzn-requestid"], made.media_type) == ("req-1", "application/xml")


async def test_actions_without_a_result_answer_with_the_id_alone() -> None:
    made = await action_answer(asked("DeleteStack"), None)
    assert made.body.decode() == (
        "<DeleteStackResponse><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata>"
        "</DeleteStackResponse>"
    )


async def test_documents_and_maps_are_what_they_are_in_json() -> None:
    result = {"Metadata": JsonText({"a": 1}), "At": AT, "Map": Entries({"k": "v"})}
    made = await action_answer(asked("X", as_json=True), result)
    assert orjson.loads(made.body)["XResponse"]["XResult"] == {
        "Metadata": {"a": 1},
        "At": "2024-01-01T01:00:00Z",
        "Map": {"k": "v"},
    }


async def test_large_answers_are_the_same_but_rendered_in_a_thread() -> None:
    made = await action_answer(asked("X"), {"Rows": [{"A": "a"}] * 500})
    assert made.body.count(b"<member><A>a</A></member>") == 500
