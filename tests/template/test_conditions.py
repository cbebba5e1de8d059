"""Several threads may ask for the conditions of one definition at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stackd.template.conditions import Conditions
from stackd.template.evaluation import condition_value
from stackd.template.functions.base import Call
from stackd.template.template import load_template
from tests.support.templates import LATEST


def test_condition_that_another_thread_evaluates_is_no_circle() -> None:
    template = load_template({"heat_template_version": LATEST, "conditions": {"a": {"equals": [1, 1]}}})
    both = threading.Barrier(2, timeout=60)

    def evaluate(conditions: Conditions, node: Call) -> Any:
        both.wait()
        return condition_value(conditions, node)

    conditions = Conditions(template, {}, evaluate)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(conditions.holds, ["a", "a"])) == [True, True]
