"""Plans, carried out on a small model of a cloud in every order that their graphs allow."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from stackd.engine.planning.ordering import SETTLED, Node, Order, best_row, order, target_of
from stackd.records import Action, Definition, Resource, Status
from tests.support.records import START

NAMES = "abcdef"
OLD, NEW = "old", "new"
_ids = itertools.count()


def a_row(name: str, **fields: Any) -> Resource:
    row = Resource(
        id=f"{name}{next(_ids)}",
        stack_id="s",
        root_id="s",
        name=name,
        type="T",
        kind="T",
        action=Action.CREATE,
        status=Status.COMPLETE,
        applied_from=OLD,
        created_at=START,
    )
    return replace(row, **fields)


@st.composite
def dags(draw: st.DrawFn) -> dict[str, frozenset[str]]:
    """What each of some names needs; never in a circle."""
    order = draw(st.permutations(draw(st.lists(st.sampled_from(NAMES), unique=True))))
    return {
        name: frozenset(draw(st.lists(st.sampled_from(order[:index]), unique=True))) if index else frozenset()
        for index, name in enumerate(order)
    }


@dataclass
class Model:
    """Rows that refer to rows, as objects in a cloud do: one that is referred to cannot be deleted."""

    rows: dict[str, Resource]
    uses: dict[str, set[str]]
    target: str = NEW

    @classmethod
    def of(cls, requires: dict[str, frozenset[str]]) -> Model:
        rows = {name: a_row(name, requires=tuple(needed)) for name, needed in requires.items()}
        uses = {row.id: {rows[needed].id for needed in row.requires} for row in rows.values()}
        return cls({row.id: row for row in rows.values()}, uses)

    def run(
        self,
        made: Order,
        requires: dict[str, frozenset[str]],
        replaced: set[str],
        dice: Random,
        *,
        at_most: int | None = None,
    ) -> None:
        current = {name: row.id if row else None for name, row in made.current.items()}
        waiting = dict(made.graph.in_degree())
        ready = [step for step, count in waiting.items() if not count]
        done = 0
        while ready:
            if done == at_most:
                return
            step = ready.pop(dice.randrange(len(ready)))
            done += 1
            if step == SETTLED:
                pass
            elif step.is_clean:
                self._clean(step, current)
            else:
                self._apply(step.name, requires[step.name], current, replaced)
            for after in made.graph.successors(step):
                waiting[after] -= 1
                if not waiting[after]:
                    ready.append(after)
        assert done == len(made.graph), "steps were left waiting for each other"

    def _apply(
        self, name: str, needed: frozenset[str], current: dict[str, str | None], replaced: set[str]
    ) -> None:
        known = current[name]
        if known is None or name in replaced:
            row = a_row(name, replaces=known, created_at=START.replace(year=2031))
            current[name] = row.id
            self.rows[row.id] = row
            if known is not None:
                self.rows[known] = replace(self.rows[known], replaced_by=row.id)
        identity = current[name]
        assert identity is not None
        self.rows[identity] = replace(
            self.rows[identity], requires=tuple(needed), applied_from=self.target, replaced_by=None
        )
        self.uses[identity] = {str(current[other]) for other in needed}
        assert self.uses[identity] <= self.rows.keys()

    def _clean(self, step: Node, current: dict[str, str | None]) -> None:
        if current.get(step.name) == step.row:
            return
        users = [row for row, used in self.uses.items() if step.row in used]
        assert not users, f"{step.row} was deleted while {users} needed it"
        del self.rows[step.row], self.uses[step.row]


@given(old=dags(), new=dags(), dice=st.randoms(use_true_random=False), data=st.data())
def test_carried_out_plan_gives_exactly_what_was_wanted(
    old: dict[str, frozenset[str]], new: dict[str, frozenset[str]], dice: Random, data: st.DataObject
) -> None:
    model = Model.of(old)
    replaced = set(data.draw(st.lists(st.sampled_from(sorted(new)), unique=True))) if new else set()
    keep = data.draw(st.booleans())
    model.run(order(new, list(model.rows.values()), NEW, keep_originals=keep), new, replaced, dice)
    names = {row.name: row for row in model.rows.values()}
    assert len(names) == len(model.rows)
    assert {name: frozenset(row.requires) for name, row in names.items()} == new
    assert all(
        model.uses[row.id] == {names[needed].id for needed in row.requires} for row in model.rows.values()
    )


@given(
    old=dags(),
    new=dags(),
    dice=st.randoms(use_true_random=False),
    data=st.data(),
    at_most=st.integers(0, 12),
)
def test_way_back_from_anywhere_ends_where_it_began_and_with_the_originals(
    old: dict[str, frozenset[str]],
    new: dict[str, frozenset[str]],
    dice: Random,
    data: st.DataObject,
    at_most: int,
) -> None:
    model = Model.of(old)
    originals = {row.name: row.id for row in model.rows.values()}
    replaced = set(data.draw(st.lists(st.sampled_from(sorted(new)), unique=True))) if new else set()
    there = order(new, list(model.rows.values()), NEW, keep_originals=True)
    model.run(there, new, replaced, dice, at_most=at_most)
    model.target = OLD
    model.run(order(old, list(model.rows.values()), OLD), old, set(), dice)
    names = {row.name: row for row in model.rows.values()}
    assert len(names) == len(model.rows)
    assert {name: frozenset(row.requires) for name, row in names.items()} == old
    if at_most < len(new):  # some step had not succeeded yet, so no original was given up
        assert all(names[name].id == originals[name] for name in old if name in new)


@given(wanted=dags())
def test_plan_to_what_is_there_has_no_change(wanted: dict[str, frozenset[str]]) -> None:
    model = Model.of(wanted)
    before = dict(model.rows)
    made = order(wanted, list(model.rows.values()), OLD)
    assert {name: row.id for name, row in made.current.items() if row} == {
        row.name: row.id for row in before.values()
    }
    assert not made.leftovers
    model.run(made, wanted, set(), Random(0))
    assert model.rows.keys() == before.keys()


@given(old=dags(), dice=st.randoms(use_true_random=False))
def test_plan_to_nothing_deletes_in_reverse_order(old: dict[str, frozenset[str]], dice: Random) -> None:
    model = Model.of(old)
    model.run(order({}, list(model.rows.values()), NEW), {}, set(), dice)
    assert model.rows == {}


@given(
    generations=st.lists(dags(), min_size=2, max_size=4), new=dags(), dice=st.randoms(use_true_random=False)
)
def test_generations_that_need_each_other_in_a_circle_are_all_cleaned(
    generations: list[dict[str, frozenset[str]]], new: dict[str, frozenset[str]], dice: Random
) -> None:
    rows = [row for requires in generations for row in Model.of(requires).rows.values()]
    made = order(new, rows, NEW)
    assert nx.is_directed_acyclic_graph(made.graph)
    model = Model({row.id: row for row in rows}, {row.id: set() for row in rows})
    model.run(made, new, set(), dice)
    assert sorted(row.name for row in model.rows.values()) == sorted(new)


def test_row_of_another_name_is_cleaned_after_the_update_of_what_needed_it() -> None:
    needed, needing = a_row("needed"), a_row("needing", requires=("needed",))
    made = order({"needing": frozenset()}, [needed, needing], NEW)
    assert nx.has_path(made.graph, Node("needing"), Node("needed", needed.id))
    assert list(made.leftovers) == [needed]


def test_rollback_picks_the_original_and_not_its_replacement() -> None:
    fresh = a_row("x", applied_from=NEW, created_at=START.replace(year=2031))
    original = a_row("x", replaced_by=fresh.id)
    assert best_row([original, fresh], OLD) is original
    assert best_row([original, fresh], NEW) is fresh


def test_originals_stay_until_everything_else_has_succeeded_where_a_rollback_may_come() -> None:
    original, removed = a_row("x"), a_row("gone")
    wanted = {"x": frozenset[str](), "unrelated": frozenset[str]()}
    kept = order(wanted, [original, removed], NEW, keep_originals=True).graph
    assert nx.has_path(kept, Node("unrelated"), Node("x", original.id))
    assert not nx.ancestors(kept, Node("gone", removed.id))
    free = order(wanted, [original, removed], NEW).graph
    assert nx.ancestors(free, Node("x", original.id)) == {Node("x")}


def test_failed_deleted_and_replaced_rows_are_worse_in_that_order() -> None:
    deleted = a_row("x", action=Action.DELETE)
    failed = a_row("x", status=Status.FAILED)
    replaced = a_row("x", replaced_by="y")
    good = a_row("x")
    ranked = [deleted, failed, replaced, good]
    for index in range(1, len(ranked) + 1):
        assert best_row(ranked[:index], NEW) is ranked[index - 1]
    assert best_row([], NEW) is None


def test_definitions_that_differ_in_parameters_alone_have_different_names() -> None:
    one = Definition(template="t", environment="e")
    assert target_of(one) == target_of(Definition(template="t", environment="e"))
    others = [replace(one, environment="f"), replace(one, files="m"), replace(one, template="u")]
    assert len({target_of(each) for each in [one, *others]}) == 4


def test_row_needs_the_row_of_its_own_definition_and_not_its_heir() -> None:
    """Else two generations whose dependency was turned round would wait for each other in a circle."""
    first, second = a_row("a", requires=("b",)), a_row("b")
    heir = a_row("b", requires=("a",), applied_from=NEW)
    made = order({}, [first, second, heir], OLD)
    assert made.graph.has_edge(Node("a", first.id), Node("b", second.id))
    assert not made.graph.has_edge(Node("a", first.id), Node("b", heir.id))
    assert made.graph.has_edge(Node("b", heir.id), Node("a", first.id))
