"""Each case gets the answer that was recorded, but for what the table of differences says."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.differential.cases import Case, load_cases
from tests.differential.differences import load_table
from tests.differential.exchange import put
from tests.differential.record import load_recorded
from tests.routers.conftest import Api

CASES = load_cases()
TABLE = load_table()
RECORDED = {group: load_recorded(group) for group in {case.group for case in CASES}}


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_answer_is_the_recorded_one(api: Api, case: Case) -> None:
    async def call(method: str, path: str, body: Any) -> httpx.Response:
        return await api.call(method, path, body)

    answer = await put(case, call, api.project, pause=0.005)

    assert TABLE.differing(RECORDED[case.group][case.name], answer) == TABLE.explained(case.name)


def test_each_case_is_recorded_and_each_record_has_a_case() -> None:
    recorded = {name for answers in RECORDED.values() for name in answers}

    assert {case.name for case in CASES} == recorded
    assert len(CASES) == len(recorded)


def test_table_names_cases_that_there_are() -> None:
    names = [case.name for case in CASES]

    unused = [
        pattern
        for row in TABLE.rows
        for pattern in row.answers
        if not any(fnmatchcase(name, pattern) for name in names)
    ]

    assert not unused


def test_documentation_has_the_rows_of_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs/compatibility.md").read_text()

    section = page.partition("### Found by comparison")[2].partition("\n## ")[0]

    assert section.partition("|---|---|---|\n")[2].strip().split("\n") == [row.row for row in TABLE.rows]
