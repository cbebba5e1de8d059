"""Custom constraints by name: formats of text are checked here, the others need the cloud.

Each format is one function from a text to its mistake: None if it is valid, empty if there is no
explanation. An unknown name refuses every value.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from stackd.template.cron import cron_problem
from stackd.template.json_text import read_json
from stackd.wording import Complaint, Reason

Form = Callable[[str], str | None]

_LONGEST_NAME: Final = 255
_LABEL: Final = re.compile(r"[a-z0-9-]{1,63}")
_LONGEST_QUEUE: Final = 64


def _mac_pattern() -> re.Pattern[str]:
    """The notations of a MAC address: (separator, groups, fewest and most digits of each)."""
    notations = (
        *((mark, 6, "1,2") for mark in ":-"),
        *((mark, 3, "1,4") for mark in (":", "-", r"\.")),
        *((mark, 2, "5,6") for mark in ":-"),
        ("", 1, "11,12"),
    )
    return re.compile(
        "|".join(mark.join([f"[0-9a-fA-F]{{{digits}}}"] * groups) for mark, groups, digits in notations)
    )


_MAC: Final = _mac_pattern()
_TIME: Final = re.compile(
    r"(?P<year>\d{4})"
    r"(?:-(?P<month>\d{1,2})(?:-(?P<day>\d{1,2}))?|(?P<month2>\d\d)(?P<day2>\d\d))?"
    r"(?:(?<=[-\d]\d)[ T](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,]\d+)?)?)?"
    r"(?:Z|(?P<sign>[+-])(?P<hours>\d\d)(?::?(?P<minutes>\d\d))?)?)?",
    re.ASCII,
)


def _ip_addr(text: str) -> str | None:
    return None if _is_address(text) else "Invalid IP address"


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _net_cidr(text: str) -> str | None:
    if _is_subnet(text):
        return None
    if _is_loosely_a_network(text):
        return f"'{text}' is not a valid IP subnet"
    return f"Invalid net cidr invalid IPNetwork {text} "


def _is_subnet(text: str) -> bool:
    address, _, prefix = text.partition("/")
    if not _is_address(address) or not re.fullmatch(r"0|[1-9][0-9]{0,2}", prefix):
        return False
    return int(prefix) <= ipaddress.ip_address(address).max_prefixlen


def _is_loosely_a_network(text: str) -> bool:
    """Whether it is a network in another notation than the required one."""
    address, slash, mask = text.strip().partition("/")
    if re.fullmatch(r"[0-9]+(\.[0-9]+){0,2}", address):
        address += ".0" * (3 - address.count("."))
    try:
        ipaddress.ip_interface(f"{address}{slash}{mask}")
    except ValueError:
        return False
    return "%" not in address


def _ip_or_cidr(text: str) -> str | None:
    if "/" in text:
        return None if _is_subnet(text) else f"'{text}' is not a valid IP subnet"
    return None if _is_address(text) else f"'{text}' is not a valid IP address"


def _mac_addr(text: str) -> str | None:
    return None if _MAC.fullmatch(text) else "Invalid MAC address."


def _dns_name(text: str) -> str | None:
    reason = _name_fault(text) if text else ""
    return f"'{text}' not in valid format. Reason: {reason}" if reason else None


def _name_fault(text: str) -> str:
    if len(text.removesuffix(".")) > _LONGEST_NAME:
        return f"'{text}' exceeds the {_LONGEST_NAME} character FQDN limit"
    labels = text.removesuffix(".").split(".")
    for label in labels:
        if not label:
            return "Encountered an empty component."
        if label.startswith("-") or label.endswith("-"):
            return f"Name '{label}' must not start or end with a hyphen."
        if not _LABEL.fullmatch(label):
            return (
                f"Name '{label}' must be 1-63 characters long, each of which can only be "
                "alphanumeric or a hyphen."
            )
    if len(labels) > 1 and text.endswith(".") and labels[-1].isdecimal():
        return f"TLD '{labels[-1]}' must not be all numeric."
    return ""


def _rel_dns_name(text: str) -> str | None:
    if text.endswith("."):
        return f"'{text}' is a FQDN. It should be a relative domain name."
    if len(text) > _LONGEST_NAME - 3:  # the shortest domain, which is to follow, has three characters
        return (
            f"'{text}' contains '{len(text)}' characters. Adding a domain name will cause it to exceed the "
            f"maximum length of a FQDN of '{_LONGEST_NAME}'."
        )
    return _dns_name(text)


def _dns_domain(text: str) -> str | None:
    if text and not text.endswith("."):
        return f"'{text}' must end with '.'."
    return _dns_name(text)


def read_time(text: str) -> datetime | None:
    """A time in ISO 8601, UTC unless it has another zone; None for anything else."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    part = {name: int(value) for name, value in found.groupdict().items() if value and name != "sign"}
    ahead = timedelta(hours=part.get("hours", 0), minutes=part.get("minutes", 0))
    try:
        return datetime(
            part["year"],
            part.get("month", part.get("month2", 1)),
            part.get("day", part.get("day2", 1)),
            part.get("hour", 0),
            part.get("minute", 0),
            part.get("second", 0),
            tzinfo=timezone(-ahead if found["sign"] == "-" else ahead),
        )
    except ValueError:
        return None


def _expiration(text: str) -> str | None:
    if not text:
        return None
    moment = read_time(text)
    if moment is None:
        return f"Expiration {text} is invalid: Unable to parse date string '{text}'"
    if moment <= datetime.now(UTC):
        return f"Expiration {text} is invalid: Expiration time is out of date."
    return None


def _iso_8601(text: str) -> str | None:
    return None if read_time(text) else ""


def _json_string(text: str) -> str | None:
    if not text:
        return None
    try:
        read_json(text)
    except RecursionError:
        return f"JSON string {text} is invalid: it is nested too deeply"
    except ValueError as error:
        return f"JSON string {text} is invalid: {error}"
    return None


def _timezone(text: str) -> str | None:
    if not text:
        return None
    try:
        zoneinfo.ZoneInfo(text)
    except zoneinfo.ZoneInfoNotFoundError:
        # A host without a database of zones knows none.
        unknown = f"Invalid timezone: 'No time zone found with key {text}'"
        return unknown if zoneinfo.available_timezones() else None
    except ValueError as error:
        return f"Invalid timezone: {error}"
    except OSError:
        return f"Invalid timezone: {text} is not one"
    return None


def _cron_expression(text: str) -> str | None:
    problem = cron_problem(text) if text else ""
    return f"Invalid CRON expression: {problem}" if problem else None


def _anything(text: str) -> str | None:
    return None


FORMS: Final[Mapping[str, Form]] = {
    "cron_expression": _cron_expression,
    "dns_domain": _dns_domain,
    "dns_name": _dns_name,
    "expiration": _expiration,
    "ip_addr": _ip_addr,
    "ip_or_cidr": _ip_or_cidr,
    "iso_8601": _iso_8601,
    "json_string": _json_string,
    "mac_addr": _mac_addr,
    "net_cidr": _net_cidr,
    "nova.network": _anything,
    "rel_dns_name": _rel_dns_name,
    "test_constr": _anything,
    "timezone": _timezone,
}
"""The two that accept anything are for tests of Heat itself."""

ON_REQUEST: Final = {"expiration"}
"""Constraints that are checked once per request, since the result depends on the time or on the cloud.

Resource types declare those whose objects must exist in the cloud (``declare_kind``).
"""

MAY_BE_EMPTY: Final = frozenset({"neutron.segment", "nova.keypair"})
"""Constraints for which an empty text means no object."""

QUEUE: Final = "zaqar.queue"
"""The format of a queue's name: a queue is created by its first message, so need not exist."""


def declare_kind(name: str) -> None:
    """Register the constraint that an object of this kind exists in the cloud."""
    ON_REQUEST.add(name)


def items_of(value: Any) -> list[Any]:
    """The values to check: the elements of a list, else the value itself."""
    return value if isinstance(value, list) else [value]


def refusal(name: str, value: Any, reason: str) -> Complaint:
    """The message for a value that the constraint of this name refuses."""
    return Reason.REFUSED_VALUE(value=value, why=f": {reason}" if reason else "", form=name)


def named_problem(name: str, value: Any) -> Complaint | None:
    """Why a value violates the named constraint; None if it does not, or only the cloud can check."""
    if name in ON_REQUEST and name not in FORMS:
        return None
    if name == QUEUE:
        good = 0 < len(str(value)) <= _LONGEST_QUEUE
        return None if good else Reason.OTHER(text=f"Queue name length must be 1-{_LONGEST_QUEUE}")
    if name not in FORMS:
        return Reason.OTHER(text=f'"{value}" does not validate {name} (constraint not found)')
    reason = FORMS[name](str(value))
    return None if reason is None else refusal(name, value, reason)
