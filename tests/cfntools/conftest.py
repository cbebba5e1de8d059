"""What the tests of the guest tools share: a machine, a server, and programs as processes."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from stackd_cfntools.programs import program
from stackd_cfntools.system import System
from tests.cfntools.machine import Machine
from tests.cfntools.server import Server, serving

SOURCE = Path(__file__).parents[2] / "cfntools" / "src"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "root")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a certificate of localhost, which nobody has signed but itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(tz=UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    path.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[Server]:
    """A server of localhost with that certificate."""
    with serving(certificate) as made:
        yield made


@dataclass(frozen=True)
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Programs:
    """The commands on a scratch root, in this process; `process` runs one in a process of its own."""

    machine: Machine

    def __call__(self, name: str, *words: str, **environ: str) -> Done:
        """What a command comes to."""
        module = import_module(f"stackd_cfntools.programs.{name.replace('-', '_')}")
        system = System(
            self.machine.root, sleep=self.machine.sleep, environ={"PATH": self._path(), **environ}
        )
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), _own_logging():
            try:
                code = program.run(module.parser(), module.work, list(words), system)
            except SystemExit as ended:
                code = int(ended.code or 0)
        return Done(code, out.getvalue(), err.getvalue())

    def process(self, name: str, *words: str, python: str = sys.executable) -> Done:
        """What a command comes to in a process of its own."""
        command = f"from stackd_cfntools.programs.{name.replace('-', '_')} import main; main()"
        environ = {"PATH": self._path(), "PYTHONPATH": str(SOURCE), "STACKD_CFNTOOLS_ROOT": self.machine.root}
        done = subprocess.run(
            [python, "-c", command, *words],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def _path(self) -> str:
        return f"{self.machine.path('/bin')}:{os.environ['PATH']}"


@contextmanager
def _own_logging() -> Iterator[None]:
    """The log that a command sets up ends with it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        for handler in root.handlers:
            if handler not in handlers:
                handler.close()
        root.handlers[:], root.level = handlers, level


@pytest.fixture
def programs(machine: Machine) -> Programs:
    """The commands, on a machine that is a server of Nova's."""
    machine.put("/var/lib/heat-cfntools/nova_meta.json", '{"uuid": "U-1", "meta": {"metering.group": "g"}}')
    machine.real("/var/log").mkdir(parents=True)
    return Programs(machine)
