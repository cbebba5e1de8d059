"""Where a guest sends its signals: plain and signed URLs of a resource, and the check of a signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote, urlencode, urlsplit

from stackd.records import Stack, now
from stackd.resources.context import Endpoints, StackInfo, StackUser

VERBS = {"signal": "POST", "waitcondition": "PUT"}
_ARN = "arn:openstack:heat::"


@dataclass(frozen=True, slots=True)
class Addressed:
    """The resource that the ARN in a signed URL names."""

    project_id: str
    stack_name: str
    stack_id: str
    resource: str


def stack_arn(stack: StackInfo | Stack) -> str:
    """The stack's name for CloudFormation."""
    project, name, identity = (quote(part, safe="") for part in (stack.project_id, stack.name, stack.id))
    return f"{_ARN}{project}:stacks/{name}/{identity}"


def change_set_arn(project_id: str, name: str, uuid: str) -> str:
    """A change set's name for CloudFormation."""
    project, name, identity = (quote(part, safe="") for part in (project_id, name, uuid))
    return f"{_ARN}{project}:changeSet/{name}/{identity}"


def parse_change_set_arn(arn: str) -> Addressed | None:
    """What the ARN of a change set names, with its name and id in place of a stack's; None if it is not
    one."""
    match _parts_of(arn):
        case [project, "changeSet", name, identity]:
            return Addressed(project, name, identity, "")
    return None


def parse_arn(arn: str) -> Addressed | None:
    """What the ARN of a resource names; None if it is not one."""
    match _parts_of(arn):
        case [project, "stacks", name, identity, "resources", resource]:
            return Addressed(project, name, identity, resource)
    return None


def parse_stack_arn(arn: str) -> Addressed | None:
    """What the ARN of a stack names, with an empty name of a resource; None if it is not one."""
    match _parts_of(arn):
        case [project, "stacks", name, identity]:
            return Addressed(project, name, identity, "")
    return None


def _parts_of(arn: str) -> list[str]:
    """The project and the parts of the path in an ARN, decoded; empty if it is none."""
    if arn[: len(_ARN)].lower() != _ARN or "\0" in unquote(arn):
        return []
    project, _, path = arn[len(_ARN) :].partition(":")
    parts = [unquote(part) for part in (project, *path.split("/"))]
    return parts if all(parts) else []


def signal_url(endpoints: Endpoints, stack: StackInfo, resource: str, project: str) -> str:
    """Where a user of ``project`` sends a signal to a resource with a token."""
    path = "/".join(quote(part, safe="") for part in (project, "stacks", stack.name, stack.id))
    return f"{endpoints.native}/{path}/resources/{quote(resource, safe='')}/signal"


def signed_url(
    endpoints: Endpoints, stack: StackInfo, resource: str, user: StackUser, kind: str = "signal"
) -> str:
    """A URL that needs no token: with it one can signal this resource until its user is deleted.

    ``kind`` is ``signal`` (sent with POST) or ``waitcondition`` (sent with PUT). Where the operator limits
    its time the URL is another one each time; so a type that shows it must store it.
    """
    path = quote(f"{stack_arn(stack)}/resources/{quote(resource, safe='')}", safe="/")
    url = f"{endpoints.cfn}/{kind}/{path}"
    query = {"AWSAccessKeyId": user.access_key, "SignatureMethod": "HmacSHA256", "SignatureVersion": "2"}
    if endpoints.signed_urls_last:
        end = now() + timedelta(seconds=endpoints.signed_urls_last)
        query["Expires"] = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    parts = urlsplit(url)
    made = signature(user.secret_key, VERBS[kind], parts.netloc, unquote(parts.path), query)
    return f"{url}?{_canonical(query)}&{urlencode({'Signature': made})}"


def signature(secret: str, verb: str, host: str, path: str, query: Mapping[str, str]) -> str:
    """The signature of a request, in version 2 of EC2's; ``path`` is decoded, ``query`` has no signature."""
    signed = "\n".join((verb, host.lower(), path, _canonical(query)))
    return base64.b64encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()).decode()


def _canonical(query: Mapping[str, str]) -> str:
    return urlencode(sorted(query.items()), quote_via=quote, safe="-_~")


def is_signed(
    given: str, secret: str, kind: str, query: Mapping[str, str], places: Iterable[tuple[str, str]]
) -> bool:
    """Whether a signature is that of the URL at one of some places, each a host and a decoded path.

    It takes the same time whatever is wrong.
    """
    is_valid = is_signed_with(given, secret, VERBS[kind], query, places)
    return is_valid and not _has_expired(query.get("Expires", ""))


def is_signed_with(
    given: str, secret: str, verb: str, query: Mapping[str, str], places: Iterable[tuple[str, str]]
) -> bool:
    """Whether a signature is that of a request at one of some places, whenever it was made."""
    made = [signature(secret, verb, host, path, query) for host, path in places]
    equal = [hmac.compare_digest(given.encode(), each.encode()) for each in made]
    return any(equal)


def _has_expired(end: str) -> bool:
    """Whether the end of a signed URL's time has come; a text that is no time is over."""
    try:
        return bool(end) and datetime.fromisoformat(end).astimezone(UTC) <= now()
    except ValueError:
        return True
