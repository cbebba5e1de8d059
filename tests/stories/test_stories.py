"""Each story goes as it went on a running Heat, but for what the table of differences says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.routers.conftest import Api
from tests.stories.differences import differing, load_differences
from tests.stories.stories import Story, load_stories, load_told, tell

STORIES = load_stories()
DIFFERENCES = load_differences()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_story_goes_as_recorded(api: Api, story: Story) -> None:
    async def call(method: str, path: str, body: Any) -> httpx.Response:
        return await api.call(method, path, body)

    answers = await tell(story, call, api.project, pause=0.5)

    instead = differing(story.name, DIFFERENCES)
    told = load_told(story)
    assert answers == [instead.get(number, answer) for number, answer in enumerate(told, 1)]


def test_differences_are_of_steps_that_there_are_and_differ() -> None:
    stories = {story.name: story for story in STORIES}

    same = [
        (name, number)
        for row in DIFFERENCES
        for name, answers in row.stories.items()
        for number, answer in answers.items()
        if load_told(stories[name])[number - 1] == answer
    ]

    assert same == []


def test_documentation_has_the_rows_of_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs/compatibility.md").read_text().split("\n")

    assert [row.row for row in DIFFERENCES if row.row not in page] == []
