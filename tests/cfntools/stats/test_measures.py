"""Measurements of a machine, from what its kernel says."""

from __future__ import annotations

import os

import pytest

from stackd_cfntools.errors import ToolError
from stackd_cfntools.stats import measures
from stackd_cfntools.stats.data import Datum, unit_of
from tests.cfntools.machine import Machine

NEW = "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\nSwapTotal: 200 kB\nSwapFree: 150 kB\n"
OLD = "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 150 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n"


def test_memory_is_read_from_new_and_old_kernels(machine: Machine) -> None:
    machine.put("/proc/meminfo", NEW + "HugePages_Total: 0\n")
    assert measures.memory(machine) == (1000 * 1024, 400 * 1024)
    assert measures.swap(machine) == (200 * 1024, 150 * 1024)
    machine.put("/proc/meminfo", OLD)
    assert measures.memory(machine) == (1000 * 1024, 300 * 1024)
    assert measures.swap(machine) == (0, 0)


def test_disk_is_that_of_the_path(machine: Machine) -> None:
    machine.real("/").mkdir(parents=True)
    found = os.statvfs(machine.root)
    used, spare = measures.disk(machine, "/")
    assert used + spare <= found.f_blocks * found.f_frsize
    with pytest.raises(ToolError, match="/nosuch cannot be measured"):
        measures.disk(machine, "/nosuch")


def test_processor_is_busy_by_the_share_of_its_ticks(machine: Machine) -> None:
    stat = machine.put("/proc/stat", "cpu  100 0 100 700 100 0 0 0 55 0\ncpu0 1 1 1 1\n")

    def pass_time(seconds: float) -> None:
        assert seconds == 1.0
        stat.write_text("cpu  120 0 110 760 110 0 0 0 99 0\n")

    machine.sleep = pass_time
    assert measures.processor(machine) == pytest.approx(30.0)
    machine.sleep = lambda seconds: None
    assert measures.processor(machine) == 0.0


@pytest.mark.parametrize("text", ["", "nothing of use\n"])
def test_kernel_that_says_nothing_is_an_error(machine: Machine, text: str) -> None:
    machine.put("/proc/stat", text)
    machine.put("/proc/meminfo", text)
    with pytest.raises(ToolError, match="/proc/stat"):
        measures.processor(machine)
    with pytest.raises(ToolError, match="/proc/meminfo"):
        measures.memory(machine)


@pytest.mark.parametrize(
    ("units", "value"), [("bytes", 2**30), ("kilobytes", 2**20), ("megabytes", 2**10), ("gigabytes", 1)]
)
def test_sizes_are_in_the_units_that_are_asked_for(units: str, value: float) -> None:
    assert measures.sized("X", 2.0**30, units) == Datum("X", value, units.capitalize())


@pytest.mark.parametrize(
    ("typed", "unit"),
    [
        ("Counter", "Count"),
        ("counter", "Count"),
        ("megabytes", "Megabytes"),
        ("count/second", "Count/Second"),
        ("Furlong", "Furlong"),
    ],
)
def test_units_are_spelled_as_aws_does(typed: str, unit: str) -> None:
    assert unit_of(typed) == unit
