"""What flavors and types of volumes have in common: extra specs, and projects that may use private ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stackd.clients.service import Service
from stackd.errors import CloudConflict, CloudNotFound
from stackd.resources.nova.metadata import as_text


async def add_specs(service: Service, path: str, specs: Mapping[str, Any] | None) -> None:
    """Give an object extra specs, a collection of its own at ``path``."""
    if specs:
        await service.post(path, {"extra_specs": as_text(specs)})


async def set_specs(service: Service, path: str, specs: Mapping[str, Any] | None) -> None:
    """Give an object exactly these extra specs."""
    now = (await service.get(path))["extra_specs"]
    for key in sorted(now.keys() - (specs or {}).keys()):
        await service.delete(f"{path}/{key}")
    await add_specs(service, path, specs)


@dataclass(frozen=True, slots=True)
class Access:
    """The actions by which projects are let in to an object that is not public, and kept out of it."""

    let_in: str
    keep_out: str
    key: str

    async def change(self, service: Service, path: str, old: Iterable[str], new: Iterable[str]) -> None:
        """Let in whom only ``new`` has, and keep out whom only ``old`` has; ``path`` is the object's."""
        before, after = set(old), set(new)
        for project in sorted(after - before):
            await self._act(service, path, self.let_in, project)
        for project in sorted(before - after):
            await self._act(service, path, self.keep_out, project)

    async def _act(self, service: Service, path: str, action: str, project: str) -> None:
        """Let a project in or keep it out. Idempotent: ignores 404 and 409."""
        try:
            await service.post(f"{path}/action", {action: {self.key: project}})
        except (CloudConflict, CloudNotFound):
            return
