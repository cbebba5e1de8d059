from typing import Any

import pytest

from stackd.errors import ResourceFailure
from stackd.resources.heat.wait_signals import (
    AWS,
    NATIVE,
    WaitConditionFailure,
    enough,
    merge,
    merge_all,
    timeout,
)


@pytest.mark.parametrize(
    ("details", "stored", "text"),
    [
        (
            None,
            {"1": {"status": "SUCCESS", "reason": "Signal 1 received", "data": None}},
            "Signal 1 received",
        ),
        (
            {"id": "a", "data": [1]},
            {"a": {"status": "SUCCESS", "reason": "Signal 1 received", "data": [1]}},
            "Signal 1 received",
        ),
        ({"id": 7, "reason": "r"}, {"7": {"status": "SUCCESS", "reason": "r", "data": None}}, "r"),
    ],
)
def test_native_signals_may_leave_everything_out(details: Any, stored: Any, text: Any) -> None:
    merged, event = merge(NATIVE, {}, details)
    assert merged == stored
    assert event == f"status:SUCCESS reason:{text}"


def test_signals_of_one_id_replace_each_other() -> None:
    first, _ = merge(NATIVE, {}, {"id": "a", "data": 1})
    second, text = merge(NATIVE, first, {"id": "a", "data": 2, "status": "FAILURE", "reason": "no"})
    assert second == {"a": {"status": "FAILURE", "reason": "no", "data": 2}}
    assert text == "status:FAILURE reason:no"


@pytest.mark.parametrize("details", [{"other": 1}, {"status": "MAYBE"}, ["x"], "text"])
def test_other_native_forms_are_refused(details: Any) -> None:
    with pytest.raises(ResourceFailure, match="Metadata format invalid"):
        merge(NATIVE, {}, details)


def test_signals_of_the_other_dialect_need_every_field() -> None:
    whole = {"Status": "SUCCESS", "Reason": "r", "Data": "d", "UniqueId": "1"}
    assert merge(AWS, {}, whole)[0] == {"1": {"Status": "SUCCESS", "Reason": "r", "Data": "d"}}
    for key in whole:
        with pytest.raises(ResourceFailure):
            merge(AWS, {}, {name: value for name, value in whole.items() if name != key})


def test_malformed_ones_among_several_are_left_out() -> None:
    assert list(merge_all(NATIVE, {}, [{"id": "a"}, {"bad": 1}, {}])) == ["a", "2"]


def test_enough_counts_and_fails() -> None:
    signals = merge_all(NATIVE, {}, [{"reason": "one"}, {"reason": "two"}])
    assert enough(NATIVE, signals, 2)
    assert not enough(NATIVE, signals, 3)
    told = str(timeout(NATIVE, signals, 3, seconds=60.0, handle="web"))
    assert told.startswith("2 of 3 received - one;two; waited for 60 s. The guest has to signal: ")
    assert (
        """curl_cli of web is the command for it, to be followed by --data-binary '{"status": "SUCCESS"}'"""
        in told
    )
    told = str(timeout(AWS, {}, 3, seconds=0.5, handle="web"))
    assert told.startswith("0 of 3 received; waited for 0.5 s.")
    assert told.endswith("cfn-signal with the URL that a reference to web gives.")
    failed = merge_all(NATIVE, signals, [{"status": "FAILURE", "reason": "broke"}])
    with pytest.raises(WaitConditionFailure, match=r"^broke$"):
        enough(NATIVE, failed, 1)
