"""Makes signatures.json: what botocore, the AWS SDK for Python, signs. The tests do without it.

python tests/cfntools/data/make_signatures.py > tests/cfntools/data/signatures.json
"""

from __future__ import annotations

import datetime
import json
import sys
from typing import Any
from unittest import mock

import botocore
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

MOMENT = datetime.datetime(2024, 1, 31, 23, 59, 59, tzinfo=datetime.UTC)
KEY = Credentials("AKEXAMPLE", "secret/with+signs=")
URLS = (
    "http://127.0.0.1:8000/v1/",
    "https://Heat.example.com/heat-api-cfn/v1",
    "http://10.0.0.1:8000",
    "https://cloud.example.com:8443/v1/",
)
PARAMS: tuple[dict[str, str], ...] = (
    {"Action": "DescribeStackResource", "StackName": "wordpress", "LogicalResourceId": "Web-1_x.y~z"},
    {
        "Action": "SignalResource",
        "UniqueId": "a b+c/d=e&f?g",
        "Status": "SUCCESS",
        "StackName": "\u00fcml\u00e4ut \u2603",
    },
    {
        "Action": "PutMetricData",
        "MetricData.member.10.Value": "1",
        "MetricData.member.9.Value": "",
        "a": "*!'()",
    },
)


def version_4(url: str, params: dict[str, str], region: str, service: str) -> dict[str, Any]:
    from urllib.parse import urlencode

    body = urlencode(params)
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    request = AWSRequest("POST", url, headers=headers, data=body.encode())
    auth.SigV4Auth(KEY, service, region).add_auth(request)
    return {
        "url": url, "body": body, "region": region, "service": service,
        "authorization": request.headers["Authorization"],
    }  # fmt: skip


def of_store(url: str) -> dict[str, Any]:
    request = AWSRequest("GET", url)
    auth.S3SigV4Auth(KEY, "s3", "nova").add_auth(request)
    return {"url": url, "authorization": request.headers["Authorization"]}


def version_2(url: str, params: dict[str, str]) -> dict[str, Any]:
    request = AWSRequest("POST", url, data=dict(params))
    auth.SigV2Auth(KEY).add_auth(request)
    return {"url": url, "params": params, "signed": dict(request.data)}


def main() -> None:
    with (
        mock.patch("botocore.auth.get_current_datetime", return_value=MOMENT.replace(tzinfo=None)),
        mock.patch("time.gmtime", return_value=MOMENT.timetuple()),
    ):
        made = {
            "by": f"botocore {botocore.__version__}",
            "access": KEY.access_key,
            "secret": KEY.secret_key,
            "version_4": [
                version_4(url, params, region, service)
                for url in URLS
                for params in PARAMS
                for region, service in (("nova", "cloudformation"), ("RegionOne", "monitoring"))
            ],
            "version_2": [version_2(url, params) for url in URLS for params in PARAMS],
            "store": [of_store(f"{url.rstrip('/')}/bucket/some/file.tar.gz") for url in URLS],
        }
    json.dump(made, sys.stdout, indent=1, ensure_ascii=True)


main()
