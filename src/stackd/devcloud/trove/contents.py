"""Databases and users in instances, and what users may use."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from stackd.devcloud.collection import demand, fetch
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.trove.accounts import Account, checked_databases, checked_users
from stackd.devcloud.trove.instances import INSTANCES, check_active
from stackd.devcloud.trove.style import STYLE
from stackd.devcloud.wire import Call, Reply, Route, bad_request, not_found


def _instance(call: Call, verb: str) -> Entity:
    """The instance, whose guest must be there to answer."""
    demand(call, "reader" if verb == "index" else "member", f"instance:extension:{verb}", STYLE)
    instance = fetch(INSTANCES, STYLE, call, call.params["instance"])
    check_active(instance)
    return instance


def _list_databases(call: Call) -> Reply:
    names = sorted(_instance(call, "index").private["databases"])
    return Reply(200, {"databases": [{"name": name} for name in names]})


def _create_databases(call: Call) -> Reply:
    instance, fresh = _instance(call, "create"), checked_databases(call.json().get("databases"))
    known: dict[str, JSON] = instance.private["databases"]
    for name in fresh.keys() & known.keys():
        raise bad_request(f'A database with the name "{name}" already exists.')
    instance.private["databases"] = known | fresh
    return Reply(202)


def _delete_database(call: Call) -> Reply:
    instance, name = _instance(call, "delete"), unquote(call.params["name"])
    if name not in instance.private["databases"]:
        raise not_found(f"Database {name} cannot be found on the instance.")
    del instance.private["databases"][name]
    for user in instance.private["users"].values():
        user["databases"] = [each for each in user["databases"] if each != name]
    return Reply(202)


def _shown(account: Account, user: JSON) -> JSON:
    names = [{"name": name} for name in sorted(user["databases"])]
    return {"name": account[0], "host": account[1], "databases": names}


def _user(call: Call, verb: str) -> tuple[Entity, Account]:
    """The instance and the user in it that the path names."""
    instance, text = _instance(call, verb), unquote(call.params["user"])
    name, _, host = text.rpartition("@") if "@" in text.rstrip("@") else (text, "", "%")
    if (name, host) not in instance.private["users"]:
        raise not_found(f"User {text} cannot be found on the instance.")
    return instance, (name, host)


def _list_users(call: Call) -> Reply:
    users = _instance(call, "index").private["users"]
    return Reply(200, {"users": [_shown(account, users[account]) for account in sorted(users)]})


def _create_users(call: Call) -> Reply:
    instance, fresh = _instance(call, "create"), checked_users(call.json().get("users"))
    for name, _ in fresh.keys() & instance.private["users"].keys():
        raise bad_request(f'A user with the name "{name}" already exists.')
    for user in fresh.values():
        _check_known(instance, user["databases"])
    instance.private["users"] = instance.private["users"] | fresh
    return Reply(202)


def _check_known(instance: Entity, databases: list[str]) -> None:
    if unknown := sorted({*databases} - instance.private["databases"].keys()):
        raise not_found(f"Database {unknown[0]} cannot be found on the instance.")


def _show_user(call: Call) -> Reply:
    instance, account = _user(call, "index")
    return Reply(200, {"user": _shown(account, instance.private["users"][account])})


def _update_user(call: Call) -> Reply:
    instance, account = _user(call, "update")
    users, asked = instance.private["users"], call.unwrap("user")
    new = asked.get("name") or account[0], asked.get("host") or account[1]
    if new != account and new in users:
        raise bad_request(f'A user with the name "{new[0]}" already exists.')
    user = users.pop(account)
    users[new] = user | {"password": asked.get("password") or user["password"]}
    return Reply(202)


def _delete_user(call: Call) -> Reply:
    instance, account = _user(call, "delete")
    del instance.private["users"][account]
    return Reply(202)


def _list_access(call: Call) -> Reply:
    instance, account = _user(call, "index")
    return Reply(200, {"databases": _shown(account, instance.private["users"][account])["databases"]})


def _grant(call: Call) -> Reply:
    instance, account = _user(call, "update")
    names = [each["name"] for each in call.json().get("databases") or ()]
    _check_known(instance, names)
    user = instance.private["users"][account]
    user["databases"] = sorted({*user["databases"], *names})
    return Reply(202)


def _revoke(call: Call) -> Reply:
    instance, account = _user(call, "delete")
    user, name = instance.private["users"][account], unquote(call.params["name"])
    if name not in user["databases"]:
        raise not_found(f"Database {name} cannot be found on the instance.")
    user["databases"] = [each for each in user["databases"] if each != name]
    return Reply(202)


_DATABASES: Final = "/instances/{instance}/databases"
_USERS: Final = "/instances/{instance}/users"
_ONE: Final = f"{_USERS}/{{user}}"
ROUTES: Final = (
    Route("GET", _DATABASES, _list_databases),
    Route("POST", _DATABASES, _create_databases),
    Route("DELETE", f"{_DATABASES}/{{name}}", _delete_database),
    Route("GET", _USERS, _list_users),
    Route("POST", _USERS, _create_users),
    Route("GET", _ONE, _show_user),
    Route("PUT", _ONE, _update_user),
    Route("DELETE", _ONE, _delete_user),
    Route("GET", f"{_ONE}/databases", _list_access),
    Route("PUT", f"{_ONE}/databases", _grant),
    Route("DELETE", f"{_ONE}/databases/{{name}}", _revoke),
)
