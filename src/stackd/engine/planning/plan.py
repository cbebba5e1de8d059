"""Plans: what a change will do to each resource of a tree of stacks, why, and in which order (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from stackd.engine.definition.desired import Desired
from stackd.engine.planning.diff import Cause
from stackd.engine.planning.ordering import SETTLED, Node, Order
from stackd.engine.planning.verbs import VERBS, ActionRule, Verb
from stackd.errors import StackdError
from stackd.records import Action, Definition, Resource, Stack

if TYPE_CHECKING:
    import networkx as nx

COMPARES: Final = ActionRule()
FORMAT: Final = 1
"""Version of the stored form of plans; one with another is refused."""

Path = tuple[str, ...]
"""The names of the resources that lead to one, from the outermost stack on, with its own at the end."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is done to one resource. ``row`` is the id of the stored row that it starts from, if there is one.

    One that is ``deferred`` contains a stack that can be planned wholly only when the walk reaches it: its
    steps depend on what is not known yet, or members stand in while others are updated. ``removes``
    says that the row goes: it is of a name that is not wanted any more, or was replaced before.
    ``refused`` is why the step is certain to fail and to do nothing.
    """

    path: Path
    type: str
    verb: Verb
    causes: tuple[Cause, ...] = ()
    row: str = ""
    removes: bool = False
    deferred: bool = False
    refused: str = ""

    @property
    def name(self) -> str:
        """The resource's own name."""
        return self.path[-1]


@dataclass(slots=True)
class StackPlan:
    """The plan of one stack while it is made and walked.

    ``view`` are the rows of wanted names as the steps leave them, None where that is not known. ``steps`` are
    those of the wanted names, ``removals`` those of rows that go, by row id. ``errors`` are why properties of
    wanted names cannot be worked out; a walk meets them again. ``children`` are the plans of stacks inside,
    by the name of the resource (or the id of the row that goes). ``rule`` is that of the action.
    """

    path: Path
    stack: Stack | None
    desired: Desired | None
    stored: Sequence[Resource]
    order: Order
    view: dict[str, Resource | None] = field(default_factory=dict)
    steps: dict[str, Step] = field(default_factory=dict)
    removals: dict[str, Step] = field(default_factory=dict)
    errors: dict[str, StackdError] = field(default_factory=dict)
    children: dict[str, StackPlan] = field(default_factory=dict)
    rule: ActionRule = COMPARES

    @property
    def definition(self) -> Definition | None:
        """The ids of the definition that it leads to; None where some value is not known yet."""
        return self.desired.definition if self.desired is not None else None

    def own(self) -> Iterator[Step]:
        """The steps of this stack alone."""
        yield from self.steps.values()
        yield from self.removals.values()

    def walk(self) -> Iterator[StackPlan]:
        """This plan and those of all stacks inside."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def all_steps(self) -> Iterator[Step]:
        """The steps of this stack and of all inside."""
        for each in self.walk():
            yield from each.own()

    def first_error(self) -> StackdError | None:
        """The first reason why the plan cannot be wholly made."""
        return next((error for each in self.walk() for error in each.errors.values()), None)

    @property
    def is_empty(self) -> bool:
        """Whether nothing in this stack or inside it changes."""
        return not any(VERBS[step.verb].changes for step in self.all_steps())


@dataclass(frozen=True, slots=True)
class Plan:
    """What an action does to a tree of stacks: its steps, and which of them wait for which.

    ``requires`` has, for each step by index, the indices of those that are finished before it begins; a step
    that contains a stack is finished after the steps inside it. Steps that keep a resource as it is are part
    of it. ``root`` is the plan in the form that is walked; a plan that was stored has none.
    """

    action: Action
    steps: tuple[Step, ...]
    requires: tuple[tuple[int, ...], ...]
    root: StackPlan | None = field(default=None, compare=False, repr=False)

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not any(VERBS[step.verb].changes for step in self.steps)

    def changes(self) -> Iterator[Step]:
        """The steps that change something."""
        return (step for step in self.steps if VERBS[step.verb].changes)

    def refused(self) -> list[Step]:
        """The steps that are refused."""
        return [step for step in self.steps if step.refused]

    def counts(self) -> Counter[Verb]:
        """How many steps of each verb there are, without those that are refused."""
        return Counter(step.verb for step in self.steps if not step.refused)

    def judged(self, refusal: Callable[[Step], str]) -> Plan:
        """The same plan, in which also the steps for which ``refusal`` returns a reason are refused."""

        def judge(step: Step) -> Step:
            return step if step.refused or not (reason := refusal(step)) else replace(step, refused=reason)

        for each in self.root.walk() if self.root is not None else ():
            each.steps = {name: judge(step) for name, step in each.steps.items()}
            each.removals = {row: judge(step) for row, step in each.removals.items()}
        return replace(self, steps=tuple(map(judge, self.steps)))

    def graph(self) -> nx.DiGraph[int]:
        """The indices of the steps, with edges to those that wait; the node has its ``step``."""
        import networkx as nx

        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from((index, {"step": step}) for index, step in enumerate(self.steps))
        graph.add_edges_from((needed, index) for index, all_ in enumerate(self.requires) for needed in all_)
        return graph

    def verbs(self) -> Mapping[tuple[Path, str], Step]:
        """The steps by path, and by row where one removes it."""
        return {(step.path, step.row if step.removes else ""): step for step in self.steps}

    def to_data(self) -> dict[str, Any]:
        """The stored form: JSON data."""
        return {
            "format": FORMAT,
            "action": self.action.value,
            "steps": [step_data(step) for step in self.steps],
            "requires": [list(needed) for needed in self.requires],
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Plan:
        """The plan of a stored form; raises ``ValueError`` for another format."""
        if data.get("format") != FORMAT:
            raise ValueError(f"plans of format {data.get('format')!r} cannot be read")
        steps = tuple(_step_of(each) for each in data["steps"])
        return cls(Action(data["action"]), steps, tuple(tuple(needed) for needed in data["requires"]))


_FLAGS: Final = ("removes", "deferred")
_CAUSE_FLAGS: Final = ("unknown", "replaces")


def step_data(step: Step) -> dict[str, Any]:
    """The members that a step has in stored plans and in answers."""
    data: dict[str, Any] = {"path": list(step.path), "type": step.type, "verb": step.verb.value}
    if step.row:
        data["row"] = step.row
    data |= {flag: True for flag in _FLAGS if getattr(step, flag)}
    if step.refused:
        data["refused"] = step.refused
    if step.causes:
        data["causes"] = [cause_data(cause) for cause in step.causes]
    return data


def cause_data(cause: Cause) -> dict[str, Any]:
    """The members that a cause has in stored plans and in answers."""
    data: dict[str, Any] = {"path": cause.path, "old": cause.old, "new": cause.new}
    data |= {flag: True for flag in _CAUSE_FLAGS if getattr(cause, flag)}
    return data | ({"rule": cause.rule} if cause.rule else {})


def _step_of(data: Mapping[str, Any]) -> Step:
    causes = tuple(
        Cause(
            each["path"],
            each["old"],
            each["new"],
            rule=each.get("rule", ""),
            **{flag: bool(each.get(flag)) for flag in _CAUSE_FLAGS},
        )
        for each in data.get("causes", ())
    )
    return Step(
        tuple(data["path"]),
        data["type"],
        Verb(data["verb"]),
        causes,
        data.get("row", ""),
        refused=data.get("refused", ""),
        **{flag: bool(data.get(flag)) for flag in _FLAGS},
    )


# --- from the plans of stacks to the plan of the tree ---------------------------------------------------


def plan_of(action: Action, root: StackPlan) -> Plan:
    """The plan of a whole tree."""
    steps: list[Step] = []
    requires: list[set[int]] = []
    _add(root, frozenset(), steps, requires)
    return Plan(action, tuple(steps), tuple(tuple(sorted(needed)) for needed in requires), root)


def _add(plan: StackPlan, outside: frozenset[int], steps: list[Step], requires: list[set[int]]) -> list[int]:
    """Add a stack's steps, each after what is needed ``outside``; the indices of all that were added."""
    added: list[int] = []
    index: dict[Node, int] = {}
    for node, step in _nodes(plan):
        index[node] = len(steps)
        added.append(len(steps))
        steps.append(step)
        requires.append(set(outside))
    ends = [mine for node, mine in index.items() if not node.is_clean and not _has_users(plan.order, node)]
    for node, mine in index.items():
        for other in _before(plan.order, node):
            requires[mine] |= set(ends) if other == SETTLED else _index_of(other, index)
    for node, mine in index.items():
        child = plan.children.get(node.row or node.name)
        if child is not None:
            inner = _add(child, frozenset(requires[mine]), steps, requires)
            requires[mine] |= set(inner)
            added += inner
    return added


def _nodes(plan: StackPlan) -> Iterator[tuple[Node, Step]]:
    for name, step in plan.steps.items():
        yield Node(name), step
    for row, step in plan.removals.items():
        yield Node(step.name, row), step


def _before(order: Order, node: Node) -> Iterable[Node]:
    return order.graph.predecessors(node) if node in order.graph else ()


def _has_users(order: Order, node: Node) -> bool:
    """Whether a name that is applied waits for this one."""
    return any(not each.is_clean and each != SETTLED for each in order.graph.successors(node))


def _index_of(node: Node, index: Mapping[Node, int]) -> set[int]:
    """The step behind a node; the row of a wanted name is cleaned by the step of the name, if at all."""
    found = index.get(node, index.get(Node(node.name)))
    return set() if found is None else {found}
