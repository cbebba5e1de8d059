"""The server as a whole: it starts, says where a mistake is, and stops in good order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import httpx
import pytest

from stackd.app import serve
from stackd.errors import StackdError
from stackd.serving import listen
from stackd.settings import Listener, Settings, SettingsError
from tests.support.network import free_port


def settings(tmp_path: Path, port: int, **more: object) -> Settings:
    return Settings.model_validate(
        {
            "api": {
                "native": {"port": port},
                "cfn": {"port": free_port()},
                "cloudwatch": {"port": free_port()},
            },
            "database": {"url": f"sqlite:///{tmp_path}/stackd.db"},
            "keystone": {"auth_url": "http://127.0.0.1:9/v3"},
            **more,
        }
    )


async def started(configured: Settings) -> asyncio.Task[None]:
    ready = asyncio.Event()
    task = asyncio.create_task(serve(configured, ready=ready))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    assert not task.done(), task.exception()
    return task


async def test_server_answers_when_it_is_ready_and_ends_when_cancelled(tmp_path: Path) -> None:
    port = free_port()
    task = await started(settings(tmp_path, port))
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{port}/healthcheck")).text == "OK"
        assert (await client.get(f"http://127.0.0.1:{port}/v1/x/stacks")).status_code == 401
    task.cancel()
    await asyncio.wait([task], timeout=60)
    assert task.done()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


async def test_server_ends_at_sigterm(tmp_path: Path) -> None:
    # Libraries of earlier tests may have left a handler of their own, which the server would respect.
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        task = await started(settings(tmp_path, free_port()))
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(task, 60)
        assert task.exception() is None
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_address_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackdError, match=rf"127\.0\.0\.1:{port}.*in use"):
            await serve(settings(tmp_path, port))


def test_address_that_does_not_exist_is_named() -> None:
    with pytest.raises(StackdError, match=r"192\.0\.2\.1"):
        listen(Listener(host="192.0.2.1"))


async def test_lag_of_the_loop_is_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured = settings(
        tmp_path, free_port(), engine={"lag_probe": True}, log={"format": "json", "level": "info"}
    )
    task = await started(configured)
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait([task], timeout=60)
    assert '"event":"loop_lag_total"' in capsys.readouterr().err


async def test_second_server_on_the_same_sqlite_file_is_refused(tmp_path: Path) -> None:
    task = await started(settings(tmp_path, free_port()))
    with pytest.raises(SettingsError, match="Another server uses"):
        await serve(settings(tmp_path, free_port()))
    task.cancel()
    await asyncio.wait([task], timeout=60)


def files(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir() if not each.name.endswith(("-wal", "-shm")))


async def test_file_that_is_no_database_gets_no_company(tmp_path: Path) -> None:
    (tmp_path / "stackd.db").write_text("These are the notes of somebody. " * 100)
    with pytest.raises(SettingsError, match="not a database of SQLite"):
        await serve(settings(tmp_path, free_port()))
    assert files(tmp_path) == ["stackd.db"]


@pytest.mark.parametrize("place", ["no/s.db", "."])
async def test_database_in_a_wrong_place_names_the_setting(place: str, tmp_path: Path) -> None:
    database = {"url": f"sqlite:///{tmp_path}/{place}"}
    with pytest.raises(SettingsError, match=rf"^database\.url = .*{tmp_path}"):
        await serve(settings(tmp_path, free_port(), database=database))
    assert files(tmp_path) == []


async def test_directory_of_plugins_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    plugins = {"directories": [f"{tmp_path}/none"]}
    with pytest.raises(SettingsError, match=rf"^plugins\.directories: .* {tmp_path}/none\."):
        await serve(settings(tmp_path, free_port(), plugins=plugins))


@pytest.mark.parametrize("text", [None, "a: [", "- a", '"stacks:show": 5', '"stacks:show": "role:a and ("'])
async def test_policy_file_with_a_mistake_is_refused(text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(SettingsError, match=rf"^policy\.file: .*{file}"):
        await serve(settings(tmp_path, free_port(), policy={"file": str(file)}))


async def test_answers_leave_at_once_and_not_when_the_last_packet_is_acknowledged() -> None:
    """An answer is written in pieces; asyncio turns delays off for sockets that name TCP only."""
    undelayed: list[int] = []

    def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        undelayed.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    listening = listen(Listener(host="127.0.0.1", port=free_port()))
    async with await asyncio.start_server(accepted, sock=listening) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await reader.read()
        writer.close()
    assert undelayed
    assert all(undelayed)
