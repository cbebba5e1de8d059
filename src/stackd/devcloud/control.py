"""The dev cloud's own API below `/_dev`: faults, state, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from stackd.devcloud.wire import Reply

if TYPE_CHECKING:
    from stackd.devcloud.cloud import DevCloud


def answer(cloud: DevCloud, method: str, path: str, body: bytes) -> Reply:
    """The reply to a call of the control API."""
    name = path.strip("/").removeprefix("_dev").strip("/")
    if path in ("", "/"):
        return Reply(200, {"url": cloud.world.base_url, "auth_url": cloud.auth_url})
    try:
        data = orjson.loads(body) if body else None
        if method == "HEAD":
            method = "GET"
        handler = _HANDLERS.get((method, name)) if path.startswith("/_dev") else None
        if handler is None:
            return Reply(404, {"error": f"nothing at {method} {path}"})
        return Reply(200, handler(cloud, data))
    except (ValueError, TypeError, AttributeError) as error:
        return Reply(400, {"error": str(error)})


def _show_faults(cloud: DevCloud, data: Any) -> Any:
    return {"rules": [rule.report() for rule in cloud.faults.rules]}


def _put_faults(cloud: DevCloud, data: Any) -> Any:
    if isinstance(data, dict):
        cloud.faults.replace(data.get("rules", []), data.get("seed"))
    else:
        cloud.faults.replace(data or [])
    return _show_faults(cloud, None)


def _clear_faults(cloud: DevCloud, data: Any) -> Any:
    cloud.faults.replace([])
    return {"rules": []}


def _state(cloud: DevCloud, data: Any) -> Any:
    cloud.store.settle()
    objects = {
        kind: [entity.data for entity in table.rows.values()] for kind, table in cloud.store.tables.items()
    }
    hidden = {
        kind: [_plain(entity.private) for entity in table.rows.values()]
        for kind, table in cloud.store.tables.items()
    }
    quotas = [
        {"project": project, "name": name, "limit": limit}
        for (project, name), limit in cloud.world.project_quotas.items()
    ]
    return {"objects": objects, "hidden": hidden, "quotas": quotas, **cloud.meter.report()}


def _plain(private: dict[str, Any]) -> dict[str, Any]:
    """The private data of an object that are plain: texts, numbers, lists, maps and sets.

    A key of several parts is shown with slashes between them.
    """
    kept = {name: sorted(value) if isinstance(value, set) else value for name, value in private.items()}
    return {name: _named(value) for name, value in kept.items() if _is_plain(value)}


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            "/".join(map(str, key)) if isinstance(key, tuple) else key: _named(each)
            for key, each in value.items()
        }
    return [_named(each) for each in value] if isinstance(value, list) else value


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, str | int | float | None)


def _counts(cloud: DevCloud, data: Any) -> Any:
    return cloud.meter.report()


def _reset(cloud: DevCloud, data: Any) -> Any:
    cloud.meter.reset()
    return cloud.meter.report()


def _settings(cloud: DevCloud, data: Any) -> Any:
    world = cloud.world
    return {
        "latency": world.latency,
        "service_latency": world.service_latency,
        "ready_after": world.ready_after,
    }


def _patch_settings(cloud: DevCloud, data: Any) -> Any:
    world = cloud.world
    if unknown := data.keys() - {"latency", "service_latency", "ready_after"}:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    world.latency = float(data.get("latency", world.latency))
    world.service_latency = dict(data.get("service_latency", world.service_latency))
    world.ready_after = float(data.get("ready_after", world.ready_after))
    return _settings(cloud, None)


_HANDLERS = {
    ("GET", "faults"): _show_faults,
    ("PUT", "faults"): _put_faults,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "state"): _state,
    ("GET", "counts"): _counts,
    ("DELETE", "state"): _reset,
    ("GET", "settings"): _settings,
    ("PATCH", "settings"): _patch_settings,
}
