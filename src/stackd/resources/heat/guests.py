"""What a guest needs to speak for its resource: credentials, tokens, queues and objects of its own."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from stackd.clients.wire import Reply
from stackd.errors import CloudNotFound
from stackd.resources.context import Context, StackUser

_FOR_EVER = 2**31 - 1
_MARKER = b"in progress"
_KEY_HEADER = "x-account-meta-temp-url-key"


def credentials(ctx: Context, user: StackUser) -> dict[str, str]:
    """How a guest logs in as its resource's user."""
    return {
        "auth_url": ctx.endpoints.auth,
        "username": user.user_name,
        "user_id": user.user_id,
        "password": user.password,
        "project_id": user.project_id,
        "domain_id": user.domain_id,
        "region_name": ctx.endpoints.region,
    }


async def user_token(ctx: Context, user: Mapping[str, str]) -> str:
    """A token of a resource's user, given as ``credentials`` describes it."""
    person = {"id": user["user_id"], "password": user["password"]}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": person}},
            "scope": {"project": {"id": user["project_id"]}},
        }
    }
    reply = await ctx.cloud.identity.request("POST", "/auth/tokens", json=body, idempotent=True)
    return reply.headers.get("x-subject-token", "")


# --- an object in Swift, written through a signed URL ------------------------------------------


async def object_url(ctx: Context, container: str, name: str, method: str = "PUT") -> str:
    """A URL through which anybody may read or write one object, for ever."""
    base = await ctx.cloud.object_store.endpoint()
    parts = urlsplit(base)
    path = f"{parts.path}/{quote(container, safe='')}/{quote(name)}"
    signed = f"{method}\n{_FOR_EVER}\n{path}".encode()
    signature = hmac.new((await _account_key(ctx)).encode(), signed, hashlib.sha256).hexdigest()
    query = f"temp_url_sig={signature}&temp_url_expires={_FOR_EVER}"
    return f"{parts.scheme}://{parts.netloc}{path}?{query}"


async def _account_key(ctx: Context) -> str:
    """The key of the account for signed URLs; made when there is none."""
    known = (await ctx.cloud.object_store.head("")).get(_KEY_HEADER)
    if known:
        return known
    made = secrets.token_hex(32)
    await ctx.cloud.object_store.request("POST", "", headers={_KEY_HEADER: made}, idempotent=True)
    return made


async def prepare_object(ctx: Context, container: str, name: str, *, keep_all: bool) -> None:
    """Make an object that guests write to; with ``keep_all`` what is overwritten stays readable."""
    headers = {"x-versions-location": container} if keep_all else {}
    store = ctx.cloud.object_store
    await store.request("PUT", f"/{container}", headers=headers)
    await store.request("PUT", f"/{container}/{name}", content=_MARKER)


async def written_objects(ctx: Context, container: str, name: str) -> list[Any]:
    """What guests wrote to an object, oldest first; texts that are not JSON are left out."""
    store = ctx.cloud.object_store
    try:
        listed = await store.get(f"/{container}", {"format": "json"})
    except CloudNotFound:
        return []
    # Versions are called <length><name>/<time>, so they sort before the newest one by time.
    found = sorted(each["name"] for each in listed or () if name in each["name"])
    found.sort(key=lambda each: each == name)
    replies = [await store.request("GET", f"/{container}/{each}") for each in found]
    bodies = [_decoded(reply) for reply in replies if reply.content.strip() != _MARKER]
    return [body for body in bodies if body is not None]


def _decoded(reply: Reply) -> Any:
    try:
        return json.loads(reply.content or b"{}")
    except ValueError:
        return None


async def remove_object(ctx: Context, container: str, name: str) -> None:
    """Remove an object, its older versions, and the container with the last one."""
    store = ctx.cloud.object_store
    try:
        listed = await store.get(f"/{container}", {"format": "json"})
    except CloudNotFound:
        return
    mine = [each["name"] for each in listed or () if name in each["name"]]
    if mine:
        await store.request(
            "POST", f"/{container}", headers={"x-remove-versions-location": "x"}, idempotent=True
        )
    for each in mine:
        try:
            await store.delete(f"/{container}/{each}")
        except CloudNotFound:
            continue
    if len(mine) == len(listed or ()):
        try:
            await store.delete(f"/{container}")
        except CloudNotFound:
            return


# --- a queue in Zaqar, in the project of the resource's user -----------------------------------


async def _queue(ctx: Context, user: Mapping[str, str], method: str, path: str, **sent: Any) -> Any:
    headers = {
        "X-Auth-Token": await user_token(ctx, user),
        "X-Project-Id": user["project_id"],
        "Client-ID": str(uuid.uuid5(uuid.NAMESPACE_URL, user["user_id"])),
    }
    reply = await ctx.cloud.service("messaging").request(method, f"/queues/{path}", headers=headers, **sent)
    return reply.body


async def make_queue(ctx: Context, user: Mapping[str, str], queue: str) -> None:
    """Make a queue of the resource's user."""
    await _queue(ctx, user, "PUT", queue)


async def send_message(ctx: Context, user: Mapping[str, str], queue: str, body: Any, ttl: int = 3600) -> None:
    """Put a message into a queue."""
    await _queue(ctx, user, "POST", f"{queue}/messages", json={"messages": [{"body": body, "ttl": ttl}]})


async def messages(ctx: Context, user: Mapping[str, str], queue: str) -> list[Any]:
    """The bodies of all messages in a queue, oldest first; they stay there."""
    params = {"echo": True, "limit": 20}
    found = await _queue(ctx, user, "GET", f"{queue}/messages", params=params)
    return [each["body"] for each in (found or {}).get("messages", ())]


async def remove_queue(ctx: Context, user: Mapping[str, str], queue: str) -> None:
    """Delete a queue. Idempotent: ignores 404."""
    try:
        await _queue(ctx, user, "DELETE", queue)
    except CloudNotFound:
        return
