"""No request stops a real server: it answers each, is well meanwhile, and stays small."""

from __future__ import annotations

import asyncio
import json
import os
import resource
from collections import Counter
from pathlib import Path

from tests.hostile.attack import attacked, wrong
from tests.hostile.requests import KINDS, Hostile, hostile_requests, template
from tests.support.waiting import until

LONGEST_STALL = 250.0
"""Milliseconds of CPU time for which the loop may attend to one thing; ``make bench`` measures real time."""

MOST_MEMORY = 200.0
SILENT = 1100


def test_requests_are_of_every_kind_that_the_documentation_lists() -> None:
    kinds = Counter(request.kind for request in hostile_requests())
    assert sum(kinds.values()) >= 200
    assert min(kinds.values()) >= 10
    text = Path("docs/testing.md").read_text()
    assert [kind for kind in (*KINDS, "tokens", "connections") if f"| {kind} |" not in text] == []


async def test_hostile_requests_neither_stop_nor_break_nor_swell_the_server(tmp_path: Path) -> None:
    async with attacked(tmp_path) as attack:
        await attack.create_target()
        before = attack.memory()
        answers = await attack.send_all(hostile_requests())
        assert wrong(answers) == []
        assert attack.failures() == []
        assert attack.memory("VmHWM") - before < MOST_MEMORY
        assert max(attack.stalls()) < LONGEST_STALL
        assert {status for status, _ in attack.health} == {200}


async def test_silent_connections_do_not_keep_others_out(tmp_path: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, SILENT + 500), most))
    try:
        async with attacked(tmp_path) as attack:
            silent = [await asyncio.open_connection("127.0.0.1", attack.server.port) for _ in range(SILENT)]
            for _, writer in silent[::3]:
                writer.write(b"GET /v1 HTTP/1.1\r\nX-Slow: ")
            before = attack.memory()
            greedy = [writer for _, writer in silent[-5:]]
            for writer in greedy:
                for _ in range(500):
                    writer.write(b"x" * 20_000)
            answers = await asyncio.gather(
                *(
                    attack.send(Hostile("connections", "list", "GET", "/stacks", refused=False))
                    for _ in range(50)
                )
            )
            assert wrong(answers) == []
            assert attack.memory("VmHWM") - before < MOST_MEMORY
            assert {status for status, _ in attack.health} == {200}
            for _, writer in silent:
                writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))


async def test_database_that_is_removed_is_noticed_and_logged_once(tmp_path: Path) -> None:
    listed = Hostile("database", "list", "GET", "/stacks", refused=False)
    body = json.dumps({"stack_name": "lost", "template": template()}).encode()
    created = Hostile("database", "create", "POST", "/stacks", body, refused=False)
    async with attacked(tmp_path) as attack:
        os.rename(tmp_path / "stackd.db", tmp_path / "away")
        assert [(await attack.send(each)).status for each in (listed, created)] == [503, 503]
        await until(lambda: attack.health[-1][0] == 503)
        os.rename(tmp_path / "away", tmp_path / "stackd.db")
        assert [(await attack.send(each)).status for each in (listed, created)] == [200, 201]
        log = attack.server.log.read_text()
    assert log.count("database_gone") == 1
