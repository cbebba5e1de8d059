"""Carry out the Dockerfile without Docker: python tests/deployment/dockerfile_in_chroot.py [directory].

Each stage becomes a clean Debian root (debootstrap) in which COPY, ENV and RUN are done as written. Then the
entry point is started in the last one, as the image's user and in a network of its own; the image's health
check must succeed, and SIGTERM must end the process well. Needs root and debootstrap; takes a few minutes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.deployment.dockerfile import Instruction, Stage, stages  # noqa: E402  (after the path is set)

PACKAGES = "python3,python3-venv,ca-certificates"
# How this machine reaches its package index, if it says so; used while building, gone from the result.
NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
BASE_ENV = {
    "PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
HEALTHY_WITHIN = 60
# A server without a cloud: it must start and answer, no more.
ALONE = {"STACKD_LOG__FORMAT": "json"}


def bare_root(directory: Path) -> Path:
    """A fresh Debian with Python where the official image has it."""
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(directory)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    for name in ("python", "python3"):
        (directory / "usr/local/bin" / name).symlink_to("/usr/bin/python3")
    return directory


@contextmanager
def network(root: Path) -> Iterator[dict[str, str]]:
    """This machine's way to the package index lent to the root; yields the variables that belong to it."""
    kept = {name: (root / name[1:]).read_bytes() for name in NETWORK if (root / name[1:]).is_file()}
    for name in NETWORK:
        if Path(name).is_file():
            (root / name[1:]).parent.mkdir(parents=True, exist_ok=True)
            (root / name[1:]).write_bytes(Path(name).read_bytes())
    try:
        yield {
            key: value
            for key, value in os.environ.items()
            if key.startswith(("PIP_", "SSL_", "http", "HTTP"))
        }
    finally:
        for name in NETWORK:
            (root / name[1:]).unlink(missing_ok=True)
            if name in kept:
                (root / name[1:]).write_bytes(kept[name])


def in_root(root: Path, command: list[str], env: Mapping[str, str], workdir: str) -> None:
    """Run a command inside the root."""
    script = f'cd {workdir} && exec "$@"'
    subprocess.run(["chroot", str(root), "/bin/sh", "-c", script, "sh", *command], env=dict(env), check=True)


def copy(one: Instruction, root: Path, workdir: str, made: Mapping[str, Path]) -> None:
    """COPY, from the repository or from an earlier stage."""
    source = made[one.flags["from"]] if "from" in one.flags else ROOT
    *words, target = one.text.split()
    there = root / str(Path(workdir) / target)[1:]
    for word in words:
        item = source / word.lstrip("/")
        if item.is_dir():
            shutil.copytree(
                item, there, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            place = there / item.name if target.endswith("/") else there
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(item, place)


def build(stage: Stage, root: Path, made: Mapping[str, Path]) -> None:
    """Carry out one stage in a fresh root."""
    bare_root(root)
    env, workdir = dict(BASE_ENV), "/"
    with network(root) as lent:
        for one in stage.instructions:
            print(f"--- {one.word} {one.text[:100]}", flush=True)
            if one.word == "ENV":
                env |= {key: value.replace("$PATH", env["PATH"]) for key, value in one.pairs.items()}
            elif one.word == "WORKDIR":
                workdir = one.text
                (root / workdir[1:]).mkdir(parents=True, exist_ok=True)
            elif one.word == "COPY":
                copy(one, root, workdir, made)
            elif one.word == "RUN":
                in_root(root, ["/bin/sh", "-c", one.text], lent | env, workdir)


def as_user(root: Path, stage: Stage, command: list[str]) -> list[str]:
    """The command as the image's user, inside the root."""
    path = stage.env["PATH"].replace("$PATH", BASE_ENV["PATH"])
    env = [f"{key}={value}" for key, value in {**BASE_ENV, **stage.env, **ALONE, "PATH": path}.items()]
    user = f"--userspec={stage.last('USER').text}"
    return ["chroot", user, str(root), "/usr/bin/env", "-i", "-C", stage.last("WORKDIR").text, *env, *command]


def words(one: Instruction) -> list[str]:
    """The exec form of an instruction that must have one."""
    if one.exec_form is None:
        raise SystemExit(f"{one.word} is not in exec form: {one.text}")
    return one.exec_form


def start_and_check(stage: Stage, root: Path) -> None:
    """Start the image's process, wait until its own health check succeeds, and stop it as Docker would."""
    command = [*words(stage.last("ENTRYPOINT")), *words(stage.last("CMD"))]
    # A network with nothing but a loopback: whatever runs on this machine, the ports are free.
    alone = ["unshare", "--net", "/bin/sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    server = subprocess.Popen([*alone, *as_user(root, stage, command)])
    try:
        end = time.monotonic() + HEALTHY_WITHIN
        inside = ["nsenter", "--net", f"--target={server.pid}"]
        check = [*inside, *as_user(root, stage, words(stage.last("HEALTHCHECK")))]
        while subprocess.run(check, stderr=subprocess.DEVNULL, check=False).returncode:
            if server.poll() is not None or time.monotonic() > end:
                raise SystemExit("the server is not healthy")
            time.sleep(0.5)
        print("--- healthy", flush=True)
        server.send_signal(signal.SIGTERM)
        if server.wait(30):
            raise SystemExit(f"SIGTERM: the server ended with status {server.returncode}")
        print("--- stopped cleanly", flush=True)
    finally:
        if server.poll() is None:
            server.kill()


def main(directory: Path) -> None:
    """Build all stages below the directory, and start the last."""
    made: dict[str, Path] = {}
    for number, stage in enumerate(stages()):
        name = stage.name or str(number)
        print(f"=== stage {name}", flush=True)
        build(stage, directory / name, made)
        made[name] = directory / name
    start_and_check(stages()[-1], made[name])


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory(prefix="stackd-image-") as made_here:
            main(Path(made_here))
