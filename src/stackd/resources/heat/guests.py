"""What a guest needs to speak for its resource: credentials, tokens, queues and objects of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import itertools
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from stackd.clients.service import Service
from stackd.clients.wire import Reply
from stackd.errors import CloudConflict, CloudNotFound, ResourceFailure
from stackd.resources.context import Context, StackUser

_FOR_EVER = 2**31 - 1
MARKER = b"in progress"
"""What an object has before a guest writes to it."""
_MOST = 1024 * 1024
"""Bytes of all signals in an object where nothing else is said."""
_PASSES = 4
_PAGE = 20
"""Messages in one answer of Zaqar, at most."""
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
    seen = path[max(0, path.find("/v1/")) :]  # what a proxy in front of Swift leaves of it
    signed = f"{method}\n{_FOR_EVER}\n{seen}".encode()
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


def object_at(url: str) -> tuple[str, str] | None:
    """The container and the name of the object at a URL of Swift; None if it is not one."""
    parts = unquote(urlsplit(url).path).partition("/v1/")[2].split("/", 2)
    return (parts[1], parts[2]) if len(parts) == 3 and all(parts) else None


async def prepare_object(ctx: Context, container: str, name: str, *, keep_all: bool) -> None:
    """Make an object that guests write to; with ``keep_all`` what is overwritten stays readable."""
    headers = {"x-versions-location": container} if keep_all else {}
    store = ctx.cloud.object_store
    await store.request("PUT", f"/{container}", headers=headers)
    await store.request("PUT", f"/{container}/{name}", content=MARKER)


async def written_objects(
    ctx: Context, container: str, name: str, versions: dict[str, Any] | None = None
) -> list[Any]:
    """What guests wrote to an object, oldest first; texts that are not JSON, or too large, are left out.

    ``versions`` keeps what was read of older versions, which never change, from one call to the next.
    """
    store = ctx.cloud.object_store
    try:
        listed = await store.get(f"/{container}", {"format": "json"})
    except CloudNotFound:
        return []
    most = largest(ctx)
    sizes = {each["name"]: each.get("bytes", 0) for each in listed or () if name in each["name"]}
    if sum(sizes.values()) > most:
        raise ResourceFailure(f"The signals in the object {name} are larger than {most} bytes together.")
    known = {} if versions is None else versions
    # Versions are called <length><name>/<time>, so they sort before the newest one by time.
    found = sorted(sizes, key=lambda each: (each == name, each))
    missing = [each for each in found if each == name or each not in known]
    read = await asyncio.gather(*(_body(store, f"/{container}/{each}") for each in missing))
    bodies = {**known, **dict(zip(missing, read, strict=True))}
    known.update((each, bodies[each]) for each in missing if each != name)
    return [bodies[each] for each in found if bodies[each] is not None]


async def written_object(
    store: Service, container: str, name: str, most: int, *, unwritten: Sequence[bytes] = (MARKER,)
) -> Any:
    """What a guest wrote last to an object, as JSON; None if nothing, or nothing that is JSON.

    ``unwritten`` are the contents that the object may have before a guest writes, ``most`` is in bytes.
    """
    path = f"/{container}/{quote(name)}"
    try:
        headers = await store.head(path)
    except CloudNotFound:
        return None
    if headers.get("etag", "").strip('"') in map(_tag, unwritten):
        return None
    if int(headers.get("content-length") or 0) > most:
        raise ResourceFailure(f"The signal in the object {name} is larger than {most} bytes.")
    return await _body(store, path)


def _tag(content: bytes) -> str:
    """What Swift shows as the tag of an object with this content."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


async def _body(store: Service, path: str) -> Any:
    """The JSON in an object; None if there is none."""
    try:
        reply = await store.request("GET", path)
    except CloudNotFound:  # it has become a version meanwhile
        return None
    return None if reply.content.strip() == MARKER else _decoded(reply)


def largest(ctx: Context) -> int:
    """How many bytes the signals in an object may have together."""
    return int(ctx.limits.get("max_json_body_size", _MOST))


def _decoded(reply: Reply) -> Any:
    try:
        return json.loads(reply.content or b"{}")
    except (ValueError, RecursionError):
        return None


async def remove_object(ctx: Context, container: str, name: str) -> None:
    """Remove an object with its older versions, and the container with the last one.

    The older versions go first: Swift would bring the newest of them back in the object's place. What a guest
    writes meanwhile goes in another pass. Of a container with many objects only these are listed.
    """
    store = ctx.cloud.object_store
    prefixes = (f"{len(name):03x}{name}/", name)
    try:
        for _ in range(_PASSES):
            queries = [{"format": "json", "prefix": each} for each in prefixes]
            lists = [await store.get(f"/{container}", query) for query in queries]
            listed = {each["name"] for each in itertools.chain(*filter(None, lists))}
            mine = sorted((each for each in listed if name in each), key=lambda each: each == name)
            if not mine:
                break
            for each in mine:
                with contextlib.suppress(CloudNotFound):
                    await store.delete(f"/{container}/{each}")
        await store.delete(f"/{container}")
    except CloudNotFound:
        return
    except CloudConflict:  # others have objects there
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


async def messages(
    ctx: Context, user: Mapping[str, str], queue: str, seen: dict[str, Any] | None = None
) -> list[Any]:
    """The bodies of all messages in a queue, oldest first; they stay there.

    ``seen`` keeps them by their ids from one call to the next, also when the queue has them no more.
    """
    known = {} if seen is None else seen
    params: dict[str, Any] = {"echo": True, "limit": _PAGE}
    while True:
        reply = await _queue(ctx, user, "GET", f"{queue}/messages", params=params) or {}
        found = reply.get("messages", ())
        known.update((each["id"], each["body"]) for each in found)
        following = _marker(reply)
        if len(found) < _PAGE or not following:
            return list(known.values())
        params["marker"] = following


def _marker(reply: Mapping[str, Any]) -> str:
    """Where the next page of a list of messages begins; empty if there is none."""
    links = [each.get("href", "") for each in reply.get("links", ()) if each.get("rel") == "next"]
    found = parse_qs(urlsplit(links[0]).query).get("marker", [""]) if links else [""]
    return found[0]


async def remove_queue(ctx: Context, user: Mapping[str, str], queue: str) -> None:
    """Delete a queue. Idempotent: ignores 404."""
    try:
        await _queue(ctx, user, "DELETE", queue)
    except CloudNotFound:
        return
