"""What is done to the stacks that chaos strikes, one row for each action, in the order in which it is done.

Every request can be sent again when its answer is lost: what it asks for is then found done, or is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from stackd.resources.registry import load_registry
from tests.chaos import acting
from tests.chaos.mixes import mixes
from tests.chaos.portrait import portrait
from tests.chaos.system import Client, Stack
from tests.chaos.tables import is_by_itself, unclaimed
from tests.scenarios import thirty
from tests.scenarios.ledger import Held, Objects, discrepancies, shape
from tests.support.families import DEV_CLOUD, PATHS, body, family

Ask = Callable[[Client, Stack], None]
Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a user does.

    ``ask`` requests it of the stack that is there; None means that ``body`` makes the stack. The stack is in
    the state ``ends`` afterwards, or, where that is empty, as before, and ``settles`` says that it is done.
    Rows with the same ``result`` leave the same behind.
    """

    name: str
    ends: str
    result: str
    ask: Ask | None = None
    body: Body | None = None
    settles: Callable[[Client, Stack], bool] | None = None

    @property
    def is_last(self) -> bool:
        """Whether nothing is left of the stack."""
        return self.ends == "DELETE_COMPLETE"


def _create(name: str, result: str, body: Body) -> Action:
    return Action(name, "CREATE_COMPLETE", result, body=body)


def _update(name: str, result: str, body: Body) -> Action:
    return Action(name, "UPDATE_COMPLETE", result, lambda client, stack: client.update(stack, body))


def _act(action: str) -> Action:
    return Action(
        action, f"{action.upper()}_COMPLETE", action, lambda client, stack: client.act(stack, action)
    )


def _delete(name: str = "delete") -> Action:
    return Action(name, "DELETE_COMPLETE", "nothing", lambda client, stack: client.delete(stack))


def _snapshot(name: str) -> Action:
    def ask(client: Client, stack: Stack) -> None:
        if not client.snapshots(stack):
            client.take_snapshot(stack)

    return Action(name, "SNAPSHOT_COMPLETE", name, ask)


def _restore(name: str) -> Action:
    def ask(client: Client, stack: Stack) -> None:
        (snapshot,) = client.snapshots(stack)
        client.restore(stack, snapshot)

    return Action(name, "RESTORE_COMPLETE", name, ask)


def _forget(name: str) -> Action:
    def ask(client: Client, stack: Stack) -> None:
        for each in client.snapshots(stack):
            if each["status"] == "COMPLETE":
                client.delete_snapshot(stack, each)

    return Action(name, "", name, ask, settles=lambda client, stack: not client.snapshots(stack))


def _scale(name: str, result: str, policy: str) -> Action:
    """A signal after which the group has the policy's size: sent twice, it does nothing the second time."""
    size = acting.POLICIES[policy]

    def has_size(client: Client, stack: Stack) -> bool:
        outputs = {each["output_key"]: each.get("output_value") for each in client.show(stack)["outputs"]}
        return bool(outputs["size"] == size)

    return Action(name, "", result, lambda client, stack: client.signal(stack, policy), settles=has_size)


def _thirty() -> Sequence[Action]:
    """Thirty resources that are made, changed, changed back and deleted."""
    known = frozenset(load_registry([]).types)
    one, two = (
        {"template": thirty.template(version, known), "files": thirty.FILES, "timeout_mins": 60}
        for version in (1, 2)
    )
    return (
        _create("create", "one", one),
        _update("update", "two", two),
        _update("update back", "one", one),
        _delete(),
    )


def _acting() -> Sequence[Action]:
    """Every other action, on a stack of groups, copies and software."""

    def body(version: int, size: int) -> Body:
        return {"template": acting.template(version, size), "timeout_mins": 60}

    return (
        _create("create groups", "small", body(1, 1)),
        _update("roll", "rolled", body(2, 1)),
        _update("grow", "grown", body(2, 3)),
        _update("shrink", "rolled", body(2, 1)),
        _scale("scale out", "grown", "to_three"),
        _scale("scale in", "rolled", "to_one"),
        _act("suspend"),
        _act("resume"),
        _act("check"),
        _snapshot("snapshot"),
        _update("roll on", "rolled on", body(3, 2)),
        _restore("restore"),
        _forget("delete snapshot"),
        _snapshot("snapshot again"),
        _delete("delete groups"),
    )


@dataclass(frozen=True, slots=True)
class Books:
    """How the cloud is held against the API, and against what an undisturbed action left.

    ``discrepancies`` takes the objects that were made, and what resources have of them; ``shape`` gives what
    the same stack has everywhere; ``stays`` says, of a table, whether an object may outlive its stack.
    """

    discrepancies: Callable[[Objects, Held], list[str]] = discrepancies
    shape: Callable[[Objects], list[str]] = shape
    stays: Callable[[str, Mapping[str, Any]], bool] = lambda table, each: False


@dataclass(frozen=True, slots=True)
class Script:
    """What is done in a run, by whom, and how it is looked over."""

    actions: Sequence[Action]
    user: str = "demo"
    books: Books = field(default_factory=Books)
    reports: bool = False
    """Whether guests report to the handles of wait conditions."""


def told(stories: Sequence[str]) -> Script:
    """These stories, one after another."""
    return Script([action for name in stories for action in STORIES[name]])


def mixed(seed: int, count: int) -> Script:
    """Generated stacks of all types, made by an administrator; objects are compared field by field."""
    actions: list[Action] = []
    for number, mix in enumerate(mixes(seed, count), 1):
        one, two = ({"template": each, "timeout_mins": 60} for each in (mix.one, mix.two))
        actions += (
            _create(f"create mix {number}", f"mix {number}", one),
            _update(f"update mix {number}", f"mix {number} changed", two),
            _update(f"update mix {number} back", f"mix {number} again", one),
            _delete(f"delete mix {number}"),
        )
    return Script(actions, "admin", Books(unclaimed, portrait, is_by_itself))


def families(seed: int, count: int) -> Script:
    """Some of the families, all with twenty: each is made, changed as its steps say, and deleted."""
    names = [path.stem for path in PATHS]
    Random(seed).shuffle(names)
    actions: list[Action] = []
    for name in names[:count]:
        life = family(name)
        for number, step in enumerate(life.steps(DEV_CLOUD), 1):
            asked = {**body(life, step), "timeout_mins": 60}
            make = _update if number > 1 else _create
            actions.append(make(f"{name} {number}", f"{name} {number}", asked))
        actions.append(_delete(f"delete {name}"))
    return Script(actions, "admin", Books(unclaimed, portrait, is_by_itself), reports=True)


STORIES: Final[Mapping[str, Sequence[Action]]] = {"thirty": _thirty(), "acting": _acting()}
"""Actions in their order, from the creation of a stack to its deletion."""


def quotas(strikes: int, actions: int, turn: int = 0, most: int = 2) -> list[int]:
    """How many strikes each action gets, in as few rounds of all actions as give it ``most`` at a time.

    They are spread evenly; where there are fewer than actions, ``turn`` chooses which are struck.
    """
    rounds = max(1, -(-strikes // (most * actions)))
    total = rounds * actions
    spread = [strikes * (index + 1) // total - strikes * index // total for index in range(total)]
    return [*spread[turn:], *spread[:turn]]
