"""cfn-init: a whole example of metadata in a scratch root, whose programs only record themselves."""

from __future__ import annotations

import bz2
import json
import os
import stat
from pathlib import Path

import pytest

from tests.cfntools.conftest import Programs
from tests.cfntools.init.test_sources import CONTENT, member, tarred, zipped
from tests.cfntools.machine import GROUP, PASSWD, Machine
from tests.cfntools.server import Reply, Request, Server, described, refusing

WHOLE = Path(__file__).parents[1] / "data" / "whole.json"
RECORDING = """#!/bin/sh
printf '%s' "$(basename "$0")" >> {log}
for word; do printf ' [%s]' "$word" >> {log}; done
printf '\\n' >> {log}
"""
TOOLS = [
    "apt-get",
    "yum",
    "dnf",
    "zypper",
    "rpm",
    "gem",
    "pip3",
    "groupadd",
    "useradd",
    "systemctl",
    "recorded",
]
KEYS = ("--access-key", "AK", "--secret-key", "SK")


def prepare(machine: Machine) -> None:
    """A machine with all package managers, on which nothing is installed and httpd runs."""
    recording = RECORDING.format(log=machine.path("/ran"))
    for name in TOOLS:
        machine.put(f"/bin/{name}", recording, 0o755)
    machine.put("/bin/gem", recording + '[ "$1" != list ]\n', 0o755)
    machine.put("/bin/pip3", recording + '[ "$1" != show ]\n', 0o755)
    machine.put("/bin/rpm", recording + '[ "$1" != -q ]\n', 0o755)
    machine.put("/bin/dpkg-query", "#!/bin/sh\nexit 1\n", 0o755)
    machine.put("/bin/systemctl", recording + '[ "$1 $2" != "is-active cfn-hup" ]\n', 0o755)
    machine.put(
        "/etc/passwd", PASSWD.format(uid=os.getuid(), gid=os.getgid()).replace(":0:0:", f":{os.getuid()}:0:")
    )
    machine.put("/etc/group", GROUP.format(gid=os.getgid()).replace("root:x:0", f"root:x:{os.getgid()}"))


def answers(server: Server) -> None:
    """The server has the files of the example, and describes the resource with it."""
    metadata = WHOLE.read_text().replace("@URL@", server.url)
    top = member("file")
    files = {
        "/app.tar.gz": Reply(tarred("w:gz", top)),
        "/site.zip": Reply(zipped("index.html")),
        "/dump.sql.bz2": Reply(bz2.compress(CONTENT)),
        "/public": Reply(b"public"),
    }

    def answer(request: Request) -> Reply:
        if request.path == "/v1/":
            return described(metadata)
        if request.path == "/private/file":
            allowed = request.headers.get("authorization") == "Basic Z3Vlc3Q6c2VjcmV0"
            return Reply(b"private") if allowed else Reply(status=401)
        return files.get(request.path, Reply(status=404))

    server.answer = answer


def ran(machine: Machine) -> list[str]:
    """The recorded commands, without those that ask what is there."""
    lines = machine.real("/ran").read_text().splitlines()
    known = [line for line in lines if line.split()[0] in TOOLS]
    asking = ("rpm [-q]", "gem [list]", "pip3 [show]", "systemctl [is-active]")
    return [line for line in known if not line.startswith(asking)]


@pytest.fixture
def whole(programs: Programs, server: Server) -> Programs:
    prepare(programs.machine)
    answers(server)
    programs.machine.put("/var/lib/heat-cfntools/cfn-metadata-server", server.url + "/v1/")
    return programs


def test_whole_example_is_carried_out(whole: Programs, server: Server) -> None:
    machine = whole.machine
    done = whole("cfn-init", "-s", "stack", "-r", "web", "--region", "nova", *KEYS)
    assert done.returncode == 0, done.stderr
    assert ran(machine) == [
        f"rpm [-U] [{server.url}/epel-release.rpm]",
        "apt-get [-q] [update]",
        "apt-get [-q] [-y] [--allow-downgrades] [install] [apache2] [curl=7.88.1-10]",
        "yum [-y] [install] [httpd]",
        "dnf [-y] [install] [git-2.43]",
        "pip3 [install] [requests==2.31.0]",
        "gem [install] [--no-document] [--version] [0.10.2] [chef]",
        "zypper [--non-interactive] [install] [--oldpackage] [nginx]",
        "groupadd [--gid] [45] [database]",
        "groupadd [operators]",
        "useradd [--shell] [/sbin/nologin] [--uid] [1050] [--groups] [operators,database]"
        " [--home-dir] [/srv/app] [app]",
        "recorded [one word] [two]",
        "recorded [waits]",
        "systemctl [enable] [cfn-hup]",
        "systemctl [start] [cfn-hup]",
        "systemctl [enable] [httpd]",
        "systemctl [restart] [httpd]",
        "systemctl [disable] [old]",
        "systemctl [stop] [old]",
    ]  # fmt: skip
    contents = {
        "/srv/app/file": CONTENT,
        "/srv/app/written": b"hello\n",
        "/srv/site/index.html": CONTENT,
        "/srv/dump/dump.sql": CONTENT,
        "/etc/cfn/cfn-credentials": b"AWSAccessKeyId=AK\nAWSSecretKey=SK\n",
        "/etc/app/settings.json": b'{\n    "port": 8080,\n    "debug": false\n}',
        "/etc/app/motd": b"Welcome to web, a, b\n",
        "/etc/app/logo.png": b"\x89PNG\r\n\x1a\n",
        "/etc/app/download": b"private",
        "/etc/app/public": b"public",
    }
    assert {path: machine.real(path).read_bytes() for path in contents} == contents
    assert os.readlink(machine.real("/etc/app/current")) == "/srv/app"
    modes = {"/etc/cfn/cfn-credentials": 0o400, "/etc/app/settings.json": 0o640, "/etc/app/motd": 0o644}
    assert {path: stat.S_IMODE(machine.real(path).stat().st_mode) for path in modes} == modes
    for warned in ("packages.msi", "services.windows", "05-nowhere"):
        assert warned in done.stderr


def test_second_run_restarts_only_what_was_changed_anew(whole: Programs) -> None:
    machine = whole.machine
    assert whole("cfn-init", "-s", "stack", "-r", "web", *KEYS).returncode == 0
    machine.real("/ran").unlink()
    machine.put("/bin/systemctl", RECORDING.format(log=machine.path("/ran")), 0o755)
    assert whole("cfn-init", "-s", "stack", "-r", "web", "-c", "again").returncode == 0
    restarted = [line for line in ran(machine) if "restart" in line]
    assert restarted == ["systemctl [restart] [cfn-hup]"]  # its archive is unpacked in every run


def test_metadata_is_kept_for_runs_without_a_server(whole: Programs, server: Server) -> None:
    machine = whole.machine
    assert whole("cfn-init", "-s", "stack", "-r", "web", *KEYS).returncode == 0
    kept = machine.real("/var/cache/heat-cfntools/last_metadata_web")
    assert "AWS::CloudFormation::Init" in json.loads(kept.read_text())
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text() == machine.real("/var/cache/heat-cfntools/last_metadata").read_text()
    machine.real("/etc/app/motd").unlink()
    machine.real("/etc/cfn/cfn-credentials").unlink()
    before = [each.path for each in server.requests].count("/v1/")
    assert whole("cfn-init").returncode == 0
    assert machine.real("/etc/app/motd").exists()
    assert [each.path for each in server.requests].count("/v1/") == before


def test_first_run_needs_nothing_but_what_the_machine_was_booted_with(programs: Programs) -> None:
    init = {"config": {"files": {"/etc/made": {"content": "x"}}}}
    programs.machine.put(
        "/var/lib/heat-cfntools/cfn-init-data", json.dumps({"AWS::CloudFormation::Init": init})
    )
    done = programs("cfn-init")
    assert (done.returncode, done.stderr) == (0, "")
    assert programs.machine.real("/etc/made").read_text() == "x"


def test_hook_of_software_deployments_leaves_its_config_in_the_cache(programs: Programs) -> None:
    init = {"config": {"commands": {"a": {"command": "echo made > $OUT", "env": {"OUT": "OUT"}}}}}
    text = json.dumps({"AWS::CloudFormation::Init": init}).replace(
        '"OUT"}', f'"{programs.machine.path("/out")}"}}'
    )
    programs.machine.put("/var/cache/heat-cfntools/last_metadata", text)
    assert programs("cfn-init").returncode == 0
    assert programs.machine.real("/out").read_text() == "made\n"


def test_server_that_cannot_be_reached_leaves_what_the_machine_has(
    programs: Programs, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stackd_cfntools.programs import cfn_init, program

    machine = programs.machine
    machine.put("/var/cache/heat-cfntools/last_metadata_web", '{"AWS::CloudFormation::Init": {"config": {}}}')
    server.replies(Reply(status=503))
    words = ["-s", "stack", "-r", "web", "-u", server.url, *KEYS]
    assert program.run(cfn_init.parser(), cfn_init.work, words, machine) == 0
    assert len(server.requests) == 9
    server.replies(refusing("AccessDenied", 403))
    assert program.run(cfn_init.parser(), cfn_init.work, words, machine) == 22


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "there is no metadata"),
        (("-s", "stack", "-r", "web", *KEYS), "URL is not known: give --url"),
        (("--access-key", "AK"), "belong together"),
    ],
)
def test_what_is_missing_is_named(programs: Programs, words: tuple[str, ...], message: str) -> None:
    done = programs("cfn-init", *words)
    assert done.returncode == 1
    assert message in done.stderr
    assert message in programs.machine.real("/var/log/cfn-init.log").read_text()


def test_failure_names_config_section_and_file(programs: Programs) -> None:
    init = {
        "config": {
            "files": {"/etc/a": {"content": "x", "owner": "nosuch"}},
            "commands": {"a": {"command": "x"}},
        }
    }
    programs.machine.put(
        "/var/lib/heat-cfntools/cfn-init-data", json.dumps({"AWS::CloudFormation::Init": init})
    )
    done = programs("cfn-init")
    assert done.returncode == 1
    assert done.stderr == "ERROR: config.files: /etc/a: the owner 'nosuch' does not exist on this machine\n"
    assert not programs.machine.real("/var/cache/heat-cfntools/last_metadata").exists()


def test_unknown_config_set_is_refused(programs: Programs) -> None:
    programs.machine.put(
        "/var/lib/heat-cfntools/cfn-init-data", json.dumps({"AWS::CloudFormation::Init": {"config": {}}})
    )
    assert programs("cfn-init", "-c", "nosuch").returncode == 1


def test_options_of_awss_tool_are_taken(programs: Programs) -> None:
    programs.machine.put("/var/lib/heat-cfntools/cfn-init-data", "{}")
    done = programs("cfn-init", "-v", "--resume", "--role", "r", "--http-proxy", "http://p:1")
    assert done.returncode == 0
    assert "nothing to do" in done.stderr
