"""What requests say of databases and users: those of new instances, and those of single ones."""

from __future__ import annotations

import re
from typing import Any, Final

from stackd.devcloud.store import JSON
from stackd.devcloud.trove.style import checked_text
from stackd.devcloud.wire import bad_request

_RESERVED: Final = frozenset({"mysql", "information_schema", "performance_schema", "sys", "postgres"})
_RESERVED_USERS: Final = frozenset({"os_admin", "root", "postgres"})
_HOST: Final = re.compile(r"%?[\w(-).]*%?")
_LONGEST_NAME: Final = 32
_LONGEST_DATABASE: Final = 64
Account = tuple[str, str]


def checked_databases(given: Any) -> dict[str, JSON]:
    """Databases by name; a fault for names that cannot be."""
    found: dict[str, JSON] = {}
    for each in given or ():
        name = checked_text("databases", each.get("name"))
        if name in _RESERVED or len(name) > _LONGEST_DATABASE:
            raise bad_request(f'Database name "{name}" is too long, or on the reserved list.')
        if name in found:
            raise bad_request("Two or more databases share the same name in the initial databases list. "
                              "Please correct the names or remove the duplicate entries.")  # fmt: skip
        found[name] = dict(each)
    return found


def checked_users(given: Any, databases: set[str] | None = None) -> dict[Account, JSON]:
    """Users by name and host; a fault for those that cannot be, or name other ``databases``."""
    found: dict[Account, JSON] = {}
    for each in given or ():
        name, host = checked_text("users", each.get("name")), each.get("host") or "%"
        checked_text("users", each.get("password"))
        if name in _RESERVED_USERS or len(name) > _LONGEST_NAME or not _HOST.fullmatch(host):
            raise bad_request(f"User create error: '{name}@{host}' is not valid, or reserved.")
        if (name, host) in found:
            raise bad_request("Two or more users share the same name and host in the initial users list. "
                              "Please correct the names or remove the duplicate entries.")  # fmt: skip
        names = [database["name"] for database in each.get("databases") or ()]
        for database in names if databases is not None else ():
            if database not in (databases or ()):
                raise bad_request(
                    f"The request indicates that user {name} should have access to database {database}, but "
                    f"database {database} is not included in the initial databases list."
                )
        found[name, host] = {"password": each["password"], "databases": names}
    return found
