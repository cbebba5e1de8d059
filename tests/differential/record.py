"""Record what a running server answers to the cases, as the data that stackd is compared with.

    python -m tests.differential.record --endpoint http://127.0.0.1:8004/v1 [GROUP[/NAME…] …]

The user is that of OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME (``demo`` with the password
``secret`` unless they are set).
Without arguments the cases that have no recorded answer are put, and answers without a case removed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.differential.cases import HERE, Case, load_cases
from tests.differential.exchange import put

RECORDED = HERE / "recorded"


def load_recorded(group: str) -> dict[str, Any]:
    """The recorded answers of one file of cases, by name."""
    path = RECORDED / f"{group}.json"
    answers: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return answers


def store(answers: dict[str, dict[str, Any]], cases: list[Case]) -> None:
    """Write the answers of each file, those of the cases that there are."""
    wanted = {case.name for case in cases}
    for group, found in answers.items():
        kept = {name: answer for name, answer in sorted(found.items()) if name in wanted}
        Path(RECORDED / f"{group}.json").write_text(
            json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        )


async def signed_in(client: httpx.AsyncClient) -> tuple[str, str]:
    """A token and its project."""
    env = os.environ
    user = env.get("OS_USERNAME", "demo")
    identity = {
        "methods": ["password"],
        "password": {
            "user": {
                "name": user,
                "domain": {"id": "default"},
                "password": env.get("OS_PASSWORD", "secret"),
            }
        },
    }
    scope = {"project": {"name": env.get("OS_PROJECT_NAME", user), "domain": {"id": "default"}}}
    url = env.get("OS_AUTH_URL", "http://127.0.0.1:5000/v3") + "/auth/tokens"
    response = await client.post(url, json={"auth": {"identity": identity, "scope": scope}})
    response.raise_for_status()
    return response.headers["x-subject-token"], response.json()["token"]["project"]["id"]


async def record(endpoint: str, only: list[str], at_once: int) -> None:
    """Put the cases, and store what is answered."""
    cases = load_cases()
    answers = {group: load_recorded(group) for group in {case.group for case in cases}}
    named = [case for case in cases if any(case.name.startswith(name) for name in only)]
    todo = named if only else [case for case in cases if case.name not in answers[case.group]]
    slots = asyncio.Semaphore(at_once)
    async with httpx.AsyncClient(timeout=120) as client:
        token, project = await signed_in(client)

        async def call(method: str, path: str, body: Any) -> httpx.Response:
            url = f"{endpoint}/{project}{path}"
            return await client.request(method, url, json=body, headers={"X-Auth-Token": token})

        async def one(case: Case) -> None:
            async with slots:
                answers[case.group][case.name] = await put(case, call, project)
                sys.stdout.write(f"{case.name}\n")
                sys.stdout.flush()

        try:
            async with asyncio.TaskGroup() as group:
                for case in todo:
                    group.create_task(one(case))
        finally:
            store(answers, cases)


def main() -> None:
    """Read the arguments, and record."""
    parser = argparse.ArgumentParser(description="Record the answers of a running server.")
    parser.add_argument("--endpoint", required=True, help="its URL up to /v1")
    parser.add_argument("--at-once", type=int, default=3, help="cases that are put at the same time")
    parser.add_argument("only", nargs="*", help="beginnings of names of cases, to record them anew")
    given = parser.parse_args()
    asyncio.run(record(given.endpoint, given.only, given.at_once))


if __name__ == "__main__":
    main()
