"""Data that comes as data is held to the limits of text."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import RequestLimitExceeded, TemplateError
from stackd.template.limits import Limits, check_data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"a": {1: 2}}, "The key 1 is not a string."),
        ({"a": object()}, "A value of type object is not valid in a template."),
        ({"a": [None, (1,)]}, "A value of type tuple is not valid in a template."),
        ({"a": b"x"}, "A value of type bytes is not valid in a template."),
        ({"a": ["é", "x\ud800"]}, "is not valid Unicode"),
        ({"\udfff": 1}, "is not valid Unicode"),
    ],
)
def test_data_that_json_does_not_have_is_refused(data: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        check_data(data, Limits())


def test_data_is_held_to_a_number_of_values_with_their_keys() -> None:
    data = {"a": [1, 2], "b": {"c": "é"}}  # 6 values and 3 keys
    check_data(data, Limits(max_nodes=9))
    with pytest.raises(TemplateError, match="more than 8 values"):
        check_data(data, Limits(max_nodes=8))


def test_data_is_held_to_the_size_of_a_text() -> None:
    with pytest.raises(RequestLimitExceeded):
        check_data({"a": "x" * 600_000}, Limits())
