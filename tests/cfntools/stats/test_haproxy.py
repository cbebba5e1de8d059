"""The load balancer, by its statistics."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from stackd_cfntools.errors import ToolError
from stackd_cfntools.stats.data import Datum
from stackd_cfntools.stats.haproxy import latency, measured, statistics
from tests.cfntools.machine import Machine

TEXT = (Path(__file__).parent / "haproxy.csv").read_text()


def test_metrics_are_those_of_frontends_and_servers() -> None:
    found = {each.name: each.value for each in measured(TEXT)}
    assert found == {
        "RequestCount": 19,
        "HTTPCode_ELB_4XX": 3,
        "HTTPCode_ELB_5XX": 4,
        "HTTPCode_Backend_2XX": 10,
        "HTTPCode_Backend_3XX": 2,
        "HTTPCode_Backend_4XX": 2,
        "HTTPCode_Backend_5XX": 3,
        "HealthyHostCount": 2,
        "UnHealthyHostCount": 1,
        "Latency": 0.9,
    }
    assert {each.unit for each in measured(TEXT)} == {"Count", "Seconds"}


def test_latency_is_the_longest_check() -> None:
    assert latency(TEXT) == Datum("Latency", 0.9, "Seconds")


@pytest.mark.parametrize("text", ["", "# header only\n", "a,b,c\n"])
def test_other_text_is_an_error(text: str) -> None:
    with pytest.raises(ToolError, match="no rows with 49 columns"):
        measured(text)


def test_statistics_are_asked_for_on_the_socket(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.real("/tmp").mkdir(parents=True)
    monkeypatch.chdir(machine.root)  # the path of a socket may not be long
    machine.root = "."
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("tmp/.haproxy-stats")
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(100) == b"show stat\n"
                connection.sendall(TEXT.encode())

        thread = threading.Thread(target=answer)
        thread.start()
        assert statistics(machine) == TEXT
        thread.join()


def test_balancer_that_does_not_run_is_an_error(machine: Machine) -> None:
    with pytest.raises(ToolError, match="haproxy-stats cannot be read"):
        statistics(machine)
