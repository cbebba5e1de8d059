"""Copies of objects, such as backups and images: each is made once, whatever is lost or interrupted.

A copy has a deterministic name. That it is about to be made is stored before the request, and its id after
it. Where there is no id, because the answer was lost or the process died, the name is looked up first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from stackd.clients.failures import AnswerLost
from stackd.resources.context import JSON, Context

COPY: Final = "copy"
"""The private value with the name of the copy that is being made, or was made last."""

SNAPSHOT: Final = "snapshot"
"""The private value with the id of the snapshot that is being taken, or was taken last."""

RESTS: Final = "rests"
"""The private value of a resource that rested when its snapshot was begun."""

SETTLING: Final = 2.0
"""Seconds for which a request of a process that died may still be at work in a service."""

_SKEW: Final = timedelta(minutes=5)
_LONGEST: Final = 255
_ATTEMPTS: Final = 2

Find = Callable[[str], Awaitable[str | None]]
"""Returns the id of the copy with a name."""


def snapshot_name(ctx: Context) -> str:
    """The name of the copy for the snapshot that is being taken: no other one has it."""
    suffix = str(ctx.data[SNAPSHOT])[-12:]
    return f"{ctx.physical_name[-(_LONGEST - len(suffix) - 1) :]}-{suffix}"


async def copied(ctx: Context, key: str, name: str, find: Find, make: Callable[[], Awaitable[str]]) -> str:
    """The id of the copy called ``name``, made if there is none; it is kept as the private value ``key``."""
    if known := ctx.data.get(key):
        return str(known)
    identity: str | None = None
    if ctx.data.get(COPY) == name:
        await ctx.sleep(SETTLING)
        identity = await find(name)
    else:
        await ctx.put_data(**{COPY: name})
    if identity is None:
        identity = await _made(ctx, name, find, make)
    await ctx.put_data(**{key: identity})
    return identity


async def _made(ctx: Context, name: str, find: Find, make: Callable[[], Awaitable[str]]) -> str:
    """The id of a new copy; one whose answer is lost is looked for before another is made."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return await make()
        except AnswerLost:
            await ctx.sleep(SETTLING)
            if (identity := await find(name)) is not None:
                return identity
            if attempt == _ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def without_copies(data: Mapping[str, Any], kept: Iterable[str]) -> dict[str, Any]:
    """Private values without those of an earlier copy; ``kept`` are the ones that the type declares."""
    names = {*kept, COPY}
    return {key: value for key, value in data.items() if key not in names}


async def known_id(kept: Mapping[str, Any], key: str, find: Find) -> str | None:
    """The id of a copy that is to be removed; looked up if it was never stored."""
    if identity := kept.get(key):
        return str(identity)
    return await find(str(kept[COPY])) if kept.get(COPY) else None


def first_of(found: Iterable[JSON], since: datetime | None = None, **wanted: Any) -> str | None:
    """The id of the first object with these values, made ``since`` some moment; None if there is none."""
    for each in found:
        is_meant = all(each.get(key, value) == value for key, value in wanted.items())
        if is_meant and (since is None or _moment(str(each["created_at"])) > since - _SKEW):
            return str(each["id"])
    return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
