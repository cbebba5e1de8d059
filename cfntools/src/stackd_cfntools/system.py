"""The machine that the tools work on. All that they do to it goes through a `System`; tests give another one.

A root other than / is for images that are prepared from outside: files are read and written below it, users
are those of its /etc/passwd. Commands are run as they are.
"""

import grp
import json
import logging
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Union

from stackd_cfntools.errors import ToolError

log = logging.getLogger(__name__)

ROOT_VARIABLE = "STACKD_CFNTOOLS_ROOT"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/aws/bin"
_KEPT = frozenset(["PATH", "HOME", "LANG"])
_NOT_EXECUTABLE = 126
_NOT_FOUND = 127


class Command(NamedTuple):
    """A text is for the shell, a list is a program and its arguments. ``env`` is the whole environment."""

    words: Union[str, List[str]]
    cwd: Optional[str]
    env: Dict[str, str]
    user: Optional[str]


class Outcome(NamedTuple):
    """The exit code of a command, and what it printed, errors too."""

    status: int
    output: str


class Account(NamedTuple):
    """A user of the machine."""

    name: str
    uid: int
    gid: int
    home: str


def run_command(command: Command) -> Outcome:
    """Run a command of the machine and wait for its end."""
    become = _becoming(command.user) if command.user else None
    try:
        done = subprocess.run(
            command.words,
            shell=isinstance(command.words, str),  # the template's author asks for a shell
            cwd=command.cwd,
            env=command.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=become,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        missing = isinstance(error, FileNotFoundError)
        return Outcome(_NOT_FOUND if missing else _NOT_EXECUTABLE, str(error))
    return Outcome(done.returncode, done.stdout.decode("utf-8", "replace"))


def _becoming(user: str) -> Callable[[], None]:
    """What makes a new process one of that user."""
    entry = _entry(user)

    def become() -> None:
        if entry.pw_uid == os.geteuid():
            return
        os.initgroups(entry.pw_name, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)

    return become


def _entry(user: str) -> "pwd.struct_passwd":
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise ToolError("there is no user {!r} on this machine".format(user)) from None


class System:
    """Files below a root, commands, users and time."""

    def __init__(
        self,
        root: str = "/",
        runner: Callable[[Command], Outcome] = run_command,
        sleep: Callable[[float], None] = time.sleep,
        environ: Optional[Dict[str, str]] = None,
    ) -> None:
        self.root = root
        self.sleep = sleep
        self.environ = dict(os.environ) if environ is None else environ
        self.random = random.SystemRandom()
        self._runner = runner

    # --- files ----------------------------------------------------------------------------------

    def path(self, absolute: str) -> str:
        """Where a path of the machine really is."""
        if self.root == "/":
            return absolute
        return os.path.join(self.root, os.path.normpath("/" + absolute).lstrip("/"))

    def exists(self, absolute: str) -> bool:
        """Whether there is such a file or directory."""
        return os.path.exists(self.path(absolute))

    def read(self, absolute: str) -> Optional[str]:
        """The text of a file; None if it is not there or may not be read."""
        try:
            with open(self.path(absolute), encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            log.warning("%s cannot be read: %s", absolute, error.strerror)
            return None

    def read_json(self, absolute: str) -> Optional[Dict[str, Any]]:
        """The object in a file of JSON; None if there is none."""
        text = self.read(absolute)
        if not text:
            return None
        try:
            value = json.loads(text)
        except ValueError as error:
            log.warning("%s is no JSON: %s", absolute, error)
            return None
        return value if isinstance(value, dict) else None

    def write(self, absolute: str, content: bytes, mode: int, uid: int = -1, gid: int = -1) -> None:
        """Replace a file at once: at no moment is it half written, or open to more than its mode says."""
        path = self.path(absolute)
        try:
            self.make_directory(os.path.dirname(absolute))
            self._replace(path, content, mode, uid, gid)
        except OSError as error:
            raise ToolError("{} cannot be written: {}".format(absolute, error.strerror)) from error

    def _replace(self, path: str, content: bytes, mode: int, uid: int, gid: int) -> None:
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".cfn-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                os.fchown(stream.fileno(), uid, gid)
                os.fchmod(stream.fileno(), mode)
                stream.flush()
                os.fsync(stream.fileno())
            os.rename(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    def make_directory(self, absolute: str, mode: int = 0o755) -> None:
        """Make a directory and those above it."""
        os.makedirs(self.path(absolute), mode=mode, exist_ok=True)

    # --- commands -------------------------------------------------------------------------------

    def run(
        self,
        words: Union[str, List[str]],
        cwd: Optional[str] = None,
        env: Optional[Dict[str, str]] = None,
        user: Optional[str] = None,
    ) -> Outcome:
        """Run a command; ``env`` replaces the environment but for what no command can do without."""
        outcome = self._runner(
            Command(words, self.path(cwd) if cwd else None, self._environment(env, user), user)
        )
        name = "a shell command" if isinstance(words, str) else words[0]  # arguments may be secret
        log.debug("%s ended with status %d\n%s", name, outcome.status, outcome.output)
        return outcome

    def must(self, words: List[str], env: Optional[Dict[str, str]] = None) -> str:
        """What a command prints; raises ToolError unless it ends well."""
        outcome = self.run(words, env=dict(self.environ, **env) if env else None)
        if outcome.status:
            raise ToolError(
                "{} ended with status {}: {}".format(
                    " ".join(words), outcome.status, outcome.output.strip()[-2000:]
                )
            )
        return outcome.output

    def _environment(self, env: Optional[Dict[str, str]], user: Optional[str]) -> Dict[str, str]:
        kept = {name: text for name, text in self.environ.items() if name in _KEPT}
        made = dict(self.environ) if env is None else dict(kept, **env)
        if user:
            entry = _entry(user)
            made.update(HOME=entry.pw_dir, USER=user, LOGNAME=user)
        made.setdefault("PATH", PATH)
        return made

    def has(self, program: str) -> bool:
        """Whether commands find a program."""
        return shutil.which(program, path=self.environ.get("PATH") or PATH) is not None

    # --- users ----------------------------------------------------------------------------------

    def user(self, name: str) -> Optional[Account]:
        """A user of the machine."""
        if self.root != "/":
            row = self._row("/etc/passwd", name)
            return Account(name, int(row[2]), int(row[3]), row[5]) if row else None
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            return None
        return Account(name, entry.pw_uid, entry.pw_gid, entry.pw_dir)

    def group(self, name: str) -> Optional[int]:
        """The id of a group of the machine."""
        if self.root != "/":
            row = self._row("/etc/group", name)
            return int(row[2]) if row else None
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            return None

    def _row(self, table: str, name: str) -> Optional[List[str]]:
        rows = (line.split(":") for line in (self.read(table) or "").splitlines())
        return next((row for row in rows if row[0] == name), None)

    # --- the rest -------------------------------------------------------------------------------

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def name(self) -> str:
        """The full name of the machine in the network."""
        return socket.getfqdn()


def this_system() -> System:
    """The machine that the program runs on, or the root that the environment names."""
    return System(os.environ.get(ROOT_VARIABLE) or "/")
