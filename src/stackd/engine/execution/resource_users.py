"""The user that speaks for a resource: guests and services sign in as it, and its id is kept with the row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from stackd.engine.execution.physical_names import physical_name
from stackd.engine.services.stack_data import KEYPAIR
from stackd.engine.services.stack_users import drawn_keypair
from stackd.errors import ResourceFailure
from stackd.records import Resource
from stackd.resources.context import StackUser

if TYPE_CHECKING:
    from stackd.engine.execution.resource_context import ResourceContext

LONGEST_NAME = 64


class ResourceUsers:
    """Implements the types' ``Users``; what Keystone is about to make is noted before it is asked."""

    def __init__(self, work: ResourceContext) -> None:
        self._work = work
        self._users = work.run.services.stack_users
        self._permit = work.run.permit

    async def make(self, *, keypair: bool = False, password: str = "") -> StackUser:
        """See ``Users``."""
        work, user = self._work, self._known(self._work.resource)
        if user is not None:
            if keypair and not user.access_key:
                user = await self._users.with_keypair(user, self._permit)
                await work.put_data(stack_user=_fields_of(user))
            return user
        name = physical_name(work.stack.name, work.resource.name, work.resource.id, LONGEST_NAME)
        await work.put_data(stack_user_name=name)
        user = await self._users.make(
            work.stack_record, name, self._permit, keypair=keypair, password=password
        )
        await work.put_data(stack_user=_fields_of(user), user_id=user.user_id, password=user.password)
        return user

    async def remove(self) -> None:
        """See ``Users``."""
        work, user = self._work, self._known(self._work.resource)
        if user is not None:
            await self._users.remove(user, self._permit)
        elif name := work.resource.data.get("stack_user_name"):
            await self._users.remove_named(work.stack_record, name, self._permit)
        else:
            return
        await work.put_data(stack_user=None, stack_user_name=None, user_id=None, password=None)

    async def enable(self, enabled: bool) -> None:
        """Let the resource's user sign requests, or not; nothing where it has none."""
        if (user := self._known(self._work.resource)) is not None:
            await self._users.enable(user, self._permit, enabled=enabled)

    async def keypair_of(self, owner: Resource) -> Mapping[str, str]:
        """See ``Users``. The pair is stored before Keystone gets it: another attempt gives the same."""
        work, user = self._work, self._known(owner)
        if user is None:
            raise ResourceFailure(f"Resource {owner.name} has no user yet.")
        pair = work.resource.data.get(KEYPAIR)
        if pair is None:
            pair = drawn_keypair()
            await work.put_data(**{KEYPAIR: pair})
        work.run.secrets |= {pair["secret"]}
        await self._users.give_keypair(user, pair, self._permit)
        return dict(pair)

    async def remove_keypair(self) -> None:
        """See ``Users``."""
        if pair := self._work.resource.data.get(KEYPAIR):
            await self._users.take_keypair(pair["access"], self._permit)

    @staticmethod
    def _known(owner: Resource) -> StackUser | None:
        """The user of a resource, as it was stored."""
        stored = owner.data.get("stack_user")
        return StackUser(**stored) if stored else None


def _fields_of(user: StackUser) -> dict[str, str]:
    return {name: getattr(user, name) for name in StackUser.__dataclass_fields__}
