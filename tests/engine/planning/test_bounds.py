"""What the execution of a saved plan may do."""

import pytest

from stackd.engine.planning.bounds import Bounds
from stackd.engine.planning.plan import Plan, Step
from stackd.engine.planning.verbs import VERBS, Verb
from stackd.errors import PlanExceeded
from stackd.records import Action


def bounds(*steps: Step) -> Bounds:
    return Bounds.of(Plan(Action.UPDATE, steps, ((),) * len(steps)))


@pytest.mark.parametrize("planned", Verb)
def test_planned_verb_and_less_is_allowed_and_no_more(planned: Verb) -> None:
    allowed = bounds(Step(("server",), "OS::Nova::Server", planned))
    for verb in Verb:
        if verb is planned or verb in VERBS[planned].may_become:
            allowed.require(("server",), verb)
        else:
            with pytest.raises(PlanExceeded, match=f"server would need {verb} where .* says {planned}"):
                allowed.require(("server",), verb)


def test_resource_that_the_plan_does_not_name_is_left_alone() -> None:
    with pytest.raises(PlanExceeded, match=r"web\.port would need create where .* nothing"):
        bounds(Step(("web",), "tier.yaml", Verb.UPDATE)).require(("web", "port"), Verb.CREATE)


def test_anything_is_allowed_inside_what_the_plan_could_not_look_into() -> None:
    allowed = bounds(Step(("web",), "tier.yaml", Verb.UPDATE, deferred=True))
    allowed.require(("web", "port"), Verb.REPLACE)
    with pytest.raises(PlanExceeded):
        allowed.require(("web",), Verb.REPLACE)


def test_removal_of_a_replaced_row_is_no_bound_of_its_name() -> None:
    gone = Step(("server",), "OS::Nova::Server", Verb.DELETE, row="old", removes=True)
    bounds(gone, Step(("server",), "OS::Nova::Server", Verb.REPLACE)).require(("server",), Verb.REPLACE)
