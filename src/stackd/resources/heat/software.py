"""Software configurations as data: their form, what a server is to do with one, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from stackd.records import SoftwareConfig

KINDS: Final = ("String", "Number", "CommaDelimitedList", "Json", "Boolean")
RESULTS: Final = ("deploy_stdout", "deploy_stderr", "deploy_status_code")
STATUS_CODE: Final = "deploy_status_code"
_INPUT: Final = ("name", "description", "type", "default", "replace_on_change", "value")
_OUTPUT: Final = ("name", "description", "type", "error_output")


def error_in_content(body: Mapping[str, Any]) -> str | None:
    """What is wrong with a configuration as a request gives it; None if nothing is."""
    for name in ("name", "group"):
        if not isinstance(body.get(name), str | None):
            return f"The value of '{name}' has the wrong type: {type(body[name]).__name__}."
    if not isinstance(body.get("options"), Mapping | None):
        return "The options of a software config must be a map."
    for name, known in (("inputs", _INPUT), ("outputs", _OUTPUT)):
        if error := _error_in_entries(name, body.get(name), known):
            return error
    return None


def _error_in_entries(part: str, entries: Any, known: Sequence[str]) -> str | None:
    if not isinstance(entries, list | None):
        return f"The {part} of a software config must be a list of maps."
    for at, entry in enumerate(entries or ()):
        place = f"{part}[{at}]"
        if not isinstance(entry, Mapping):
            return f"{place} must be a map with a name."
        if not isinstance(entry.get("name"), str) or not entry["name"]:
            return f"{place} has no name. Give it one."
        if unknown := sorted(set(map(str, entry)) - set(known)):
            return f"{place} has an unknown key: {unknown[0]}. It may have {', '.join(known)}."
        if entry.get("type") not in (None, *KINDS):
            return f"The type of {place} is {entry['type']!r} and must be one of {', '.join(KINDS)}."
    return None


def config_content(body: Mapping[str, Any]) -> dict[str, Any]:
    """The stored parts of a configuration, with the defaults of its inputs and outputs."""
    return {
        "config": body.get("config"),
        "options": dict(body.get("options") or {}),
        "inputs": [_input(entry) for entry in body.get("inputs") or ()],
        "outputs": [_output(entry) for entry in body.get("outputs") or ()],
    }


def _input(entry: Mapping[str, Any]) -> dict[str, Any]:
    made = {"name": entry["name"], "type": entry.get("type") or "String"}
    made |= {key: entry[key] for key in ("description", "default", "value") if entry.get(key) is not None}
    return made | ({"replace_on_change": True} if entry.get("replace_on_change") else {})


def _output(entry: Mapping[str, Any]) -> dict[str, Any]:
    made = {"name": entry["name"], "type": entry.get("type") or "String"}
    made |= {"description": entry["description"]} if entry.get("description") is not None else {}
    return made | {"error_output": bool(entry.get("error_output"))}


def guest_view(config: SoftwareConfig) -> dict[str, Any]:
    """A configuration as guests see it, whatever the transport."""
    return {
        "id": config.id,
        "name": config.name,
        "group": config.group,
        "creation_time": config.created_at.isoformat(timespec="seconds").partition("+")[0] + "Z",
        **config.content,
    }


def derived_inputs(
    declared: Iterable[Mapping[str, Any]], values: Mapping[str, Any], added: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The inputs of the configuration that a server gets: the declared ones with their values, then others.

    ``values`` are those of the deployment, also for names that are not declared; ``added`` are what the guest
    needs to know of the deployment itself.
    """
    inputs = []
    names = set()
    for entry in declared:
        names.add(entry["name"])
        given = values.get(entry["name"], entry.get("default"))
        inputs.append({**entry, "value": given})
    free = {name: value for name, value in values.items() if name not in names}
    return [*inputs, *(_valued(name, value) for name, value in {**free, **added}.items())]


def decisive_inputs(content: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The inputs whose change calls for another deployment: the value of each, and its default."""
    decisive = [entry for entry in content.get("inputs") or () if entry.get("replace_on_change")]
    defaults = {entry["name"]: entry.get("default") for entry in decisive}
    return {name: {"value": values.get(name, each), "default": each} for name, each in defaults.items()}


def changed_decisively(known: Mapping[str, Mapping[str, Any]], values: Mapping[str, Any]) -> str | None:
    """The first of the ``decisive_inputs`` that has another value now."""
    changed = (name for name, each in known.items() if values.get(name, each["default"]) != each["value"])
    return next(changed, None)


def _valued(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "type": "String", "value": value}


def outcome(
    outputs: Iterable[Mapping[str, Any]], details: Mapping[str, Any]
) -> tuple[str, str, dict[str, Any]]:
    """Status, reason and output values of a deployment after its guest has signalled."""
    declared = {entry["name"]: bool(entry.get("error_output")) for entry in outputs}
    values = {name: details[name] for name in (*declared, *RESULTS) if name in details}
    errors = [f"{name} : {details[name]}" for name, bad in declared.items() if bad and details.get(name)]
    code = details.get(STATUS_CODE)
    if code is not None and str(code) not in ("", "0"):
        errors.insert(0, f"{STATUS_CODE} : Deployment exited with non-zero status code: {code}")
    if errors:
        return "FAILED", ", ".join(errors), values
    return "COMPLETE", "Outputs received", values
