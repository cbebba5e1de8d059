from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.clients.failures import AnswerLost, explain, failure
from stackd.errors import (
    CloudConflict,
    CloudError,
    CloudForbidden,
    CloudNotFound,
    CloudUnauthorized,
    OverQuota,
    Transient,
)

_GLANCE_PAGE = """<html>
 <head>
  <title>404 Not Found</title>
 </head>
 <body>
  <h1>404 Not Found</h1>
  No image found with ID nope<br /><br />
 </body>
</html>"""

_BODIES: list[tuple[Any, str]] = [
    ({"itemNotFound": {"code": 404, "message": "Instance x is gone."}}, "Instance x is gone."),
    ({"NeutronError": {"type": "PortNotFound", "message": "No port.", "detail": ""}}, "No port."),
    ({"NeutronError": "Plain words."}, "Plain words."),
    ({"error": {"code": 401, "title": "Unauthorized", "message": "Log in."}}, "Log in."),
    (
        {"message": "No image found<br /><br />\n\n", "code": "404 Not Found", "title": "Not Found"},
        "No image found",
    ),
    ({"faultcode": "Client", "faultstring": "Bad pool.", "debuginfo": None}, "Bad pool."),
    ({"error_message": '{"faultcode": "Client", "faultstring": "Node is locked."}'}, "Node is locked."),
    ({"errors": [{"status": 409, "title": "Conflict", "detail": "Already there."}]}, "Already there."),
    ({"code": 400, "description": {"cause": "Bad policy", "detail": {"x": 1}}}, "Bad policy"),
    ({"title": "Not Found", "description": "Secret is gone.", "code": 404}, "Secret is gone."),
    (
        {"explanation": "It is malformed.", "code": 400, "error": {"message": "No type X.", "type": "T"}},
        "No type X.",
    ),
    ({"explanation": "It is malformed.", "error": {}}, "It is malformed."),
    ({"title": "Only a title"}, "Only a title"),
    (_GLANCE_PAGE, "No image found with ID nope"),
    ("<html><h1>Forbidden</h1><p>Access was denied &amp; logged.</p></html>", "Access was denied & logged."),
    ("<html><h1>Bad Gateway</h1></html>", "Bad Gateway"),
    ("  just   text ", "just text"),
    (None, ""),
    (b"\x00", ""),
]


@pytest.mark.parametrize(("body", "text"), _BODIES)
def test_the_service_is_quoted_whatever_form_its_error_has(body: Any, text: str) -> None:
    assert explain(body) == text


@pytest.mark.parametrize(
    ("service", "status", "body", "kind"),
    [
        ("compute", 404, None, CloudNotFound),
        ("compute", 410, None, CloudNotFound),
        ("compute", 401, None, CloudUnauthorized),
        ("network", 409, None, CloudConflict),
        ("compute", 403, {"forbidden": {"message": "Quota exceeded for cores: Requested 1"}}, OverQuota),
        ("compute", 403, {"forbidden": {"message": "Maximum number of ports exceeded"}}, OverQuota),
        ("compute", 403, {"forbidden": {"message": "Maximum number of fixed IPs exceeded"}}, OverQuota),
        ("network", 409, {"NeutronError": {"type": "OverQuota", "message": "Too many"}}, OverQuota),
        ("block-storage", 413, {"overLimit": {"message": "VolumeLimitExceeded"}}, OverQuota),
        ("load-balancer", 403, {"faultstring": "Quota has been met for resources: Pool"}, OverQuota),
        ("dns", 413, {"code": 413, "type": "over_quota", "message": "Quota exceeded for zones."}, OverQuota),
        ("object-store", 413, None, CloudError),
        (
            "compute",
            403,
            {"forbidden": {"message": "Policy doesn't allow os_compute_api:os-quota-sets:update"}},
            CloudForbidden,
        ),
        ("compute", 429, None, Transient),
        ("compute", 503, None, Transient),
        ("compute", 504, None, Transient),
        ("compute", 500, None, CloudError),
        ("compute", 400, None, CloudError),
    ],
)
def test_status_and_body_choose_the_error(
    service: str, status: int, body: Any, kind: type[CloudError]
) -> None:
    error = failure(service, status, body, request_id="req-1")
    assert type(error) is kind
    assert (error.service, error.status, error.request_id) == (service, status, "req-1")
    assert error.message


def test_gateway_error_on_what_cannot_be_repeated_leaves_the_outcome_open() -> None:
    lost = failure("compute", 504, None, repeatable=False)
    refused = failure("compute", 503, None, repeatable=False)
    assert isinstance(lost, AnswerLost)
    assert lost.maybe_done
    assert type(refused) is Transient


def test_error_names_service_status_and_request() -> None:
    error = failure("compute", 404, {"itemNotFound": {"message": "Gone."}}, request_id="req-7")
    assert str(error) == "Gone. (compute, HTTP 404, req-7)"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_any_body_is_explained_in_one_bounded_line(body: Any) -> None:
    text = explain(body)
    assert len(text) <= 1000
    assert "\n" not in text


def test_service_that_is_out_of_order_is_reported_with_how_long_it_was_tried() -> None:
    error = failure("volume", 503, None, tried="5 attempts in 12 s")
    assert (
        str(error) == "The service answered 503 Service Unavailable. (5 attempts in 12 s) (volume, HTTP 503)"
    )
    assert error.wire_type == AnswerLost.wire_type == "ServiceUnavailable"
    assert "attempts" not in str(failure("volume", 400, None, tried="5 attempts in 12 s"))
