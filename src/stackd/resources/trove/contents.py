"""Databases and users in an instance: collections of their own, which change while it is active."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from stackd.errors import CloudNotFound, PropertyError
from stackd.resources.beside import once
from stackd.resources.constraints import length, matches
from stackd.resources.context import JSON, Context
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.resources.trove.databases import SERVICE
from stackd.template.unknown import has_unknown

_WORD: Final = r"[a-zA-Z0-9_]+[a-zA-Z0-9_@?#\s]*[a-zA-Z0-9_]+"
Account = tuple[str, str]
"""The name of a user, and the host from which it comes: both are what a user is known by."""


class DatabaseProps(Properties):
    """A database in an instance. What is said of one besides its name holds when it is made."""

    character_set: str = prop("Character set of the database.", default="utf8")
    collate: str = prop("How texts in the database are sorted.", default="utf8_general_ci")
    name: str = prop(
        "Name of the database.",
        required=True,
        constraints=[length(None, 64), matches(r"[a-zA-Z0-9_\-]+[a-zA-Z0-9_@?#\s\-]*[a-zA-Z0-9_\-]+")],
    )


class UserProps(Properties):
    """A user of databases in an instance."""

    name: str = prop(
        "Name of the user.", required=True, update=IN_PLACE, constraints=[length(None, 16), matches(_WORD)]
    )
    password: str = prop(
        "Password of the user.", required=True, update=IN_PLACE, constraints=[matches(_WORD)]
    )
    host: str = prop("Where the user comes from; % is anywhere.", default="%", update=IN_PLACE)
    databases: list[str] = prop(
        "Names of the databases that the user may use.",
        required=True,
        update=IN_PLACE,
        constraints=[length(1, None)],
    )


def check_users(databases: Any, users: Any) -> None:
    """Users have databases, and these are in the instance."""
    if not users or has_unknown([databases, users]):
        return
    path, names = "properties.users", {each["name"] for each in databases or ()}
    if not names:
        raise PropertyError(
            "Databases property is required if users property is provided for resource.",
            path=path,
            remedy="Give databases, too.",
        )
    for user in users:
        if missing := sorted({*user["databases"]} - names):
            raise PropertyError(
                f"Database {', '.join(missing)} specified for user {user['name']} does not exist in "
                "databases for resource.",
                path=path,
                remedy="Name the database in databases, or let the user do without it.",
            )


def as_users(users: Iterable[Mapping[str, Any]]) -> list[JSON]:
    """Users as a request has them."""
    return [{**each, "databases": [{"name": name} for name in each["databases"]]} for each in users]


async def exchange(ctx: Context, old: Properties, new: Properties) -> None:
    """Make the databases and users that ``new`` has, and remove those that only ``old`` has."""
    before, after = old.data["databases"] or [], new.data["databases"] or []
    databases = {each["name"]: each for each in after}
    await _add(ctx, "databases", databases, lambda each: str(each["name"]), list)
    await _exchange_users(ctx, old.data["users"] or [], new.data["users"] or [])
    for name in sorted({each["name"] for each in before} - databases.keys()):
        await _remove(ctx, f"databases/{quote(name, safe='')}")


async def _exchange_users(ctx: Context, old: list[JSON], new: list[JSON]) -> None:
    before, after = {_account(each): each for each in old}, {_account(each): each for each in new}
    for account in sorted(before.keys() - after.keys()):
        await _remove(ctx, _path(account))
    present = await _add(ctx, "users", after, _account, as_users)
    for account in sorted(after.keys() & present.keys()):
        wanted, former = after[account], before.get(account, {})
        if wanted["password"] != former.get("password"):
            await _service(ctx).put(_at(ctx, _path(account)), {"user": {"password": wanted["password"]}})
        await _grant(ctx, account, wanted["databases"], former.get("databases") or (), present[account])


async def _grant(
    ctx: Context, account: Account, wanted: Iterable[str], former: Iterable[str], live: JSON
) -> None:
    """Let a user use what is wanted, and no longer what only was."""
    granted, path = {each["name"] for each in live.get("databases") or ()}, f"{_path(account)}/databases"
    if missing := [name for name in wanted if name not in granted]:
        await _service(ctx).put(_at(ctx, path), {"databases": [{"name": name} for name in missing]})
    for name in sorted(({*former} - {*wanted}) & granted):
        await _remove(ctx, f"{path}/{quote(name, safe='')}")


async def _add(
    ctx: Context,
    plural: str,
    wanted: Mapping[Any, JSON],
    key: Callable[[JSON], Any],
    written: Callable[[Iterable[JSON]], list[JSON]],
) -> dict[Any, JSON]:
    """Make what is missing; what was there already, by key."""
    if not wanted:
        return {}
    listed = partial(_service(ctx).list_all, _at(ctx, plural), plural)
    present = {key(each): each for each in await listed()}
    missing = {name: each for name, each in wanted.items() if name not in present}

    async def are_there() -> bool:
        return missing.keys() <= {key(each) for each in await listed()}

    async def make() -> None:
        await _service(ctx).post(_at(ctx, plural), {plural: written(missing.values())})

    if missing:
        await once(ctx, are_there, make)
        await ctx.until(are_there, f"{plural} are made")
    return present


async def _remove(ctx: Context, path: str) -> None:
    """Remove a database, user or permission. Idempotent: ignores 404."""
    with suppress(CloudNotFound):
        await _service(ctx).delete(_at(ctx, path))


def _account(user: Mapping[str, Any]) -> Account:
    return user["name"], user.get("host") or "%"


def _path(account: Account) -> str:
    return f"users/{quote('@'.join(account), safe='')}"


def _at(ctx: Context, path: str) -> str:
    return f"/instances/{ctx.physical_id}/{path}"


def _service(ctx: Context) -> Any:
    return ctx.cloud.service(SERVICE)
