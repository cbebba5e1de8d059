"""Keystone identities for software inside servers: one project per tree, one user per resource, on demand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from stackd.auth.stack_users import Ec2Keypair, generate_password
from stackd.auth.stack_users import StackUsers as Domain
from stackd.clients.wire import Permit
from stackd.db import stacks
from stackd.db.database import Database
from stackd.db.journal import Journal, Update
from stackd.engine.services.locks import Locks
from stackd.errors import NotSupported
from stackd.records import Stack
from stackd.resources.context import StackUser


class StackUserService:
    """Creates and deletes stack users in the stack domain; ``domain`` opens it when first needed."""

    def __init__(
        self, db: Database, journal: Journal, domain: Callable[[], Awaitable[tuple[Domain, str]]] | None
    ) -> None:
        self._db = db
        self._journal = journal
        self._open = domain
        self._opened: tuple[Domain, str] | None = None
        self._locks = Locks()

    async def _domain(self, permit: Permit | None) -> tuple[Domain, str]:
        if self._open is None:
            raise NotSupported(
                "This needs users in a stack domain: set keystone.stack_domain_name and its administrator"
            )
        if self._opened is None:
            self._opened = await self._open()
        domain, domain_id = self._opened
        return domain.with_permit(permit), domain_id

    async def make(
        self, stack: Stack, name: str, permit: Permit | None, *, keypair: bool, password: str = ""
    ) -> StackUser:
        """See ``engine.execution.run.StackUsers``."""
        domain, domain_id = await self._domain(permit)
        project_id = await self._project(domain, stack)
        password = password or generate_password()
        user_id = await domain.create_user(name, project_id, password)
        pair = await domain.create_keypair(user_id, project_id) if keypair else None
        return StackUser(
            user_id=user_id,
            user_name=name,
            password=password,
            project_id=project_id,
            domain_id=domain_id,
            access_key=pair.access if pair else "",
            secret_key=pair.secret if pair else "",
        )

    async def with_keypair(self, user: StackUser, permit: Permit | None) -> StackUser:
        """See ``engine.execution.run.StackUsers``."""
        domain, _ = await self._domain(permit)
        pair = await domain.create_keypair(user.user_id, user.project_id)
        return replace(user, access_key=pair.access, secret_key=pair.secret)

    async def give_keypair(self, user: StackUser, pair: Mapping[str, str], permit: Permit | None) -> None:
        """See ``engine.execution.run.StackUsers``."""
        domain, _ = await self._domain(permit)
        await domain.create_keypair(user.user_id, user.project_id, Ec2Keypair(**pair))

    async def take_keypair(self, access: str, permit: Permit | None) -> None:
        """See ``engine.execution.run.StackUsers``."""
        domain, _ = await self._domain(permit)
        await domain.delete_keypair(access)

    async def _project(self, domain: Domain, stack: Stack) -> str:
        """The project of the tree; its name is the root's id, so that a repeated attempt finds it."""
        async with self._locks.of(stack.root_id):
            root = await stacks.get(self._db, stack.root_id, None)
            if root is not None and root.stack_user_project_id:
                await self._note_newer(stack, root.stack_user_project_id)
                return root.stack_user_project_id
            project_id = await domain.create_project(_project_name(stack), f"Guests of {stack.name}")
            await self._note_project(stack, project_id)
            return project_id

    async def _note_project(self, stack: Stack, project_id: str) -> None:
        tree = {each.id for each in await stacks.tree(self._db, stack.root_id)} | {stack.root_id}
        values = {"stack_user_project_id": project_id}
        await self._journal.write(*(Update(Stack, each, values) for each in sorted(tree)))

    async def _note_newer(self, stack: Stack, project_id: str) -> None:
        """Note the project with a nested stack that was made after it; its users reach no other stack."""
        if stack.id == stack.root_id:
            return
        nested = await stacks.get(self._db, stack.id, None)
        if nested is not None and nested.stack_user_project_id != project_id:
            await self._journal.write(Update(Stack, stack.id, {"stack_user_project_id": project_id}))

    async def remove(self, user: StackUser, permit: Permit | None) -> None:
        """See ``engine.execution.run.StackUsers``."""
        domain, _ = await self._domain(permit)
        if user.access_key:
            await domain.delete_keypair(user.access_key)
        await domain.delete_user(user.user_id)

    async def enable(self, user: StackUser, permit: Permit | None, *, enabled: bool) -> None:
        """See ``engine.execution.run.StackUsers``."""
        domain, _ = await self._domain(permit)
        await domain.set_enabled(user.user_id, enabled)

    async def remove_named(self, stack: Stack, name: str, permit: Permit | None) -> None:
        """See ``engine.execution.run.StackUsers``."""
        domain, _ = await self._domain(permit)
        async with self._locks.of(stack.root_id):
            root = await stacks.get(self._db, stack.root_id, None)
            noted = root is not None and root.stack_user_project_id
            if not noted and (project_id := await domain.find_project(_project_name(stack))):
                await self._note_project(stack, project_id)
        if user_id := await domain.find_user(name):
            await domain.delete_user(user_id)

    async def remove_project(self, project_id: str, permit: Permit | None) -> None:
        """See ``engine.execution.run.StackUsers``."""
        domain, _ = await self._domain(permit)
        await domain.delete_project(project_id)


def drawn_keypair() -> dict[str, str]:
    """The access key and the secret of a pair that is drawn at random."""
    pair = Ec2Keypair.drawn()
    return {"access": pair.access, "secret": pair.secret}


def _project_name(stack: Stack) -> str:
    return f"stackd-{stack.root_id}"
