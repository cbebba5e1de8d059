import pytest

from stackd.errors import PropertyError
from stackd.resources.aws.haproxy import check_target, configuration

HTTP = {"LoadBalancerPort": 80, "InstancePort": 8080, "Protocol": "HTTP"}
TCP = {"LoadBalancerPort": 3306, "InstancePort": 3306, "Protocol": "TCP"}
CHECK = {
    "Target": "HTTP:8080/up",
    "Interval": 10,
    "Timeout": 5,
    "HealthyThreshold": 2,
    "UnhealthyThreshold": 3,
}


def sections(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in filter(None, text.splitlines()):
        if not line.startswith(" "):
            found[line] = last = []
        else:
            last.append(line.strip())
    return found


def test_each_listener_has_a_frontend_and_a_backend() -> None:
    made = sections(configuration([HTTP, TCP], None, ["10.0.0.1", "fd00::1"]))
    assert made["frontend front-80"] == [
        "bind *:80",
        "mode http",
        "option forwardfor",
        "option http-server-close",
        "default_backend back-80",
    ]
    assert made["backend back-80"] == [
        "mode http",
        "server instance-1 10.0.0.1:8080",
        "server instance-2 [fd00::1]:8080",
    ]
    assert made["frontend front-3306"] == ["bind *:3306", "mode tcp", "default_backend back-3306"]
    assert made["backend back-3306"][0] == "mode tcp"


def test_instances_are_checked_as_the_user_says() -> None:
    made = sections(configuration([HTTP], CHECK, ["10.0.0.1"]))
    assert made["backend back-80"] == [
        "mode http",
        "option httpchk GET /up",
        "timeout check 5s",
        "server instance-1 10.0.0.1:8080 check port 8080 inter 10s fall 3 rise 2",
    ]


@pytest.mark.parametrize(("target", "line"), [("TCP:81", "check port 81 inter"), ("SSL:443", "check-ssl")])
def test_connections_can_be_checked_instead_of_pages(target: str, line: str) -> None:
    text = configuration([HTTP], {**CHECK, "Target": target}, ["10.0.0.1"])
    assert line in text
    assert "httpchk" not in text


def test_without_instances_there_is_a_backend_without_servers() -> None:
    assert sections(configuration([TCP], CHECK, []))["backend back-3306"][-1] == "timeout check 5s"


@pytest.mark.parametrize(
    "target",
    [
        "80",
        "HTTP:80",
        "UDP:53",
        "TCP:65536",
        "HTTP:80/a b",
        "HTTP:80/a\nserver x",
        "HTTP:80/a\n",
        "TCP:x",
        "",
    ],
)
def test_targets_that_cannot_be_asked_are_refused(target: str) -> None:
    with pytest.raises(PropertyError, match="no target") as caught:
        check_target(target, "there")
    assert caught.value.path == "there"


@pytest.mark.parametrize("target", ["HTTP:80/", "HTTPS:443/a?b=c", "TCP:22", "SSL:443"])
def test_other_targets_are_not(target: str) -> None:
    check_target(target, "there")
