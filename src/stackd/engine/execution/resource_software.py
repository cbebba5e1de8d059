"""The software configurations and the deployment that a resource stands for, stored together with its row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from stackd.db import resources, software, stacks
from stackd.db.journal import Insert, Remove, Update
from stackd.errors import ResourceFailure
from stackd.records import Action, Resource, SoftwareConfig, SoftwareDeployment, new_id, now

if TYPE_CHECKING:
    from stackd.engine.execution.resource_context import ResourceContext
from stackd.resources.context import JSON
from stackd.resources.heat import transports
from stackd.resources.heat.software import guest_view


class ResourceSoftware:
    """Implements the types' ``Software``.

    A record and the id under which the resource finds it again are one write, so that no crash parts them.
    """

    def __init__(self, work: ResourceContext) -> None:
        self._work = work

    async def config(self, config_id: str) -> SoftwareConfig | None:
        """See ``Software``."""
        work = self._work
        return await software.config(work.run.services.db, config_id, work.stack.project_id)

    async def create_config(self, group: str, content: Mapping[str, Any]) -> None:
        """See ``Software``."""
        config = self._config(self._work.physical_name, group, content)
        await self._work.store(Insert(config), physical_id=config.id)

    async def delete_config(self) -> None:
        """See ``Software``."""
        work = self._work
        if await software.is_used(work.run.services.db, work.physical_id):
            raise ResourceFailure(
                f"The software config {work.physical_id} is used by a deployment. "
                "Delete that deployment first."
            )
        await work.store(Remove(SoftwareConfig, work.physical_id))

    async def deployment(self) -> SoftwareDeployment | None:
        """See ``Software``."""
        work = self._work
        if not work.resource.physical_id:
            return None
        return await software.deployment(work.run.services.db, work.physical_id, work.stack.project_id)

    async def deploy(
        self, name: str, group: str, content: Mapping[str, Any], **values: Any
    ) -> SoftwareDeployment:
        """See ``Software``."""
        work = self._work
        config = self._config(name, group, content)
        values = {**values, "config_id": config.id}
        before = await self.deployment()
        if before is None:
            made = SoftwareDeployment(
                id=new_id(), project_id=work.stack.project_id, created_at=config.created_at, **values
            )
            await work.store(Insert(config), Insert(made), physical_id=made.id)
            return made
        values["updated_at"] = config.created_at
        change = Update(SoftwareDeployment, before.id, values)
        await work.store(Insert(config), change, Remove(SoftwareConfig, before.config_id))
        return replace(before, **values)

    async def of_server(self, server_id: str) -> list[JSON]:
        """See ``Software``."""
        work = self._work
        found = await software.of_server(work.run.services.db, server_id, work.stack.project_id)
        return [guest_view(each) for each in found]

    async def server(self, server_id: str) -> Resource | None:
        """See ``Software``. One that is not replaced comes first."""
        work, db = self._work, self._work.run.services.db
        rows = await resources.with_physical_id(db, server_id)
        for row in sorted(rows, key=lambda row: bool(row.replaced_by)):
            if row.root_id == work.stack.root_id or await stacks.get(db, row.stack_id, work.stack.project_id):
                return row
        return None

    async def publish(self, server_id: str) -> None:
        """See ``Software``. Changes at the same time share one message."""
        work = self._work

        async def send() -> None:
            if (server := await self._receiver(server_id)) is not None:
                await transports.push(work, server)

        if await self._receiver(server_id) is not None:
            await work.run.services.publications.join(f"{work.stack.project_id}/{server_id}", send)

    async def _receiver(self, server_id: str) -> Resource | None:
        """The server with this id if its metadata have to be sent to it."""
        server = await self.server(server_id)
        stays = server is not None and server.action is not Action.DELETE
        return server if server is not None and stays and transports.sends(server) else None

    async def change(self, data: Mapping[str, Any] | None = None, **values: Any) -> None:
        """See ``Software``."""
        work = self._work
        change = Update(SoftwareDeployment, work.physical_id, {**values, "updated_at": now()})
        await work.store(change, **({"data": {**work.data, **data}} if data else {}))

    async def withdraw(self) -> None:
        """See ``Software``."""
        if (found := await self.deployment()) is not None:
            gone = (Remove(SoftwareDeployment, found.id), Remove(SoftwareConfig, found.config_id))
            await self._work.store(*gone)

    def _config(self, name: str, group: str, content: Mapping[str, Any]) -> SoftwareConfig:
        return SoftwareConfig(
            id=new_id(),
            project_id=self._work.stack.project_id,
            name=name,
            group=group,
            created_at=now(),
            content=content,
        )
