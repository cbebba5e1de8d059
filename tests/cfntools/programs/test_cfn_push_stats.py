"""cfn-push-stats: which metrics it sends, with which names and units."""

from __future__ import annotations

import pytest

from tests.cfntools.conftest import Programs
from tests.cfntools.server import Reply, Server

MEMINFO = "MemTotal: 4194304 kB\nMemAvailable: 1048576 kB\nSwapTotal: 2097152 kB\nSwapFree: 1048576 kB\n"


@pytest.fixture
def ready(programs: Programs, server: Server) -> Programs:
    machine = programs.machine
    server.replies(Reply(b"<PutMetricDataResponse/>"))
    machine.put("/var/lib/heat-cfntools/cfn-watch-server", server.url + "/v1/")
    machine.put("/etc/cfn/cfn-credentials", "AWSAccessKeyId=AK\nAWSSecretKey=SK\n", 0o400)
    machine.put("/proc/meminfo", MEMINFO)
    machine.put("/proc/stat", "cpu  1 2 3 4 5\n")
    return programs


def sent(server: Server) -> dict[str, tuple[str, str]]:
    """The value and the unit of each metric."""
    found: dict[str, tuple[str, str]] = {}
    for request in server.requests:
        form, number = request.form, 1
        while name := form.get(f"MetricData.member.{number}.MetricName"):
            start = f"MetricData.member.{number}."
            found[name] = (form[start + "Value"], form[start + "Unit"])
            number += 1
    return found


@pytest.mark.parametrize(
    ("words", "metrics"),
    [
        (("--service-failure",), {"ServiceFailure": ("1", "Count")}),
        (("--heartbeat",), {"Heartbeat": ("1", "Count")}),
        (("--mem-util",), {"MemoryUtilization": ("75", "Percent")}),
        (("--mem-used",), {"MemoryUsed": ("3072", "Megabytes")}),
        (("--mem-avail", "--memory-units", "gigabytes"), {"MemoryAvailable": ("1", "Gigabytes")}),
        (("--swap-util",), {"SwapUtilization": ("50", "Percent")}),
        (("--swap-used", "--memory-units", "kilobytes"), {"SwapUsed": ("1048576", "Kilobytes")}),
        (("--cpu-util",), {"CPUUtilization": ("0", "Percent")}),
        (("--metric", "Queue", "--units", "Counter", "--value", "7.5"), {"Queue": ("7.5", "Count")}),
        (
            ("--heartbeat", "--mem-util", "--swap-util"),
            {
                "Heartbeat": ("1", "Count"),
                "MemoryUtilization": ("75", "Percent"),
                "SwapUtilization": ("50", "Percent"),
            },
        ),
    ],
)
def test_metrics_have_their_names_and_units(
    ready: Programs, server: Server, words: tuple[str, ...], metrics: dict[str, tuple[str, str]]
) -> None:
    done = ready("cfn-push-stats", *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert sent(server) == metrics
    [request] = server.requests
    assert (request.form["Action"], request.form["Namespace"]) == ("PutMetricData", "system/linux")


def test_disk_has_three_metrics_that_fit_together(ready: Programs, server: Server) -> None:
    words = ("--disk-space-util", "--disk-space-used", "--disk-space-avail", "--disk-units", "bytes")
    assert ready("cfn-push-stats", *words, "--disk-path", "/proc").returncode == 0
    found = sent(server)
    used, spare = (float(found[name][0]) for name in ("DiskSpaceUsed", "DiskSpaceAvailable"))
    share, unit = found["DiskSpaceUtilization"]
    assert (unit, found["DiskSpaceUsed"][1]) == ("Percent", "Bytes")
    assert float(share) == pytest.approx(100 * used / (used + spare), abs=1.0)


def test_metrics_are_of_this_server_and_for_the_watched_alarm(ready: Programs, server: Server) -> None:
    assert ready("cfn-push-stats", "--watch", "stack-alarm", "--heartbeat").returncode == 0
    form = server.requests[0].form
    start = "MetricData.member.1.Dimensions.member."
    pairs = {form[f"{start}{number}.Name"]: form[f"{start}{number}.Value"] for number in (1, 2, 3)}
    assert pairs == {"AlarmName": "stack-alarm", "InstanceId": "U-1", "metering.group": "g"}
    assert "monitoring/aws4_request" in server.requests[0].headers["authorization"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "there is nothing to send"),
        (("--metric", "M", "--value", "1"), "belong together"),
        (("--haproxy",), "haproxy-stats cannot be read"),
        (("--disk-space-util", "--disk-path", "/nosuch"), "/nosuch cannot be measured"),
        (("--heartbeat", "--credential-file", "/nosuch"), "/nosuch with credentials cannot be read"),
    ],
)
def test_mistakes_are_named_and_nothing_is_sent(
    ready: Programs, server: Server, words: tuple[str, ...], message: str
) -> None:
    done = ready("cfn-push-stats", *words)
    assert done.returncode == 1
    assert message in done.stderr
    assert server.requests == []
