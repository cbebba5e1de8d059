"""Requests that the signers of AWS's SDKs have signed, at every root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials

from tests.cfn_query.conftest import ROOT, Outcome, System, query
from tests.support.signing import FORM

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCOPE = ("cloudformation", "eu-central-1")
ODD = query("DescribeAccountLimits", {"Odd": "a b~é/+*&=%"})
"""Parameters of which every encoder makes something else."""


def header_of_post(url: str, key: Credentials) -> AWSRequest:
    request = AWSRequest("POST", url, data=dict(ODD), headers={"Content-Type": FORM, "User-Agent": "Boto3/1"})
    botocore.auth.SigV4Auth(key, *SCOPE).add_auth(request)
    return request


def header_of_get(url: str, key: Credentials) -> AWSRequest:
    request = AWSRequest("GET", url, params=dict(ODD))
    botocore.auth.SigV4Auth(key, *SCOPE).add_auth(request)
    return request


def presigned(url: str, key: Credentials) -> AWSRequest:
    request = AWSRequest("GET", url, params=dict(ODD))
    botocore.auth.SigV4QueryAuth(key, *SCOPE, expires=60).add_auth(request)
    return request


def form_of_version_2(url: str, key: Credentials) -> AWSRequest:
    request = AWSRequest("POST", url, data=dict(ODD))
    botocore.auth.SigV2Auth(key).add_auth(request)
    return request


def query_of_version_2(url: str, key: Credentials) -> AWSRequest:
    request = AWSRequest("GET", url, params=dict(ODD))
    botocore.auth.SigV2Auth(key).add_auth(request)
    return request


SIGNERS = (header_of_post, header_of_get, presigned, form_of_version_2, query_of_version_2)


@pytest.mark.parametrize("root", [ROOT, f"{ROOT}/", f"{ROOT[:-3]}/"])
@pytest.mark.parametrize("signer", SIGNERS)
async def test_what_sdks_sign_is_accepted(
    system: System, signer: Callable[[str, Credentials], AWSRequest], root: str
) -> None:
    prepared = signer(root, Credentials(system.aws.key.access, system.aws.key.secret)).prepare()
    assert (await sent(system, prepared)).status == 200


async def sent(system: System, prepared: AWSPreparedRequest) -> Outcome:
    headers: dict[str, Any] = {
        name: value.decode() if isinstance(value, bytes) else value
        for name, value in prepared.headers.items()
    }
    content = prepared.body or b""
    answer = await system.cfn.request(prepared.method, prepared.url, headers=headers, content=content)
    return Outcome.of(answer)
