import base64
import hashlib
import hmac
from urllib.parse import parse_qs, unquote, urlsplit

from stackd.resources.context import StackUser
from stackd.resources.heat.addresses import signal_url, signed_url, stack_arn
from tests.support.context import ENDPOINTS, STACK

USER = StackUser("u", "name", "pw", "user-project", "domain", "access", "secret")


def test_the_arn_names_project_stack_and_id() -> None:
    assert stack_arn(STACK) == "arn:openstack:heat::project-id:stacks/app/stack-id"


def test_the_plain_url_is_in_the_users_project() -> None:
    url = signal_url(ENDPOINTS, STACK, "wc handle", "user-project")
    assert url == "http://heat.test/v1/user-project/stacks/app/stack-id/resources/wc%20handle/signal"


def test_the_signature_covers_verb_host_decoded_path_and_query() -> None:
    url = urlsplit(signed_url(ENDPOINTS, STACK, "handle", USER, "waitcondition"))
    assert url.path == (
        "/v1/waitcondition/arn%3Aopenstack%3Aheat%3A%3Aproject-id%3Astacks/app/stack-id/resources/handle"
    )
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    signature = query.pop("Signature")
    canonical = "&".join(f"{name}={query[name]}" for name in sorted(query))
    text = f"PUT\nheat.test:8000\n{unquote(url.path)}\n{canonical}".encode()
    assert signature == base64.b64encode(hmac.new(b"secret", text, hashlib.sha256).digest()).decode()
    assert query == {
        "AWSAccessKeyId": "access",
        "SignatureMethod": "HmacSHA256",
        "SignatureVersion": "2",
    }


def test_other_signals_are_posted() -> None:
    put = signed_url(ENDPOINTS, STACK, "handle", USER, "waitcondition")
    post = signed_url(ENDPOINTS, STACK, "handle", USER)
    assert "/v1/signal/" in post
    assert put.rpartition("=")[2] != post.rpartition("=")[2]
