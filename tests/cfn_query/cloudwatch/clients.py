"""Clients of the three protocols, which write requests and read answers by the service model of botocore."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import cbor2
import httpx
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from tests.support.signing import Key, version_4

ORIGIN = "http://127.0.0.1:8003"
ROOT = f"{ORIGIN}/v1"
PROTOCOLS = ("query", "json", "smithy-rpc-v2-cbor")


@cache
def model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("cloudwatch", "service-2"), "cloudwatch")


@dataclass(frozen=True)
class Answer:
    """An answer, as botocore reads it."""

    status: int
    headers: httpx.Headers
    content: bytes
    parsed: dict[str, Any]

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, public code and text of a refusal."""
        found = self.parsed["Error"]
        return self.status, found["Code"], found["Message"]


@dataclass(frozen=True)
class Client:
    """Asks in one protocol, signed with a key."""

    http: httpx.AsyncClient
    key: Key
    protocol: str = "query"
    compressed: bool = False
    token: str = ""

    def speaking(self, protocol: str, *, compressed: bool = False) -> Client:
        return replace(self, protocol=protocol, compressed=compressed)

    async def call(self, action: str, **members: Any) -> Answer:
        """Call an action; what the answer has is checked against the model."""
        operation = model().operation_model(action)
        made = create_serializer(self.protocol, include_validation=False).serialize_to_request(
            members, operation
        )
        body, headers = made["body"], {**made["headers"], "x-amzn-query-mode": "true"}
        if self.protocol == "query":
            content = str(httpx.QueryParams(body)).encode()
        else:
            content = body if isinstance(body, bytes) else body.encode()
        if self.compressed:
            content, headers["Content-Encoding"] = gzip.compress(content), "gzip"
        path = made["url_path"] if self.protocol == "smithy-rpc-v2-cbor" else ""
        answer = await self.send(content, headers, path)
        return self.read(answer, operation)

    async def send(self, content: bytes, headers: dict[str, str], path: str = "") -> httpx.Response:
        """Send a body as it is, signed unless there is a token."""
        kind = headers.pop("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        if self.token:
            headers |= {"Content-Type": kind, "X-Auth-Token": self.token}
            return await self.http.post(f"{ROOT}{path}", content=content, headers=headers)
        signed = version_4(f"{ROOT}{path}", {}, self.key, content=content, content_type=kind, headers=headers)
        return await self.http.post(signed.url, content=content, headers=signed.headers)

    def _sent(self, answer: httpx.Response, operation: OperationModel) -> Any:
        """The result as it was sent."""
        if self.protocol == "json":
            return json.loads(answer.content)
        if self.protocol != "query":
            return cbor2.loads(answer.content)
        result = ET.fromstring(answer.content).find(f"{operation.name}Result")
        assert result is not None
        return _plain(result, operation.output_shape)

    def read(self, answer: httpx.Response, operation: OperationModel) -> Answer:
        """The answer, parsed; what has no place in the model or lacks a required member fails."""
        raw = {"status_code": answer.status_code, "headers": answer.headers, "body": answer.content}
        shape = operation.output_shape
        parser = create_parser(self.protocol)
        parsed = parser.parse(raw, shape)
        if answer.status_code == 200 and shape is not None:
            _complete(parsed, shape, operation.name)
            _known(self._sent(answer, operation), shape, operation.name)
        return Answer(answer.status_code, answer.headers, answer.content, parsed)


def _known(value: Any, shape: Shape, path: str) -> None:
    """Fails if what was sent, which the parser leaves out silently, has a member that the model does not."""
    match shape.type_name:
        case "structure":
            assert value.keys() <= shape.members.keys(), f"{path}: {value.keys() - shape.members.keys()}"
            for name, each in value.items():
                _known(each, shape.members[name], f"{path}.{name}")
        case "list":
            for each in value:
                _known(each, shape.member, path)


def _plain(element: ET.Element, shape: Shape) -> Any:
    """An element as the other protocols would have it."""
    match shape.type_name:
        case "structure":
            return {
                each.tag: _plain(each, shape.members[each.tag]) if each.tag in shape.members else None
                for each in element
            }
        case "list":
            assert {each.tag for each in element} <= {"member"}
            return [_plain(each, shape.member) for each in element]
    return element.text


def _complete(value: Any, shape: Shape, path: str) -> None:
    """Fails if a required member is missing, or a value has no place in the model."""
    match shape.type_name:
        case "structure":
            assert set(shape.required_members) <= value.keys(), path
            known = {*shape.members, "ResponseMetadata"}
            assert value.keys() <= known, f"{path}: {value.keys() - known}"
            for name, member in shape.members.items():
                if name in value:
                    _complete(value[name], member, f"{path}.{name}")
        case "list":
            for each in value:
                _complete(each, shape.member, path)
        case "map":
            for each in value.values():
                _complete(each, shape.value, path)
