"""Signals to wait condition handles: their form, how they add up, and when they are enough. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stackd.errors import ResourceFailure

SUCCESS, FAILURE = "SUCCESS", "FAILURE"


class WaitConditionFailure(ResourceFailure):
    """A guest signalled that it failed."""


class MalformedSignal(ResourceFailure):
    """Metadata format invalid"""

    code = 400
    wire_type = "ResourceFailure"


class InvalidHandle(ResourceFailure):
    """What a wait condition refers to is not a handle of its stack; under the name that it has in Heat."""

    wire_type = "ValueError"


class SwiftSignalFailure(WaitConditionFailure):
    """A guest wrote that it failed."""


class UnknownStatus(ResourceFailure):
    """A guest wrote a status that there is not; under the name that it has in Heat."""

    wire_type = "Error"


class WaitConditionTimeout(ResourceFailure):
    """The signals did not come in time."""


class SwiftSignalTimeout(WaitConditionTimeout):
    """The signals were not written in time."""


@dataclass(frozen=True, slots=True)
class Keys:
    """How the fields of a signal are called, and whether they may be left out."""

    status: str
    reason: str
    data: str
    id: str
    optional: bool

    @property
    def all(self) -> frozenset[str]:
        """The names of all fields."""
        return frozenset((self.status, self.reason, self.data, self.id))


NATIVE = Keys("status", "reason", "data", "id", optional=True)
AWS = Keys("Status", "Reason", "Data", "UniqueId", optional=False)


def merge(keys: Keys, signals: Mapping[str, Any], details: Any) -> tuple[dict[str, Any], str]:
    """The stored signals after one more, and the text for its event; one of the same id is replaced."""
    number = len(signals_in(keys, signals)) + 1
    entry: dict[str, Any] = {}
    if keys.optional:
        entry = {
            keys.status: SUCCESS,
            keys.reason: f"Signal {number} received",
            keys.data: None,
            keys.id: number,
        }
        details = details or {}
    if not isinstance(details, Mapping):
        raise MalformedSignal
    entry |= details
    if entry.keys() != keys.all or str(entry[keys.status]) not in (SUCCESS, FAILURE):
        raise MalformedSignal
    text = f"status:{entry[keys.status]} reason:{entry[keys.reason]}"
    return {**signals, str(entry.pop(keys.id)): entry}, text


def signals_in(keys: Keys, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The signals in the metadata of a handle, which may have other things from the template."""
    own = (keys.status, keys.reason, keys.data)
    return {
        name: each
        for name, each in metadata.items()
        if isinstance(each, Mapping) and all(key in each for key in own)
    }


def merge_all(keys: Keys, signals: Mapping[str, Any], received: Iterable[Any]) -> dict[str, Any]:
    """The stored signals after several more; malformed ones are left out."""
    merged = dict(signals)
    for details in received:
        try:
            merged, _ = merge(keys, merged, details)
        except ResourceFailure:
            continue
    return merged


def read_all(received: Iterable[Any]) -> dict[str, Any]:
    """Signals from where nothing checked them; one of the same id takes the place of that before.

    Whatever is no object is left out, and so are unknown fields. An unknown status is a failure.
    """
    signals: dict[str, Any] = {}
    for given in received:
        if not isinstance(given, Mapping):
            continue
        known = {key: value for key, value in given.items() if key in NATIVE.all}
        if str(known.get("status", SUCCESS)) not in (SUCCESS, FAILURE):
            raise UnknownStatus(f"Unknown status: {str(known['status'])[:100]}")
        signals, _ = merge(NATIVE, signals, known)
    return signals


def enough(keys: Keys, signals: Mapping[str, Any], count: int) -> bool:
    """Whether the signals suffice; ``WaitConditionFailure`` when one of them is a failure."""
    if any(each[keys.status] != SUCCESS for each in signals.values()):
        raise WaitConditionFailure(";".join(_reasons(keys, signals, FAILURE)))
    return len(signals) >= count


def data_of(keys: Keys, signals: Mapping[str, Any]) -> dict[str, Any]:
    """What came with the signals, by their ids."""
    return {each: entry[keys.data] for each, entry in signals.items()}


def timeout(
    keys: Keys, signals: Mapping[str, Any], count: int, *, seconds: float, handle: str
) -> WaitConditionTimeout:
    """The failure when time is up; it says for how long was waited, and what the guest has to do.

    ``handle`` is the name of the handle. Its URL is a secret and not shown.
    """
    reasons = _reasons(keys, signals, SUCCESS)
    said = f" - {';'.join(reasons)}" if reasons else ""
    call = (
        f"the attribute curl_cli of {handle} is the command for it, to be followed by "
        f"""--data-binary '{{"{keys.status}": "{SUCCESS}"}}'"""
        if keys.optional
        else f"cfn-signal with the URL that a reference to {handle} gives"
    )
    came = f"{len(reasons)} of {count} received{said}; waited for {seconds:g} s"
    return WaitConditionTimeout(f"{came}. The guest has to signal: {call}.")


def _reasons(keys: Keys, signals: Mapping[str, Any], status: str) -> list[str]:
    return [str(each[keys.reason]) for each in signals.values() if each[keys.status] == status]
