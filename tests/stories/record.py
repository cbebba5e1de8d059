"""Record what a running server makes of the stories, as the data that stackd is compared with.

    python -m tests.stories.record --endpoint http://127.0.0.1:8004/v1 [NAME…]

The user is told by the environment as for ``tests.differential.record``. Without names the stories that have
no recorded answers are put, and answers without a story removed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.differential.record import signed_in
from tests.stories.stories import TOLD, Story, load_stories, tell


async def record(endpoint: str, only: list[str], at_once: int) -> None:
    """Put the stories, and store what is answered."""
    stories = load_stories()
    names = {story.name for story in stories}
    for path in TOLD.glob("*.json"):
        if path.stem not in names:
            path.unlink()
    todo = [each for each in stories if each.name in only or not (only or _path(each).exists())]
    slots = asyncio.Semaphore(at_once)
    async with httpx.AsyncClient(timeout=120) as client:
        token, project = await signed_in(client)

        async def call(method: str, path: str, body: Any) -> httpx.Response:
            url = f"{endpoint}/{project}{path}"
            return await client.request(method, url, json=body, headers={"X-Auth-Token": token})

        async def one(story: Story) -> None:
            async with slots:
                try:
                    answers = await tell(story, call, project, pause=0.5)
                except (TimeoutError, KeyError, ValueError) as error:
                    sys.stdout.write(f"{story.name}: {error!r}\n")
                    return
                _path(story).write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
                sys.stdout.write(f"{story.name}\n")
                sys.stdout.flush()

        async with asyncio.TaskGroup() as group:
            for story in todo:
                group.create_task(one(story))


def _path(story: Story) -> Path:
    return TOLD / f"{story.name}.json"


def main() -> None:
    """Read the arguments, and record."""
    parser = argparse.ArgumentParser(description="Record what a running server makes of the stories.")
    parser.add_argument("--endpoint", required=True, help="its URL up to /v1")
    parser.add_argument("--at-once", type=int, default=4, help="stories that are put at the same time")
    parser.add_argument("only", nargs="*", help="names of stories, to record them anew")
    given = parser.parse_args()
    asyncio.run(record(given.endpoint, given.only, given.at_once))


if __name__ == "__main__":
    main()
