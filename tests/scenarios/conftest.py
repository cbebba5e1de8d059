"""Assertions of the helpers are explained as those of the tests are."""

import pytest

pytest.register_assert_rewrite("tests.scenarios.story", "tests.scenarios.agent", "tests.scenarios.deployed")
