"""Where a guest sends its signals: plain and signed URLs of a resource. Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote, unquote, urlencode, urlsplit

from stackd.resources.context import Endpoints, StackInfo, StackUser

VERBS = {"signal": "POST", "waitcondition": "PUT"}


def stack_arn(stack: StackInfo) -> str:
    """The stack's name for CloudFormation."""
    project, name, identity = (quote(part, safe="") for part in (stack.project_id, stack.name, stack.id))
    return f"arn:openstack:heat::{project}:stacks/{name}/{identity}"


def signal_url(endpoints: Endpoints, stack: StackInfo, resource: str, project: str) -> str:
    """Where a user of ``project`` sends a signal to a resource with a token."""
    path = "/".join(quote(part, safe="") for part in (project, "stacks", stack.name, stack.id))
    return f"{endpoints.native}/{path}/resources/{quote(resource, safe='')}/signal"


def signed_url(
    endpoints: Endpoints, stack: StackInfo, resource: str, user: StackUser, kind: str = "signal"
) -> str:
    """A URL that needs no token: with it one can signal this resource until its user is deleted.

    ``kind`` is ``signal`` (sent with POST) or ``waitcondition`` (sent with PUT).
    """
    path = quote(f"{stack_arn(stack)}/resources/{quote(resource, safe='')}", safe="/")
    url = f"{endpoints.cfn}/{kind}/{path}"
    query = {"AWSAccessKeyId": user.access_key, "SignatureMethod": "HmacSHA256", "SignatureVersion": "2"}
    parts = urlsplit(url)
    canonical = urlencode(sorted(query.items()), quote_via=quote, safe="-_~")
    signed = "\n".join((VERBS[kind], parts.netloc.lower(), unquote(parts.path), canonical))
    digest = hmac.new(user.secret_key.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{url}?{canonical}&{urlencode({'Signature': base64.b64encode(digest).decode()})}"
