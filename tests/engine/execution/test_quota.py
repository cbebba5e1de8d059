"""The resources of a tree against their limit."""

from __future__ import annotations

import pytest

from stackd.engine.execution.run import ResourceQuota
from stackd.errors import RequestLimitExceeded


def test_growing_beyond_the_limit_is_refused_and_changes_nothing() -> None:
    quota = ResourceQuota(10, {"root": 2, "a": 3})
    with pytest.raises(RequestLimitExceeded, match=r"Maximum resources per stack exceeded \(10\)"):
        quota.take("b", 6)
    quota.take("b", 5)
    with pytest.raises(RequestLimitExceeded):
        quota.take("a", 4)


def test_what_shrinks_or_stays_is_never_refused() -> None:
    quota = ResourceQuota(4, {"a": 6, "b": 2})
    quota.take("a", 6)
    quota.take("a", 5)
    with pytest.raises(RequestLimitExceeded):
        quota.take("b", 3)


def test_what_goes_makes_room() -> None:
    quota = ResourceQuota(4, {"a": 4})
    quota.leave("a")
    quota.leave("a")
    quota.leave(None)
    quota.take("b", 4)
    with pytest.raises(RequestLimitExceeded):
        quota.take("c", 1)


@pytest.mark.parametrize("quota", [ResourceQuota(), ResourceQuota(-1, {"a": 10**6})])
def test_without_a_limit_nothing_is_refused(quota: ResourceQuota) -> None:
    quota.take("b", 10**6)
    quota.take("b", 10**7)
    quota.leave("b")
