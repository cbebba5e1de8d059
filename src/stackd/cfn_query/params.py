"""The parameters of an action: decoded from a query and a form, and read by their names.

``Name.member.N`` and ``Name.entry.N`` become lists and dicts; everything else stays text. A list without
members comes as its bare name, so an empty text is also an empty list. The other protocols decode to the same
shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from stackd.cfn_query.codes import MALFORMED_QUERY, VALIDATION, Refused
from stackd.offload import parsed

Params = Mapping[str, Any]

MOST_PAIRS: Final = 20_000
_DEEPEST = 16
_LONGEST_NAME = 1_024
_MOST_DIGITS = 6
_YES_NO = {"true": True, "false": False}


# --- decoding -------------------------------------------------------------------------------------


async def flat(*texts: bytes) -> dict[str, str]:
    """The pairs of several encoded texts by name; the last one with a name counts, as for the signature."""
    return dict(await parsed(sum(map(len, texts)), _pairs, texts))


def _pairs(texts: Sequence[bytes]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for text in texts:
        try:
            found += parse_qsl(
                text.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST_PAIRS, errors="replace"
            )
        except ValueError:
            raise Refused(MALFORMED_QUERY, f"There are more than {MOST_PAIRS} parameters.") from None
    return found


async def nested(pairs: Mapping[str, str]) -> dict[str, Any]:
    """The parameters as lists, dicts and texts; refused if two names contradict each other."""
    weight = sum(len(name) + 8 for name in pairs)
    decoded: dict[str, Any] = await parsed(weight, _nested, pairs)
    return decoded


def _nested(pairs: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in pairs.items():
        _insert(tree, name, value)
    return {name: _shaped(value, name) for name, value in tree.items()}


def _insert(tree: dict[str, Any], name: str, value: str) -> None:
    """Add one pair to a tree that has a level for each part of a name."""
    parts = name.split(".")
    if len(name) > _LONGEST_NAME or len(parts) > _DEEPEST:
        raise Refused(MALFORMED_QUERY, f"The name of the parameter {name[:100]!r} is too long.")
    if "\0" in value or "\0" in name:  # some databases refuse texts with one
        raise bad_value(name, "has a null character")
    at = tree
    for part in parts[:-1]:
        at = at.setdefault(part, {})
        if not isinstance(at, dict):
            raise bad_value(name, "is given both as a value and as a structure")
    if at.setdefault(parts[-1], value) is not value:
        raise bad_value(name, "is given both as a value and as a structure")


def _shaped(value: Any, name: str) -> Any:
    """A level of the tree as list, dict or text."""
    if not isinstance(value, dict):
        return value
    match list(value):
        case ["member"]:
            return [_shaped(each, f"{name}.member.{at}") for at, each in _numbered(value["member"], name)]
        case ["entry"]:
            return dict(_entry(each, f"{name}.entry.{at}") for at, each in _numbered(value["entry"], name))
    return {key: _shaped(each, f"{name}.{key}") for key, each in value.items()}


def _numbered(level: Any, name: str) -> list[tuple[int, Any]]:
    """The members of a list in order. There may be gaps."""
    if not isinstance(level, dict):
        raise bad_value(name, "is a list whose members have no numbers")
    for key in level:
        if not (key.isascii() and key.isdigit() and len(key) <= _MOST_DIGITS):
            raise bad_value(name, f"is a list with a member that has no number but {key[:100]!r}")
    return sorted((int(key), value) for key, value in _once(level, name))


def _once(level: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    if len({int(key) for key in level}) < len(level):
        raise bad_value(name, "is a list with two members of the same number")
    return list(level.items())


def _entry(value: Any, name: str) -> tuple[str, Any]:
    if not (isinstance(value, dict) and value.keys() == {"key", "value"} and isinstance(value["key"], str)):
        raise bad_value(name, "needs a key and a value")
    return value["key"], _shaped(value["value"], f"{name}.value")


# --- reading --------------------------------------------------------------------------------------


def bad_value(name: str, fault: str) -> Refused:
    """The refusal of a parameter; ``fault`` continues the sentence."""
    return Refused(VALIDATION, f"The parameter {name[:200]} {fault}.")


def text(params: Params, name: str) -> str | None:
    """A text; None if it is not given."""
    value = params.get(name)
    if value is None or isinstance(value, str):
        return value
    raise bad_value(name, "must be a text")


def required(params: Params, name: str) -> str:
    """A text that must be given and not be empty."""
    value = text(params, name)
    if not value:
        raise bad_value(name, "is required")
    return value


def flag(params: Params, name: str) -> bool | None:
    """A boolean; None if it is not given."""
    value = params.get(name)
    if value is None or value == "" or isinstance(value, bool):
        return value if isinstance(value, bool) else None
    found = _YES_NO.get(value.lower()) if isinstance(value, str) else None
    if found is None:
        raise bad_value(name, f"must be true or false, not {_shown(value)}")
    return found


def integer(params: Params, name: str, *, least: int, most: int) -> int | None:
    """An integer within bounds; None if it is not given."""
    value = params.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) < 20 and value.removeprefix("-").isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise bad_value(name, f"must be an integer from {least} to {most}, not {_shown(value)}")
    return value


def moment(params: Params, name: str) -> datetime | None:
    """A time, in UTC; None if it is not given."""
    value = params.get(name)
    if value is None or value == "" or isinstance(value, datetime):
        return value if isinstance(value, datetime) else None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise bad_value(name, f"must be a time such as 2024-01-01T00:00:00Z, not {_shown(value)}") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def choice(params: Params, name: str, *values: str) -> str | None:
    """One of some values; None if it is not given."""
    value = text(params, name)
    if value and value not in values:
        raise bad_value(name, f"must be one of {', '.join(values)}, not {_shown(value)}")
    return value or None


def texts(params: Params, name: str, *, most: int = MOST_PAIRS) -> list[str] | None:
    """A list of texts; None if it is not given, empty if it is given as empty."""
    found = _members(params, name, most)
    if found is not None and not all(isinstance(each, str) for each in found):
        raise bad_value(name, "must be a list of texts")
    return found


def structures(params: Params, name: str, *, most: int = MOST_PAIRS) -> list[dict[str, Any]] | None:
    """A list of structures; None if it is not given, empty if it is given as empty."""
    found = _members(params, name, most)
    if found is not None and not all(isinstance(each, dict) for each in found):
        raise bad_value(name, "must be a list of structures")
    return found


def _members(params: Params, name: str, most: int) -> list[Any] | None:
    value = params.get(name)
    if value is None:
        return None
    if value == "":
        return []
    if not isinstance(value, list):
        raise bad_value(name, f"must be a list: {name}.member.1 and so on")
    if len(value) > most:
        raise bad_value(name, f"has {len(value)} members; there may be {most}")
    return value


def _shown(value: Any) -> str:
    return repr(value)[:100]
