"""Rules of access to a share, which the service applies after each request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from stackd.errors import CloudNotFound
from stackd.resources.beside import once
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.manila.shared import SERVICE
from stackd.resources.schema import Properties, prop

_LEAVING: Final = ("queued_to_deny", "denying")
Key = tuple[str, str]


class AccessRule(Properties):
    """Who may do what to a share."""

    access_to: str = prop(
        "Who it is: an address or a range of them, a user, or the name in a certificate.", required=True
    )
    access_type: str = prop(
        "How clients are recognized.", required=True, constraints=[one_of("ip", "user", "cert", "cephx")]
    )
    access_level: str | None = prop(
        "Whether clients may write; the service lets them if this is left out.",
        constraints=[one_of("ro", "rw")],
    )


def key_of(rule: Mapping[str, Any]) -> Key:
    """What a share can have one rule for."""
    return rule["access_type"], rule["access_to"]


async def exchange(ctx: Context, old: Iterable[JSON], new: Iterable[JSON]) -> None:
    """Deny what is no longer wanted of ``old``, then allow what is missing of ``new``.

    A rule with another level, or in error, is made anew. Rules that somebody else has made stay.
    """
    wanted = {key_of(rule): rule for rule in new}
    known = {*map(key_of, old), *wanted}
    rules = await _rules(ctx)
    for key in sorted(known & rules.keys()):
        if not _is_right(rules[key], wanted.get(key)):
            await once(ctx, partial(_is_leaving, ctx, key), partial(_deny, ctx, rules[key]["id"]))

    async def are_gone() -> bool:
        rules = await _rules(ctx)
        return not any(rules[key]["state"] in _LEAVING for key in known & rules.keys())

    await ctx.until(are_gone, "rules of access that are not wanted are gone")
    for key, rule in wanted.items():
        await once(ctx, partial(_is_there, ctx, key), partial(_allow, ctx, rule))


async def _rules(ctx: Context) -> dict[Key, JSON]:
    query = {"share_id": ctx.physical_id}
    found = await ctx.cloud.service(SERVICE).list_all("/share-access-rules", "access_list", query)
    return {key_of(rule): rule for rule in found}


def _is_right(rule: JSON, wanted: JSON | None) -> bool:
    if wanted is None or rule["state"] == "error":
        return False
    return bool((wanted.get("access_level") or rule["access_level"]) == rule["access_level"])


async def _is_there(ctx: Context, key: Key) -> bool:
    return key in await _rules(ctx)


async def _is_leaving(ctx: Context, key: Key) -> bool:
    rule = (await _rules(ctx)).get(key)
    return rule is None or rule["state"] in _LEAVING


async def _allow(ctx: Context, rule: JSON) -> None:
    given = {name: value for name, value in rule.items() if value}
    await _act(ctx, {"allow_access": given})


async def _deny(ctx: Context, identity: str) -> None:
    """Take a rule away. Idempotent: ignores 404."""
    try:
        await _act(ctx, {"deny_access": {"access_id": identity}})
    except CloudNotFound:
        return


async def _act(ctx: Context, action: JSON) -> None:
    await ctx.cloud.service(SERVICE).post(f"/shares/{ctx.physical_id}/action", action)
