"""Each story goes as it went on a running Heat, but for what is said beside it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.routers.conftest import Api
from tests.stories.stories import Story, load_stories, load_told, tell

STORIES = load_stories()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
async def test_story_goes_as_recorded(api: Api, story: Story) -> None:
    async def call(method: str, path: str, body: Any) -> httpx.Response:
        return await api.call(method, path, body)

    answers = await tell(story, call, api.project, pause=0.5)

    assert answers == load_told(story)
